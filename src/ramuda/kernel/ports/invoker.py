"""Running functions, as seen by those who want one run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ramuda.kernel.function import FunctionSnapshot, Invocation, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """So many `environments` of a published version shall be started ahead, for invocations through `qualifier`: an
    alias, or the version itself (then for all that run the version)."""

    function: FunctionSnapshot
    qualifier: str
    environments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """What became of a `Provision`. `allocated` is what it takes of the concurrency, `available` how many are started
    and alive. `is_complete` once all were; `failure` is AWS's StatusReason when they could not be started."""

    qualifier: str
    version: str
    wanted: int
    allocated: int
    available: int
    is_complete: bool
    failure: str | None = None


class Invoker(Protocol):
    async def invoke(self, invocation: Invocation) -> Outcome:
        """Runs the function once and waits for its answer. Raises Throttled when no concurrency is left, or when a
        synchronous caller (`Invocation.is_async` is False) asks too often, PortError when the platform could not run
        it. A failing function is an Outcome."""
        ...

    def forget(self, function_arn: str) -> None:
        """The function (unqualified ARN) was changed or deleted: environments of older revisions are shut down when
        idle. Not those that were provisioned: `provision` alone says what becomes of them."""
        ...

    def provision(self, function_arn: str, wanted: Sequence[Provision]) -> None:
        """What the function (unqualified ARN) shall have started ahead from now on, at most one for each version;
        whatever else it had is shut down when idle. Begins at once and does not wait; starts anew what failed."""
        ...

    def provisioned(self, function_arn: str) -> Sequence[Provisioned]:
        """How far that is, in any order."""
        ...
