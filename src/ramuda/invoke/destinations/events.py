"""Event buses of EventBridge. The event's members are recorded from AWS.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from typing import Any

from ramuda.invoke.destinations.record import function_arn
from ramuda.kernel.arn import Arn
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.target import Delivery, Undeliverable

SOURCE = "lambda"
DETAIL_TYPE = "Lambda Function Invocation Result - "
_PASSING = {"InternalFailure", "InternalException", "ThrottlingException"}


class BusTarget:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def deliver(self, arn: Arn, delivery: Delivery) -> None:
        answer = await self._api.call(
            "events", "PutEvents", {"Entries": [entry(arn, delivery)]}, account=arn.account, region=arn.region
        )
        if not answer.get("FailedEntryCount"):
            return
        (told,) = answer["Entries"]
        reason = f"{arn}: {told.get('ErrorCode')}: {told.get('ErrorMessage')}"
        if told.get("ErrorCode") in _PASSING:
            raise PortError(reason, retryable=True)
        raise Undeliverable(reason)


def entry(arn: Arn, delivery: Delivery) -> dict[str, Any]:
    """The one entry of PutEvents."""
    params: dict[str, Any] = {
        "Source": SOURCE,
        "DetailType": DETAIL_TYPE + ("Success" if delivery.kind == "Success" else "Failure"),
        "Resources": [str(arn), function_arn(delivery.function)],
        "Detail": delivery.body,
        "EventBusName": str(arn),
    }
    if delivery.trace is not None:
        params["TraceHeader"] = delivery.trace
    return params
