"""Functions: the record becomes the payload of an asynchronous invocation, whose request id is the delivery's."""

from typing import Protocol

from ramuda.kernel.arn import Arn
from ramuda.kernel.ports.target import Delivery, Undeliverable


class Enqueue(Protocol):
    """Accepts an event for the function that an ARN names."""

    async def __call__(self, arn: Arn, *, payload: bytes, request_id: str, trace: str | None) -> None:
        """Returns when it is stored. Raises ApiError when there is no such function, PortError."""
        ...


class FunctionTarget:
    def __init__(self, enqueue: Enqueue) -> None:
        self._enqueue = enqueue

    async def deliver(self, arn: Arn, delivery: Delivery) -> None:
        if delivery.kind == "DeadLetter":
            raise Undeliverable(f"{arn}: a function is no dead-letter queue")
        await self._enqueue(arn, payload=delivery.body.encode(), request_id=delivery.id, trace=delivery.trace)
