"""What is said about an environment and by it: the platform's own words, the function's output and its log records, its
extensions' output. In their order they go into the log stream, into the tail of the invocation under way, and to
extensions that subscribed to telemetry.

With the Text format the platform speaks in lines, with JSON in the events of `telemetry.records`, as far as the
function's levels let them pass. Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"""

from typing import Any

import msgspec

from ramuda.kernel.clock import Clock
from ramuda.kernel.codec import decode_json, encode_json
from ramuda.kernel.function import FunctionError, FunctionSnapshot
from ramuda.kernel.ports.recorder import LogStream
from ramuda.kernel.ports.sandbox import Exit, Sandbox
from ramuda.runtime import image_functions, levels, reports
from ramuda.runtime.extensions.roster import Extension
from ramuda.runtime.options import Options
from ramuda.runtime.pipes import Pipes
from ramuda.runtime.progress import Progress
from ramuda.runtime.states import Begun, InitFailure, Initialization
from ramuda.runtime.telemetry import records
from ramuda.runtime.telemetry.subscriptions import Subscription
from ramuda.runtime.telemetry.telemetry import Telemetry


class Chronicle:
    """`pipes.watch` begins to read what the function says; `close` ends it."""

    def __init__(
        self,
        *,
        function: FunctionSnapshot,
        initialization: Initialization,
        sandbox: Sandbox,
        stream: LogStream,
        clock: Clock,
        options: Options,
    ) -> None:
        self.progress: Progress | None = None
        """The invocation under way."""
        self.telemetry: Telemetry | None = None
        self._expects_subscribers = False
        self._function = function
        self._initialization = initialization.value
        self._sandbox = sandbox
        self._stream = stream
        self._clock = clock
        self._options = options
        self._is_text = not function.logging.json_format
        self._application_level = None if self._is_text else function.logging.application_level or "INFO"
        self._system_level = records.SYSTEM_LEVELS.index(function.logging.system_level or "INFO")
        self.pipes = Pipes(
            sandbox,
            line_bytes=options.output_line_bytes,
            printed=self._printed,
            recorded=self._recorded,
            extension_printed=self._extension_printed,
            now_ms=self._now_ms,
        )

    def expect_subscribers(self) -> None:
        self._expects_subscribers = True

    def open_extension_output(self) -> int:
        return self.pipes.open_beside()

    async def flush(self, limit_s: float) -> None:
        if self.telemetry is not None:
            await self.telemetry.flush(limit_s)

    def close(self) -> None:
        self.pipes.close()
        if self.telemetry is not None:
            self.telemetry.close()

    def end(self) -> None:
        """Nothing more will be written."""
        self._stream.close()

    # What is said inside

    def _printed(self, text: str) -> None:
        """A line of the function's standard output."""
        if self._application_level is not None:
            request_id = self.progress.invocation.request_id if self.progress is not None else None
            now = records.timestamp(self._clock.time())
            kept = levels.passed(text, self._application_level, now, request_id)
            if kept is None:
                return
            text = kept
        self._said("function", text, self._now_ms())

    def _recorded(self, text: str, at_ms: int) -> None:
        """A log record of the runtime's client, which knows the function's level."""
        self._said("function", text, at_ms)

    def _extension_printed(self, text: str) -> None:
        self._said("extension", text, self._now_ms())

    def _said(self, kind: str, text: str, at_ms: int) -> None:
        self._write(text, at_ms)
        if self.telemetry is not None:
            self.telemetry.tell(kind, text if self._is_text else _as_json(text), at_ms / 1000)

    def _write(self, text: str, at_ms: int) -> None:
        self._stream.write(at_ms, text)
        if self.progress is not None:
            self.progress.logged(text)

    def _now_ms(self) -> int:
        return int(self._clock.time() * 1000)

    # What the platform says

    @property
    def wants_detail(self) -> bool:
        """Whether anybody hears of more than the lines of the Text format."""
        return not self._is_text or self.telemetry is not None

    def init_begins(self) -> None:
        """Subscriptions end with the runtime they were made beside."""
        if self.telemetry is not None:
            self.telemetry.close()
        self.telemetry = Telemetry(self._sandbox, self._clock, self._options) if self._expects_subscribers else None

    def init_start(self, runtime_version: str, note: str | None, phase: str = "init") -> None:
        region = self._function.ref.region
        if phase == "init":
            if self._is_text and runtime_version:  # a container image has none
                self._write(reports.init_start(runtime_version, region), self._now_ms())
            if note:
                self._write(f"{note}\n", self._now_ms())
        if not self.wants_detail:
            return
        record = records.init_start(
            self._function,
            initialization=self._initialization,
            phase=phase,
            version=runtime_version,
            version_arn=reports.runtime_version_arn(runtime_version, region),
            instance=self._stream.name,
        )
        self._tell("platform.initStart", record, is_logged=phase == "init")

    def exited(self, how: Exit) -> None:
        """Says so when it ended because an image's command could not be started."""
        if how.launch_error is not None and self._function.image is not None:
            self._write(image_functions.launch_error(self._function.image, how.launch_error[1]), self._now_ms())

    def init_done(self, failure: InitFailure | None, phase: str = "init") -> None:
        """The runtime asked for its first event, or will not."""
        if self.wants_detail:
            record = records.init_done(
                initialization=self._initialization,
                phase=phase,
                status=failure.status if failure is not None else "success",
                error_type=failure.error_type if failure is not None else None,
            )
            self._tell("platform.initRuntimeDone", record, is_logged=phase == "init")

    def init_report(self, init_ms: float, failure: InitFailure | None, phase: str = "init") -> None:
        """Init is over. In the Text format it is told of when it failed, or was not part of an invocation."""
        self.pipes.complete()
        status = failure.status if failure is not None else None
        error_type = failure.error_type if failure is not None else None
        is_told = failure is not None or self._initialization != Initialization.ON_DEMAND.value
        if self._is_text and is_told and phase == "init":
            shown = Initialization.SNAP_START.value
            shown = shown if self._initialization == shown else phase
            self._write(reports.init_report(init_ms, status, error_type, shown), self._now_ms())
        if self.wants_detail:
            record = records.init_report(
                initialization=self._initialization,
                phase=phase,
                status=status or "success",
                error_type=error_type,
                duration_ms=init_ms,
            )
            self._tell("platform.initReport", record, is_logged=phase == "init")
        if self.telemetry is not None:
            self.telemetry.init_ended()
            if not self.telemetry.has_subscribers:
                self.telemetry = None

    def restore_start(self, runtime_version: str) -> None:
        region = self._function.ref.region
        if self._is_text:
            self._write(reports.restore_start(runtime_version, region), self._now_ms())
        if self.wants_detail:
            arn = reports.runtime_version_arn(runtime_version, region)
            record = records.restore_start(self._function, runtime_version, arn, self._stream.name)
            self._tell("platform.restoreStart", record)

    def restore_report(self, restore_ms: float, failure: InitFailure | None) -> None:
        self.pipes.complete()
        status = failure.status if failure is not None else None
        error_type = failure.error_type if failure is not None else None
        if self._is_text:
            self._write(reports.restore_report(restore_ms, status, error_type), self._now_ms())
        if self.wants_detail:
            self._tell("platform.restoreRuntimeDone", records.restore_done(status or "success", error_type))
            self._tell("platform.restoreReport", records.restore_report(status or "success", error_type, restore_ms))

    def warn(self, text: str) -> None:
        """Something about this environment that its owner should know."""
        if not self._is_text:
            at = records.timestamp(self._clock.time())
            text = encode_json({"timestamp": at, "level": "WARN", "message": text}).decode()
        self._write(f"WARN {text}\n" if self._is_text else f"{text}\n", self._now_ms())

    def extension(self, extension: Extension) -> None:
        events = [event.value for event in extension.events]
        state, error_type = extension.standing.value, extension.error_type
        if self._is_text:
            self._write(reports.extension(extension.name, state, events, error_type), self._now_ms())
        if self.wants_detail:
            self._tell("platform.extension", records.extension(extension.name, state, events, error_type))

    def subscribe(self, extension: Extension, subscription: Subscription) -> None:
        if self.telemetry is None:
            self.telemetry = Telemetry(self._sandbox, self._clock, self._options)
        self.telemetry.subscribe(extension.name, subscription)
        if self._is_text:
            line = reports.subscription(subscription.api.value, extension.name, subscription.types)
            self._write(line, self._now_ms())
        self._tell("platform.telemetrySubscription", records.subscription(extension.name, list(subscription.types)))

    def start(self, request_id: str, trace: str | None) -> None:
        if self._is_text:
            self._write(reports.start(request_id, self._function.version), self._now_ms())
            if self.telemetry is None:
                return
        shown = trace if self._function.tracing_active else None
        self._tell("platform.start", records.start(request_id, self._function.version, shown))

    def runtime_done(self, progress: Progress, failure: FunctionError | None, status: str | None, now_s: float) -> None:
        """The runtime is done with the event. Only when `wants_detail`."""
        started_s = progress.started_s
        spans = []
        if progress.answer_began_s is not None:
            latency_ms = (progress.answer_began_s - started_s) * 1000
            spans.append(records.span("responseLatency", progress.started_at_s, latency_ms))
            answered_s = progress.answered_s or now_s
            lasted_ms = (answered_s - progress.answer_began_s) * 1000
            spans.append(records.span("responseDuration", progress.started_at_s + latency_ms / 1000, lasted_ms))
        record = records.runtime_done(
            progress.invocation.request_id,
            status=_status(progress, failure, status),
            error_type=failure.error_type if failure is not None else progress.error_type,
            duration_ms=(now_s - started_s) * 1000,
            produced_bytes=progress.answer_bytes,
            spans=spans,
        )
        self.pipes.complete()
        self._tell("platform.runtimeDone", record)

    def report(
        self,
        progress: Progress,
        *,
        duration_ms: float,
        used_mib: int,
        begun: Begun | None,
        failure: FunctionError | None,
        status: str | None,
    ) -> None:
        """END and REPORT, after all that was said. `failure` and `status` are given when the platform ended the
        invocation."""
        self.pipes.complete()
        request_id, memory_mib = progress.invocation.request_id, self._function.memory_mib
        init_ms = begun.init_ms if begun is not None else None
        restore_ms = begun.restore_ms if begun is not None else None
        billed_restore_ms = begun.billed_restore_ms if begun is not None else None
        if self._is_text:
            self._write(reports.end(request_id), self._now_ms())
            line = reports.report(
                request_id,
                duration_ms=duration_ms,
                memory_mib=memory_mib,
                used_mib=used_mib,
                init_ms=init_ms,
                restore_ms=restore_ms,
                billed_restore_ms=billed_restore_ms,
                status=status,
                error_type=failure.error_type if failure is not None and status == "error" else None,
            )
            self._write(line, self._now_ms())
            if self.telemetry is None:
                return
        record = records.report(
            request_id,
            status=_status(progress, failure, status),
            error_type=failure.error_type if failure is not None else progress.error_type,
            duration_ms=duration_ms,
            billed_ms=reports.billed_ms(duration_ms, init_ms, billed_restore_ms),
            memory_mib=memory_mib,
            used_mib=used_mib,
            init_ms=init_ms,
            restore_ms=restore_ms,
        )
        self._tell("platform.report", record)

    def _tell(self, kind: str, record: records.Record, *, is_logged: bool = True) -> None:
        at_s = self._clock.time()
        is_shown = not self._is_text and is_logged
        if is_shown and records.SYSTEM_LEVELS.index(records.level(kind, record)) >= self._system_level:
            self._write(records.event(at_s, kind, record).decode() + "\n", int(at_s * 1000))
        if self.telemetry is not None:
            self.telemetry.tell(kind, record, at_s)


def _status(progress: Progress, failure: FunctionError | None, status: str | None) -> str:
    """`status` of telemetry: `failure` is a runtime that ended, `error` an error that it reported."""
    if status == "timeout":
        return "timeout"
    if failure is not None:
        return "failure"
    return "success" if progress.error_type is None else "error"


def _as_json(text: str) -> Any:
    """A JSON object stays one in an event, other text stays text."""
    if text.startswith("{"):
        try:
            decode_json(text)
        except (ValueError, RecursionError):
            return text
        return msgspec.Raw(text.strip().encode())
    return text
