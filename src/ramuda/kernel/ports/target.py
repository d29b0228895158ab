"""The end of an arrow: whatever can be named by ARN and takes what another service has to say.

Delivery is at least once: after a crash the same `Delivery` arrives again, with the same `id`. One implementation for
each AWS service, in `invoke.destinations`; the contract suite runs over all of them.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from ramuda.kernel.arn import Arn
from ramuda.kernel.errors import RamudaError
from ramuda.kernel.function import FunctionRef

Kind: TypeAlias = Literal["Success", "Failure", "DeadLetter"]
"""The record of an invocation that succeeded, or failed for good; or the event itself, for a dead-letter queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A message attribute as SQS and SNS know it: `type` is `String` or `Number`."""

    name: str
    type: Literal["String", "Number"]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is delivered. `body` is JSON text; `function` is whose event it was, its qualifier as the caller named it;
    `at_s` when the record was made (seconds since the epoch). `trace` is the X-Ray header that goes on with it."""

    schema: int = 1
    id: str
    kind: Kind
    function: FunctionRef
    body: str
    at_s: float
    attributes: tuple[Attribute, ...] = ()
    trace: str | None = None


class Undeliverable(RamudaError):  # noqa: N818 - a state of the target, which callers expect
    """The target will never take it: it is of a kind that is not supported, or is not there."""


class Target(Protocol):
    async def deliver(self, arn: Arn, delivery: Delivery) -> None:
        """Returns when the target has it. Raises Undeliverable when trying again is no use, ApiError or PortError when
        it may help."""
        ...
