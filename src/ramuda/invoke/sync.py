"""One synchronous invocation, from "may it run?" to its outcome. Implements `ports.Invoker`.

This is the hot path: see `benchmarks/` before adding to it.
"""

from ramuda.invoke.concurrency import Concurrency
from ramuda.invoke.meter import Meter
from ramuda.invoke.placement import OpenEnvironment, Placement
from ramuda.invoke.tracing import Tracing
from ramuda.kernel import limits
from ramuda.kernel.clock import Clock
from ramuda.kernel.function import FunctionSnapshot, Invocation, Outcome, Streamed, Throttled
from ramuda.kernel.ports.recorder import Recorder
from ramuda.runtime.options import Options
from ramuda.runtime.progress import Conclusion


class SyncInvoker:
    """`open_environment` makes an environment for a function (`runtime.birth`); `account_concurrency` is the limit of
    each account and region."""

    def __init__(
        self,
        open_environment: OpenEnvironment,
        recorder: Recorder,
        clock: Clock,
        options: Options,
        account_concurrency: int,
        recursion_limit: int = limits.RECURSION_LIMIT,
    ) -> None:
        self.concurrency = Concurrency(account_concurrency)
        self.placement = Placement(open_environment, self._concluded, options, clock)
        self.tracing = Tracing(recorder, clock, recursion_limit)
        self._recorder = recorder
        self._clock = clock
        self._counted: dict[int, Invocation] = {}
        self._meters: dict[tuple[str, str | None], Meter] = {}

    async def start(self) -> None:
        self.placement.start()

    async def stop(self) -> None:
        await self.placement.stop()

    async def invoke(self, invocation: Invocation) -> Outcome:
        self.tracing.enter(invocation)
        function = invocation.function
        meter = self._meter(function, invocation.qualifier)
        try:
            self.concurrency.begin(function)
        except Throttled:
            meter.throttled(self._clock.time())
            raise
        ref = function.ref
        meter.began(
            self._clock.time(),
            self.concurrency.of_function(function),
            self.concurrency.of_region(ref.account, ref.region),
        )
        self._counted[id(invocation)] = invocation
        outcome: Outcome | None = None
        try:
            outcome = await self._run(invocation)
            return outcome
        finally:
            if not isinstance(outcome, Streamed):
                self._count_out(invocation)

    def forget(self, function_arn: str) -> None:
        self.placement.retire(function_arn)
        self.tracing.forget(function_arn)
        for key in [key for key in self._meters if key[0] == function_arn]:
            del self._meters[key]

    async def _run(self, invocation: Invocation) -> Outcome:
        environment = await self.placement.acquire(invocation.function)
        try:
            return await environment.invoke(invocation)
        except BaseException:
            self.placement.discard(environment)
            raise

    def _count_out(self, invocation: Invocation) -> None:
        """An invocation counts until its answer is there, a streamed one until the function is done; once."""
        if self._counted.pop(id(invocation), None) is not None:
            self.concurrency.end(invocation.function)

    def _concluded(self, conclusion: Conclusion) -> None:
        invocation = conclusion.invocation
        self._count_out(invocation)
        self._meter(invocation.function, invocation.qualifier).concluded(conclusion)

    def _meter(self, function: FunctionSnapshot, qualifier: str | None) -> Meter:
        key = (function.ref.arn, qualifier)
        meter = self._meters.get(key)
        if meter is None:
            meter = self._meters[key] = Meter(self._recorder, function.ref, qualifier)
        return meter
