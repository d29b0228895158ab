"""Buckets of S3, for records of failed invocations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html: the object is called
`aws/lambda/async/FUNCTION/YYYY/MM/DD/YYYY-MM-DDThh.mm.ss-UUID`.
"""

from datetime import UTC, datetime
from typing import Any

from ramuda.kernel.arn import Arn
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.target import Delivery, Undeliverable


class BucketTarget:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def deliver(self, arn: Arn, delivery: Delivery) -> None:
        if delivery.kind != "Failure":
            raise Undeliverable(f"{arn}: a bucket takes records of failed invocations only")
        function = delivery.function
        await self._api.call(
            "s3",
            "PutObject",
            put_object(arn, delivery),
            account=arn.account or function.account,
            region=arn.region or function.region,
        )


def put_object(arn: Arn, delivery: Delivery) -> dict[str, Any]:
    """The parameters of PutObject: the same object when the delivery comes again."""
    at = datetime.fromtimestamp(delivery.at_s, UTC)
    key = f"aws/lambda/async/{delivery.function.name}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{delivery.id}"
    return {
        "Bucket": arn.resource,
        "Key": key,
        "Body": delivery.body.encode(),
        "ContentType": "application/json",
    }
