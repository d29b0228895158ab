"""One execution environment: a sandbox, the runtime in it, and the function it belongs to, from its first Init to its
end.

    COLD --init--> IDLE --invoke--> RUNNING --answered--> FINISHING --next--> IDLE
       `--init failed--> BROKEN --invoke--> (init again, within the invocation) RUNNING ...
    RUNNING, FINISHING --time-out, exit--> RESETTING --> BROKEN          any --close--> CLOSED

A failure resets the runtime: its processes end, /tmp stays, and the next invocation starts it again within its own
time ("suppressed init"). The caller gets the answer when the runtime posts it; the environment is busy until the
runtime asks for the next event. Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from ramuda.kernel import limits
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import InternalError, PortError
from ramuda.kernel.function import FunctionError, FunctionSnapshot, Invocation, Outcome, Success
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.recorder import LogStream
from ramuda.kernel.ports.sandbox import Assignment, Exit, Sandbox
from ramuda.runtime import events, reports
from ramuda.runtime.api import ResponseStream, RuntimeApi
from ramuda.runtime.options import Options
from ramuda.runtime.output import Output
from ramuda.runtime.progress import Conclusion, Progress
from ramuda.runtime.states import InitFailure, Initialization, State

BACKLOG = 16
"""As many connections are accepted in one turn of the event loop; whatever the function does, others get their turn."""

SHORT_MS, MEASURED_FOR_S = 5.0, 0.02
"""A memory measurement costs 30 µs, as much as any step of a warm invocation. Within 5 ms a function touches some
10 MiB at most, and a fiftieth of a second later they are seen."""


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
    ) -> None:
        self.function = function
        self.initialization = initialization
        self.born_s = born_s
        self.idle_since_s = born_s
        self._stop_plumbing = stop_plumbing
        self._runtime = runtime
        self._sandbox = sandbox
        self._stream = stream
        self._clock = clock
        self._options = options
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._api = RuntimeApi(self)
        self._server: asyncio.Server | None = None
        self._output = Output(sandbox.output, self._log, options.output_line_bytes)
        self._state = State.COLD
        self._is_paused = False
        self._ready: asyncio.Future[InitFailure | None] | None = None
        self._init_ms: float | None = None
        self._used_mib = 0
        self._measured_s = -math.inf
        self._starts = 0
        self._progress: Progress | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

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
        self._loop.add_reader(self._sandbox.output, self._read_output)
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
        if self._is_paused:
            self._is_paused = False
            self._sandbox.resume()
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
            self._sandbox.pause()

    async def close(self) -> None:
        """Ends it, whatever it does; an invocation under way fails. Idempotent."""
        if self._state is State.CLOSED:
            return
        self._state = State.CLOSED
        self._stop_timer()
        for task in list(self._tasks):
            task.cancel()
        if self._progress is not None:
            self._conclude(reports.exited(self._progress.invocation.request_id, Exit(signal=9)), "error")
        if self._server is not None:
            self._server.close()
        self._api.restart()
        self._loop.remove_reader(self._sandbox.output)
        self._output.finish()
        self._stop_plumbing()
        await self._sandbox.kill()
        self._stream.close()

    # Init

    async def _first_init(self) -> InitFailure | None:
        self._log(reports.init_start(self._runtime.runtime_version, self.function.ref.region))
        if self._runtime.note:
            self._log(f"{self._runtime.note}\n")
        failure = await self._start_runtime(self._init_limit_s())
        init_ms = (self._clock.monotonic() - self.born_s) * 1000
        if failure is None:
            self._init_ms = init_ms
            self._state = State.IDLE
            return None
        self._output.finish()
        self._log(reports.init_report(init_ms, failure.status, failure.error_type))
        await self._sandbox.reset()
        self._state = State.BROKEN
        return failure

    def _init_limit_s(self) -> float:
        if self.initialization is Initialization.ON_DEMAND:
            return self._options.init_timeout_s
        return max(self._options.ahead_init_timeout_s, self.function.timeout_s)

    async def _suppressed_init(self, progress: Progress) -> None:
        """Init within an invocation, whose time-out bounds it."""
        failure = await self._start_runtime(None)
        if self._progress is not progress:
            return
        if failure is None:
            self._deliver(progress)
        else:
            self._fail(failure.outcome(progress.invocation.request_id), failure.status)

    async def _start_runtime(self, limit_s: float | None) -> InitFailure | None:
        self._api.restart()
        self._starts += 1
        self._ready = ready = self._loop.create_future()
        await self._sandbox.start()
        self._own(self._watch_exit(self._starts))
        failure: InitFailure | None
        try:
            async with asyncio.timeout(limit_s):
                failure = await ready
        except TimeoutError:
            failure = self._init_timeout()
        finally:
            self._ready = None
        if failure is None:
            self._sandbox.limit_cpu()
        return failure

    def _end_init(self, failure: InitFailure | None) -> bool:
        """Whether an Init was under way, which ends so."""
        if self._ready is None or self._ready.done():
            return False
        self._ready.set_result(failure)
        return True

    def _init_timeout(self) -> InitFailure:
        return InitFailure(status="timeout", error_type="Sandbox.Timedout", outcome=self._timed_out)

    def _timed_out(self, request_id: str) -> FunctionError:
        return reports.timed_out(request_id, self.function.timeout_s)

    # One invocation

    def _begin(self, invocation: Invocation) -> Progress:
        self._state = State.RUNNING
        progress = Progress(invocation, self._loop.create_future(), self._clock.monotonic(), self._clock.time())
        self._progress = progress
        self._log(reports.start(invocation.request_id, self.function.version))
        self._timer = self._loop.call_later(self.function.timeout_s, self._on_timeout)
        return progress

    def _deliver(self, progress: Progress) -> None:
        invocation = progress.invocation
        head = events.headers(invocation, int((progress.started_at_s + self.function.timeout_s) * 1000))
        self._api.deliver(invocation.request_id, head, invocation.payload, wants_stream=invocation.wants_stream)

    def _answered(self, answer: Success | FunctionError) -> None:
        self._state = State.FINISHING
        self._output.drain()
        if self._progress is not None:
            self._progress.answered(answer)
        self._observer.answered(self)

    def _fail(self, failure: FunctionError, status: str) -> None:
        """The platform ends the invocation: time-out, exit or failed Init."""
        self._state = State.RESETTING
        self._observer.answered(self)
        self._conclude(failure, status)
        self._own(self._reset())

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
        init_ms, self._init_ms = self._init_ms, None
        self._measure_memory(now_s, duration_ms)
        is_out_of_memory = failure is not None and failure.error_type == "Runtime.OutOfMemory"
        self._output.finish()
        self._log(reports.end(progress.invocation.request_id))
        self._log(
            reports.report(
                progress.invocation.request_id,
                duration_ms=duration_ms,
                memory_mib=function.memory_mib,
                used_mib=function.memory_mib if is_out_of_memory else self._used_mib,
                init_ms=init_ms,
                status=status,
                error_type=failure.error_type if failure is not None and status == "error" else None,
            )
        )
        self._progress = None
        progress.finish(failure)
        self._observer.concluded(
            Conclusion(
                invocation=progress.invocation,
                started_at_s=progress.started_at_s,
                duration_ms=duration_ms,
                init_ms=init_ms,
                error_type=progress.error_type,
            )
        )

    def _measure_memory(self, now_s: float, duration_ms: float) -> None:
        """Reads the peak, unless it was read a moment ago and the invocation was too short to have added much."""
        if duration_ms >= SHORT_MS or now_s - self._measured_s >= MEASURED_FOR_S:
            self._measured_s = now_s
            self._used_mib = min(-(-self._sandbox.usage().memory_peak_bytes // limits.MIB), self.function.memory_mib)

    async def _reset(self) -> None:
        self._is_paused = False  # a reset thaws what it ends
        try:
            await self._sandbox.reset()
        except PortError:
            self._observer.lost(self)
            return
        self._become_idle(State.BROKEN)

    def _become_idle(self, state: State) -> None:
        self._state = state
        self.idle_since_s = self._clock.monotonic()
        self._observer.idle(self)

    # What happens: the Runtime API's Listener, the process, the clock

    def on_ready(self) -> None:
        if not self._end_init(None) and self._state is State.FINISHING:
            self._conclude(None, None)
            self._become_idle(State.IDLE)

    def on_init_error(self, error_type: str, payload: bytes) -> None:
        outcome = FunctionError(error_type=error_type, payload=payload)
        self._end_init(InitFailure(status="error", error_type=error_type, outcome=lambda _: outcome))

    def on_response(self, payload: bytes, content_type: str) -> None:
        self._answered(Success(payload=payload, content_type=content_type))

    def on_error(self, error_type: str, payload: bytes) -> None:
        self._answered(FunctionError(error_type=error_type, payload=payload))

    def on_response_too_large(self) -> None:
        self._answered(reports.response_too_large(limits.RESPONSE_PAYLOAD_BYTES))

    def on_stream(self, stream: ResponseStream) -> None:
        self._state = State.FINISHING
        if self._progress is not None:
            self._progress.streaming(stream)

    def _on_timeout(self) -> None:
        self._timer = None
        if not self._end_init(self._init_timeout()) and self._progress is not None:
            self._fail(self._timed_out(self._progress.invocation.request_id), "timeout")

    async def _watch_exit(self, start: int) -> None:
        how = await self._sandbox.wait()
        for _ in range(
            2
        ):  # what it posted with its last breath may still be in the socket: a turn of the loop reads it
            await asyncio.sleep(0)
        if start != self._starts or self._end_init(_exited_in_init(how)):
            return
        if self._progress is not None and self._state in (State.RUNNING, State.FINISHING):
            self._fail(reports.exited(self._progress.invocation.request_id, how), "error")
        elif self._state is State.IDLE:
            self._state = State.RESETTING
            self._own(self._reset())

    def _read_output(self) -> None:
        self._output.read_some()
        if self._output.is_closed:
            self._loop.remove_reader(self._sandbox.output)

    # Small things

    def _log(self, text: str) -> None:
        self._stream.write(int(self._clock.time() * 1000), text)
        if self._progress is not None:
            self._progress.logged(text)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _own(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _exited_in_init(how: Exit) -> InitFailure:
    error_type = reports.exited("", how).error_type
    return InitFailure(
        status="error", error_type=error_type, outcome=lambda request_id: reports.exited(request_id, how)
    )
