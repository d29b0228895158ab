"""Running functions, as seen by those who want one run."""

from typing import Protocol

from ramuda.kernel.function import Invocation, Outcome


class Invoker(Protocol):
    async def invoke(self, invocation: Invocation) -> Outcome:
        """Runs the function once and waits for its answer. Raises Throttled when no concurrency is left, PortError
        when the platform could not run it. A failing function is an Outcome."""
        ...

    def forget(self, function_arn: str) -> None:
        """The function (unqualified ARN) was changed or deleted: environments of older revisions are shut down when
        idle."""
        ...
