"""Where callers are kept apart by account, records go to targets of the function's own account only.

A target acts as the account that its ARN names, and the policies of queues, topics and buses are not evaluated here:
else whoever may configure a function could write to anybody's.
"""

from ramuda.kernel.arn import Arn
from ramuda.kernel.ports.target import Delivery, Target, Undeliverable


class OwnAccount:
    """Implements `Target` by another one."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def deliver(self, arn: Arn, delivery: Delivery) -> None:
        if arn.account not in ("", delivery.function.account):
            raise Undeliverable(f"{arn}: of another account than the function")
        await self._target.deliver(arn, delivery)
