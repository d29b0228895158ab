"""One execution environment: a sandbox, the runtime in it, and the function it belongs to, from its first Init to its
end.

    COLD --init--> IDLE --invoke--> RUNNING --answered--> FINISHING --next--> IDLE
       `--init failed--> BROKEN --invoke--> (init again, within the invocation) RUNNING ...
    RUNNING, FINISHING --time-out, exit--> RESETTING --> BROKEN          any --close--> CLOSED

A failure resets the runtime: its processes end, /tmp stays, and the next invocation starts it again within its own
time ("suppressed init"). The caller gets the answer when the runtime posts it; the environment is busy until the
runtime asks for the next event. How Init goes, and where SnapStart stands in for it, is `beginning`; what is said and
where it goes is `chronicle`. Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from ramuda.kernel import limits
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import InternalError, PortError
from ramuda.kernel.function import FunctionError, FunctionSnapshot, Invocation, Outcome, Success
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.recorder import LogStream
from ramuda.kernel.ports.sandbox import Assignment, Exit, Sandbox
from ramuda.runtime import beginning, events, reports, snapshots_restore
from ramuda.runtime.api import ResponseStream, RuntimeApi, StreamLimits
from ramuda.runtime.api.extensions import ExtensionsApi
from ramuda.runtime.api.restore import RestoreApi, SnapStart
from ramuda.runtime.api.telemetry import TelemetryApi
from ramuda.runtime.chronicle import Chronicle
from ramuda.runtime.extensions.crew import Crew
from ramuda.runtime.extensions.roster import Reason
from ramuda.runtime.memory import PeakMemory
from ramuda.runtime.options import Options
from ramuda.runtime.progress import Conclusion, Progress
from ramuda.runtime.states import InitFailure, Initialization, State

BACKLOG = 16
"""As many connections are accepted in one turn of the event loop; whatever the function does, others get their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Who hears of an environment. Called in the event loop; must not wait."""

    answered: Callable[["Environment"], None]
    """The caller has its answer; the environment will be idle soon."""
    idle: Callable[["Environment"], None]
    lost: Callable[["Environment"], None]
    """The sandbox failed; the environment must be closed."""
    concluded: Callable[[Conclusion], None]


class Environment:
    """`open`, then `invoke`, one at a time, while `is_idle`; at last `close`."""

    def __init__(
        self,
        *,
        function: FunctionSnapshot,
        runtime: ProvidedRuntime,
        sandbox: Sandbox,
        stop_plumbing: Callable[[], None],
        stream: LogStream,
        clock: Clock,
        options: Options,
        observer: Observer,
        born_s: float,
        initialization: Initialization = Initialization.ON_DEMAND,
        snap_start: SnapStart | None = None,
    ) -> None:
        self.function = function
        self.initialization = initialization
        self.born_s = born_s
        self.idle_since_s = born_s
        self._stop_plumbing = stop_plumbing
        self._sandbox = sandbox
        self._clock = clock
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
        self._chronicle = Chronicle(
            function=function,
            initialization=initialization,
            sandbox=sandbox,
            stream=stream,
            clock=clock,
            options=options,
        )
        self._crew = Crew(
            function=function, sandbox=sandbox, chronicle=self._chronicle, clock=clock, options=options, listener=self
        )
        self._api = self._make_api(options, snap_start)
        self._beginning = snapshots_restore.beginning_of(snap_start)(
            function=function,
            runtime=runtime,
            initialization=initialization,
            sandbox=sandbox,
            api=self._api,
            crew=self._crew,
            chronicle=self._chronicle,
            clock=clock,
            options=options,
            born_s=born_s,
            watch=self._watch_runtime,
        )
        self._state = State.COLD
        self._is_paused = False
        self._memory = PeakMemory(sandbox, function.memory_mib)
        self._progress: Progress | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def _make_api(self, options: Options, snap_start: SnapStart | None) -> RuntimeApi:
        others = (
            ExtensionsApi(self._crew, self.function),
            TelemetryApi(self._crew, self._chronicle.subscribe),
            RestoreApi(lambda failure: self._beginning.end(failure), snap_start),
        )
        return RuntimeApi(self, StreamLimits.of(options, self._clock), others)

    @property
    def state(self) -> State:
        return self._state

    @property
    def is_idle(self) -> bool:
        """Whether it can be given an invocation: the runtime waits, or is to be started again."""
        return self._state in (State.IDLE, State.BROKEN)

    async def open(self, assignment: Assignment) -> None:
        """Gives the sandbox to the function and serves the Runtime API. Raises PortError; `close` must follow in any
        case."""
        listening = self._sandbox.sockets.runtime_api
        self._server = await self._loop.create_server(self._api.factory, sock=listening, backlog=BACKLOG)
        self._chronicle.pipes.watch()
        self._crew.employ(assignment.env)
        await self._sandbox.assign(assignment)

    async def initialize(self) -> InitFailure | None:
        """Runs Init ahead of any invocation (provisioned concurrency); the failure, if it failed. Once, when cold."""
        if self._state is not State.COLD:
            raise InternalError(f"an environment of {self.function.arn} is {self._state.value}, not cold")
        return await self._first_init()

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Runs one event. Raises InternalError unless cold or idle, PortError when the sandbox fails."""
        if self._state is State.COLD:
            await self._first_init()
        if not self.is_idle:
            raise InternalError(f"an environment of {self.function.arn} is {self._state.value}, not idle")
        self._thaw()
        was_broken = self._state is State.BROKEN
        progress = self._begin(invocation)
        if was_broken:
            await self._suppressed_init(progress)
        else:
            self._deliver(progress)
        return await progress.outcome

    def pause(self) -> None:
        """Freezes an idle environment until its next invocation."""
        if self._state is State.IDLE and not self._is_paused:
            self._is_paused = True
            if self._chronicle.telemetry is not None:
                self._chronicle.telemetry.freeze()
            self._sandbox.pause()

    async def close(self) -> None:
        """Ends it, whatever it does; an invocation under way fails. Idempotent."""
        if self._state is State.CLOSED:
            return
        was_idle = self._state is State.IDLE
        self._state = State.CLOSED
        self._stop_timer()
        for task in list(self._tasks):
            task.cancel()
        if self._progress is not None:
            self._conclude(reports.exited(self._progress.invocation.request_id, Exit(signal=9)), "error")
        if was_idle and self._crew.members:
            self._thaw()
            await self._crew.shut_down(Reason.SPINDOWN, is_orderly=True)
        if self._server is not None:
            self._server.close()
        self._api.restart()
        self._chronicle.close()
        self._stop_plumbing()
        await self._sandbox.kill()
        self._chronicle.end()

    # Init

    async def _first_init(self) -> InitFailure | None:
        failure = await self._beginning.first()
        self._state = State.IDLE if failure is None else State.BROKEN
        return failure

    async def _suppressed_init(self, progress: Progress) -> None:
        """Init within an invocation, whose time-out bounds it."""
        failure = await self._beginning.again()
        if self._progress is not progress:
            return
        if failure is None:
            self._deliver(progress)
        else:
            self._fail(failure.outcome(progress.invocation.request_id), failure.status)

    def _watch_runtime(self) -> None:
        self._own(self._watch_exit(self._beginning.attempts))

    # One invocation

    def _begin(self, invocation: Invocation) -> Progress:
        self._state = State.RUNNING
        progress = Progress(invocation, self._loop.create_future(), self._clock.monotonic(), self._clock.time())
        self._progress = self._chronicle.progress = progress
        self._chronicle.start(invocation.request_id, invocation.trace)
        self._timer = self._loop.call_later(self.function.timeout_s, self._on_timeout)
        return progress

    def _deliver(self, progress: Progress) -> None:
        invocation = progress.invocation
        deadline_ms = int((progress.started_at_s + self.function.timeout_s) * 1000)
        if self._crew.members and invocation.trace is None:
            invocation.trace = events.new_trace(deadline_ms // 1000, sampled=self.function.tracing_active)
        head = events.headers(invocation, deadline_ms)
        if self._crew.members:
            self._crew.invoke(invocation, deadline_ms)
        self._api.deliver(invocation.request_id, head, invocation.payload, wants_stream=invocation.wants_stream)

    def _answered(self, answer: Success | FunctionError) -> None:
        if self._state is not State.RUNNING:
            return  # it is being ended
        self._state = State.FINISHING
        if self._progress is not None:
            if self._chronicle.wants_detail:
                self._progress.note_answer(self._clock.monotonic(), len(answer.payload))
            self._progress.answered(answer)
        self._observer.answered(self)

    def _fail(self, failure: FunctionError, status: str) -> None:
        """The platform ends the invocation: time-out, exit or failed Init."""
        self._state = State.RESETTING
        self._observer.answered(self)
        if self._progress is not None:
            self._runtime_done(self._progress, failure, status)
        self._conclude(failure, status)
        self._own(self._reset(Reason.TIMEOUT if status == "timeout" else Reason.FAILURE))

    def _conclude(self, failure: FunctionError | None, status: str | None) -> None:
        """Writes END and REPORT, gives the answer that is still owed, tells the metrics."""
        self._stop_timer()
        progress, function = self._progress, self.function
        if progress is None:
            return
        now_s = self._clock.monotonic()
        duration_ms = (now_s - progress.started_s) * 1000
        if status == "timeout":
            duration_ms = function.timeout_s * 1000.0
        done_s = progress.runtime_done_s
        extensions_ms = None if done_s is None else (now_s - done_s) * 1000
        begun, self._beginning.begun = self._beginning.begun, None
        used_mib = self._memory.after(duration_ms, now_s)
        is_out_of_memory = failure is not None and failure.error_type == "Runtime.OutOfMemory"
        self._chronicle.report(
            progress,
            duration_ms=duration_ms,
            used_mib=function.memory_mib if is_out_of_memory else used_mib,
            begun=begun,
            failure=failure,
            status=status,
        )
        self._progress = self._chronicle.progress = None
        progress.finish(failure)
        self._observer.concluded(
            Conclusion(
                invocation=progress.invocation,
                started_at_s=progress.started_at_s,
                duration_ms=duration_ms,
                init_ms=begun.init_ms if begun is not None else None,
                error_type=progress.error_type,
                extensions_ms=extensions_ms,
            )
        )

    def _runtime_done(self, progress: Progress, failure: FunctionError | None, status: str | None) -> None:
        """The runtime is done with the event; its extensions may not be."""
        if progress.runtime_done_s is None and (self._crew.members or self._chronicle.wants_detail):
            now_s = self._clock.monotonic()
            if self._crew.members:
                progress.runtime_done_s = now_s
            if self._chronicle.wants_detail:
                self._chronicle.runtime_done(progress, failure, status, now_s)

    async def _reset(self, reason: Reason = Reason.FAILURE) -> None:
        try:
            if self._crew.members:
                self._thaw()
                await self._crew.shut_down(reason, is_orderly=False)
            self._is_paused = False  # a reset thaws what it ends
            await self._sandbox.reset()
        except PortError:
            self._observer.lost(self)
            return
        if self._beginning.is_restored:
            self._observer.lost(self)  # the next event has another restored
            return
        self._become_idle(State.BROKEN)

    def _become_idle(self, state: State) -> None:
        self._state = state
        self.idle_since_s = self._clock.monotonic()
        self._observer.idle(self)

    # What happens: the Runtime API's Listener, the process, the clock

    def on_ready(self) -> None:
        if self._state is State.FINISHING and self._progress is not None:
            self._runtime_done(self._progress, None, None)
        elif self._chronicle.wants_detail and self._beginning.is_under_way:
            self._chronicle.init_done(None, "init" if self._progress is None else "invoke")
        if self._crew.members:
            self._crew.runtime_ready()
        else:
            self.on_everyone_ready()

    def on_everyone_ready(self) -> None:
        if not self._beginning.end(None) and self._state is State.FINISHING:
            self._conclude(None, None)
            self._become_idle(State.IDLE)

    def on_extension_lost(self, error_type: str, detail: str) -> None:
        if not self._beginning.end(beginning.extension_lost(error_type, detail)):
            self._broke(lambda request_id: reports.extension_lost(request_id, error_type, detail))

    def on_init_error(self, error_type: str, payload: bytes) -> None:
        outcome = FunctionError(error_type=error_type, payload=payload)
        self._beginning.end(InitFailure(status="error", error_type=error_type, outcome=lambda _: outcome))

    def warn(self, text: str) -> None:
        self._chronicle.warn(text)

    def on_response(self, payload: bytes, content_type: str) -> None:
        self._answered(Success(payload=payload, content_type=content_type))

    def on_error(self, error_type: str, payload: bytes) -> None:
        self._answered(FunctionError(error_type=error_type, payload=payload))

    def on_response_too_large(self) -> None:
        self._answered(reports.response_too_large(limits.RESPONSE_PAYLOAD_BYTES))

    def on_stream(self, stream: ResponseStream) -> None:
        if self._progress is not None and self._state is State.RUNNING:
            self._state = State.FINISHING
            if self._chronicle.wants_detail:
                self._progress.answer_began_s = self._clock.monotonic()
            self._progress.streaming(stream)

    def _on_timeout(self) -> None:
        self._timer = None
        if not self._beginning.end(self._beginning.timeout()) and self._progress is not None:
            request_id = self._progress.invocation.request_id
            self._fail(reports.timed_out(request_id, self.function.timeout_s), "timeout")

    async def _watch_exit(self, attempt: int) -> None:
        how = await self._sandbox.wait()
        for _ in range(2):  # what it posted with its last breath may be in the socket: a turn of the loop reads it
            await asyncio.sleep(0)
        self._chronicle.exited(how)
        if attempt == self._beginning.attempts and not self._beginning.end(beginning.exited(how)):
            self._broke(lambda request_id: reports.exited(request_id, how))

    def _broke(self, failure_of: Callable[[str], FunctionError]) -> None:
        """Something ended that an invocation needs, under way or to come; `failure_of` its request id."""
        if self._progress is not None and self._state in (State.RUNNING, State.FINISHING):
            self._fail(failure_of(self._progress.invocation.request_id), "error")
        elif self._state is State.IDLE:
            self._state = State.RESETTING
            self._own(self._reset())

    # Small things

    def _thaw(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._sandbox.resume()
            if self._chronicle.telemetry is not None:
                self._chronicle.telemetry.thaw()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _own(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
