"""An accepted asynchronous invocation, and what it takes to run it."""

from dataclasses import dataclass
from typing import Protocol

from ramuda.invoke.decide import Policy, Progress
from ramuda.invoke.destinations.record import Answer
from ramuda.kernel.function import FunctionRef, Invocation


@dataclass(slots=True, kw_only=True)
class Event:
    """`request_id` is the same in every attempt; `function` has the qualifier that the caller named. `sequence` names
    the event in the database, from its acceptance on. `trace` is the caller's; `answer` what the function answered
    last."""

    function: FunctionRef
    request_id: str
    payload: bytes
    trace: str | None = None
    progress: Progress
    sequence: int = 0
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runnable:
    """What an attempt runs, as everything is now. Destinations are ARNs; `dead_letter` that of a queue or topic."""

    invocation: Invocation
    policy: Policy
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None


class Functions(Protocol):
    """Finds what an event runs (`services.lambda_.events`)."""

    async def find(self, event: Event) -> Runnable:
        """Raises ApiError: ResourceNotFoundException when there is no such function, version or alias, another code
        when it cannot be run now."""
        ...
