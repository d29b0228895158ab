"""Standard topics of SNS. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html

A message has 256 KB at most: a record that is larger is sent without its payloads
(https://docs.aws.amazon.com/lambda/latest/api/API_OnFailure.html).
"""

from typing import Any

from ramuda.kernel.arn import Arn
from ramuda.kernel.codec import decode_json, encode_json
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.target import Delivery, Undeliverable

MESSAGE_BYTES = 262_144
_PAYLOADS = ("requestPayload", "responsePayload")


class TopicTarget:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def deliver(self, arn: Arn, delivery: Delivery) -> None:
        if arn.resource.endswith(".fifo"):
            raise Undeliverable(f"{arn}: a FIFO topic is no destination")
        await self._api.call("sns", "Publish", publish(arn, delivery), account=arn.account, region=arn.region)


def publish(arn: Arn, delivery: Delivery) -> dict[str, Any]:
    """The parameters of Publish."""
    params: dict[str, Any] = {"TopicArn": str(arn), "Message": _message(delivery)}
    if delivery.attributes:
        params["MessageAttributes"] = {
            attribute.name: {"DataType": attribute.type, "StringValue": attribute.value}
            for attribute in delivery.attributes
        }
    return params


def _message(delivery: Delivery) -> str:
    if delivery.kind == "DeadLetter" or len(delivery.body.encode()) <= MESSAGE_BYTES:
        return delivery.body
    record = {name: value for name, value in decode_json(delivery.body).items() if name not in _PAYLOADS}
    return encode_json(record).decode()
