"""One synchronous invocation, from "may it run?" to its outcome. Implements `ports.Invoker`.

This is the hot path: see `benchmarks/` before adding to it.
"""

from collections.abc import Sequence
from typing import TypeAlias

from ramuda.invoke.concurrency import Concurrency, Seat, Share
from ramuda.invoke.meter import Meter
from ramuda.invoke.options import Options as InvokeOptions
from ramuda.invoke.placement import OpenEnvironment, Placement
from ramuda.invoke.provisioned import ProvisionedConcurrency
from ramuda.invoke.tracing import Tracing
from ramuda.kernel import limits
from ramuda.kernel.clock import Clock
from ramuda.kernel.function import FunctionRef, Invocation, Outcome, RestoreFailed, Streamed, Throttled
from ramuda.kernel.ports.invoker import Provision, Provisioned
from ramuda.kernel.ports.recorder import Recorder
from ramuda.runtime.environment import Environment
from ramuda.runtime.options import Options
from ramuda.runtime.progress import Conclusion

LineKey: TypeAlias = tuple[str, str, str, str | None, str | None]
"""Account, region, name; the caller's qualifier; the version that runs, where the qualifier leaves it open."""


class _Line:
    """What invocations of one function under one qualifier have in common."""

    __slots__ = ("meter", "ref", "share")

    def __init__(self, ref: FunctionRef, meter: Meter, share: Share) -> None:
        self.ref = ref
        self.meter = meter
        self.share = share


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
        invoke_options: InvokeOptions | None = None,
    ) -> None:
        invoke_options = invoke_options or InvokeOptions()
        self.concurrency = Concurrency(account_concurrency, invoke_options)
        self.placement = Placement(open_environment, self._concluded, options, clock)
        self.provisioning = ProvisionedConcurrency(
            self.placement, self.concurrency, clock, invoke_options, options.lifetime_s
        )
        self.tracing = Tracing(recorder, clock, recursion_limit)
        self._recorder = recorder
        self._clock = clock
        self._seats: dict[int, Seat] = {}
        self._lines: dict[LineKey, _Line] = {}

    async def start(self) -> None:
        self.placement.start()
        self.provisioning.start()

    async def stop(self) -> None:
        await self.provisioning.stop()
        await self.placement.stop()

    async def invoke(self, invocation: Invocation) -> Outcome:
        self.tracing.enter(invocation)
        line = self._line(invocation)
        now_s = self._clock.time()
        outcome: Outcome | None = None
        try:
            seat = self._admit(invocation, line, now_s)
            self._seats[id(invocation)] = seat
            line.meter.began(now_s, seat)
            environment = await self._environment(seat, line)
            try:
                outcome = await environment.invoke(invocation)
            except BaseException:
                self.placement.discard(environment)
                raise
            return outcome
        except Throttled:
            line.meter.throttled(now_s)
            raise
        except RestoreFailed:
            line.meter.not_restored(now_s)
            raise
        finally:
            if not isinstance(outcome, Streamed):
                self._leave(invocation)

    def forget(self, function_arn: str) -> None:
        self.placement.retire(function_arn)
        self.tracing.forget(function_arn)
        for key, line in [(key, line) for key, line in self._lines.items() if line.ref.arn == function_arn]:
            del self._lines[key]
            self.concurrency.drop(line.ref)

    def provision(self, function_arn: str, wanted: Sequence[Provision]) -> None:
        self.provisioning.set(function_arn, wanted)

    def provisioned(self, function_arn: str) -> Sequence[Provisioned]:
        return self.provisioning.of_function(function_arn)

    def _admit(self, invocation: Invocation, line: _Line, now_s: float) -> Seat:
        """Raises Throttled."""
        monotonic_s = self._clock.monotonic()
        if self.provisioning.pools:
            pool = self.provisioning.pool_for(invocation)
            if pool is not None:
                seat = self.concurrency.begin_provisioned(line.share, invocation, pool, monotonic_s)
                if seat is not None:
                    return seat
                if pool.ready:
                    line.meter.spilled_over(now_s)
        return self.concurrency.begin(line.share, invocation, monotonic_s)

    async def _environment(self, seat: Seat, line: _Line) -> Environment:
        """Raises Throttled, and PortError when none can be made."""
        pool = seat.pool
        if pool is not None:
            environment = await self.placement.find(pool)
            now_s = self._clock.time()
            if environment is not None:
                line.meter.provisioned(now_s, seat, pool)
                return environment
            line.meter.spilled_over(now_s)
            self.concurrency.spill_over(seat, self._clock.monotonic())
        share = line.share
        return await self.placement.acquire(
            seat.invocation.function, lambda: self.concurrency.scale(share, self._clock.monotonic())
        )

    def _leave(self, invocation: Invocation) -> None:
        """An invocation counts until its answer is there, a streamed one until the function is done; once."""
        seat = self._seats.pop(id(invocation), None)
        if seat is not None:
            seat.leave()

    def _concluded(self, conclusion: Conclusion) -> None:
        self._leave(conclusion.invocation)
        self._line(conclusion.invocation).meter.concluded(conclusion)

    def _line(self, invocation: Invocation) -> _Line:
        function = invocation.function
        ref, qualifier = function.ref, invocation.qualifier
        version = function.version if invocation.is_weighted else None
        key = (ref.account, ref.region, ref.name, qualifier, version)
        line = self._lines.get(key)
        if line is None:
            meter = Meter(self._recorder, ref, qualifier, version)
            line = self._lines[key] = _Line(ref, meter, self.concurrency.share(ref))
        return line
