"""Init: how the runtime of an environment comes to wait for its first event.

`first` is the environment's own Init, ahead of its first invocation or at it: it has a limit of its own, is told of in
the log and its time stands in the first REPORT (`begun`). `again` is the suppressed Init after a reset, within an
invocation and its time-out.

SnapStart's seam: an environment of `Initialization.SNAP_START` that comes from a snapshot replaces what `first` does;
what it wants in the first REPORT goes into `begun`, what it says into the log is a method of `Chronicle`.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""

import asyncio
from collections.abc import Callable

from ramuda.kernel.clock import Clock
from ramuda.kernel.function import FunctionError, FunctionSnapshot
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.sandbox import Exit, Sandbox
from ramuda.runtime import reports
from ramuda.runtime.api import RuntimeApi
from ramuda.runtime.chronicle import Chronicle
from ramuda.runtime.extensions.crew import Crew
from ramuda.runtime.extensions.roster import Reason
from ramuda.runtime.options import Options
from ramuda.runtime.states import Begun, InitFailure, Initialization


class Beginning:
    """Init of one environment. `watch` is called when the runtime's process was started."""

    is_restored = False

    def __init__(
        self,
        *,
        function: FunctionSnapshot,
        runtime: ProvidedRuntime,
        initialization: Initialization,
        sandbox: Sandbox,
        api: RuntimeApi,
        crew: Crew,
        chronicle: Chronicle,
        clock: Clock,
        options: Options,
        born_s: float,
        watch: Callable[[], None],
    ) -> None:
        self.begun: Begun | None = None
        """What the first REPORT tells; whoever writes it takes it away."""
        self.attempts = 0
        """Inits until now, the one under way included."""
        self._function = function
        self._runtime = runtime
        self._initialization = initialization
        self._sandbox = sandbox
        self._api = api
        self._crew = crew
        self._chronicle = chronicle
        self._clock = clock
        self._options = options
        self._born_s = born_s
        self._watch = watch
        self._ready: asyncio.Future[InitFailure | None] | None = None

    @property
    def is_under_way(self) -> bool:
        return self._ready is not None and not self._ready.done()

    async def first(self) -> InitFailure | None:
        """The failure, if it failed: then the sandbox was reset. Raises PortError."""
        failure = await self._run("init", self._limit_s(), self._born_s)
        if failure is None:
            self.begun = Begun(init_ms=(self._clock.monotonic() - self._born_s) * 1000)
            return None
        await self._reset(failure)
        return failure

    async def again(self) -> InitFailure | None:
        """Whoever runs the invocation bounds it by `end`."""
        return await self._run("invoke", None, self._clock.monotonic())

    async def _run(self, phase: str, limit_s: float | None, since_s: float) -> InitFailure | None:
        self._chronicle.init_begins()
        self._chronicle.init_start(self._runtime.runtime_version, self._runtime.note, phase)
        failure = await self._start_runtime(limit_s)
        if failure is not None and not self._crew.runtime_waits:
            self._chronicle.init_done(failure, phase)
        self._chronicle.init_report((self._clock.monotonic() - since_s) * 1000, failure, phase)
        return failure

    async def _reset(self, failure: InitFailure) -> None:
        if self._crew.members:
            reason = Reason.TIMEOUT if failure.status == "timeout" else Reason.FAILURE
            await self._crew.shut_down(reason, is_orderly=False)
        await self._sandbox.reset()

    def end(self, failure: InitFailure | None) -> bool:
        """Whether an Init was under way, which ends so."""
        if self._ready is None or self._ready.done():
            return False
        self._ready.set_result(failure)
        return True

    def timeout(self) -> InitFailure:
        return InitFailure(status="timeout", error_type="Sandbox.Timedout", outcome=self._timed_out)

    def _timed_out(self, request_id: str) -> FunctionError:
        return reports.timed_out(request_id, self._function.timeout_s)

    def _limit_s(self) -> float:
        if self._initialization is Initialization.ON_DEMAND:
            return self._options.init_timeout_s
        return max(self._options.ahead_init_timeout_s, self._function.timeout_s)

    async def _start_runtime(self, limit_s: float | None) -> InitFailure | None:
        self.attempts += 1
        self._api.restart()
        self._crew.begin()
        loop = asyncio.get_running_loop()
        self._ready = ready = loop.create_future()
        end_s = None if limit_s is None else loop.time() + limit_s
        failure: InitFailure | None
        try:
            async with asyncio.timeout_at(end_s):
                registered = await self._crew.launch()
                if registered is not None:
                    await asyncio.wait((registered, ready), return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                await self._sandbox.start()  # not to be interrupted: that would cost the sandbox
                self._crew.runtime_started()
                self._watch()
            async with asyncio.timeout_at(end_s):
                failure = await ready
        except TimeoutError:
            failure = self.timeout()
        finally:
            self._ready = None
        self._crew.init_ended()
        if failure is None:
            self._sandbox.limit_cpu()
        return failure


def extension_lost(error_type: str, detail: str) -> InitFailure:
    return InitFailure(
        status="error",
        error_type=error_type,
        outcome=lambda request_id: reports.extension_lost(request_id, error_type, detail),
    )


def exited(how: Exit) -> InitFailure:
    """The runtime's process ended before it asked for an event."""
    error_type = reports.exited("", how).error_type
    return InitFailure(
        status="error", error_type=error_type, outcome=lambda request_id: reports.exited(request_id, how)
    )
