"""Standard queues of SQS. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""

from typing import Any

from ramuda.kernel.arn import Arn
from ramuda.kernel.errors import ApiError
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.target import Delivery, Undeliverable

URLS_MAX = 10_000


class QueueTarget:
    """Asks for a queue's URL once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._urls: dict[Arn, str] = {}

    async def deliver(self, arn: Arn, delivery: Delivery) -> None:
        if arn.resource.endswith(".fifo"):
            raise Undeliverable(f"{arn}: a FIFO queue is no destination")
        url = await self._url(arn)
        try:
            await self._api.call(
                "sqs", "SendMessage", send_message(url, delivery), account=arn.account, region=arn.region
            )
        except ApiError:
            self._urls.pop(arn, None)  # it may be another queue of the same name by now
            raise

    async def _url(self, arn: Arn) -> str:
        url = self._urls.get(arn)
        if url is None:
            found = await self._api.call(
                "sqs", "GetQueueUrl", {"QueueName": arn.resource}, account=arn.account, region=arn.region
            )
            if len(self._urls) >= URLS_MAX:
                self._urls.clear()
            url = self._urls[arn] = found["QueueUrl"]
        return url


def send_message(url: str, delivery: Delivery) -> dict[str, Any]:
    """The parameters of SendMessage."""
    params: dict[str, Any] = {"QueueUrl": url, "MessageBody": delivery.body}
    if delivery.attributes:
        params["MessageAttributes"] = {
            attribute.name: {"DataType": attribute.type, "StringValue": attribute.value}
            for attribute in delivery.attributes
        }
    if delivery.trace is not None:
        params["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": delivery.trace}}
    return params
