"""What is said about an environment and by it: the platform's own lines and the function's output, in their order, into
the log stream and into the tail of the invocation under way."""

import asyncio

from ramuda.kernel.clock import Clock
from ramuda.kernel.function import FunctionSnapshot
from ramuda.kernel.ports.recorder import LogStream
from ramuda.runtime import reports
from ramuda.runtime.output import Output
from ramuda.runtime.progress import Progress
from ramuda.runtime.states import Begun, InitFailure


class Chronicle:
    """`watch` begins to read the function's output, the pipe `output`; `close` ends it."""

    def __init__(
        self, *, function: FunctionSnapshot, stream: LogStream, output: int, clock: Clock, line_bytes: int
    ) -> None:
        self.progress: Progress | None = None
        """The invocation under way."""
        self._function = function
        self._stream = stream
        self._fd = output
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._output = Output(output, self.write, line_bytes)

    def watch(self) -> None:
        self._loop.add_reader(self._fd, self._read_output)

    def drain(self) -> None:
        """Takes what was printed until now."""
        self._output.drain()

    def complete(self) -> None:
        """Takes what was printed until now; an unfinished line counts as one."""
        self._output.finish()

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        self._output.finish()

    def end(self) -> None:
        """Nothing more will be written."""
        self._stream.close()

    def write(self, text: str) -> None:
        self._stream.write(int(self._clock.time() * 1000), text)
        if self.progress is not None:
            self.progress.logged(text)

    # What the platform says

    def init_start(self, runtime_version: str, note: str | None) -> None:
        self.write(reports.init_start(runtime_version, self._function.ref.region))
        if note:
            self.write(f"{note}\n")

    def init_failed(self, init_ms: float, failure: InitFailure) -> None:
        self._output.finish()
        self.write(reports.init_report(init_ms, failure.status, failure.error_type))

    def start(self, request_id: str) -> None:
        self.write(reports.start(request_id, self._function.version))

    def report(
        self,
        request_id: str,
        *,
        duration_ms: float,
        used_mib: int,
        begun: Begun | None,
        status: str | None,
        error_type: str | None,
    ) -> None:
        """END and REPORT, after all that was printed."""
        self._output.finish()
        self.write(reports.end(request_id))
        self.write(
            reports.report(
                request_id,
                duration_ms=duration_ms,
                memory_mib=self._function.memory_mib,
                used_mib=used_mib,
                init_ms=begun.init_ms if begun is not None else None,
                status=status,
                error_type=error_type,
            )
        )

    def _read_output(self) -> None:
        self._output.read_some()
        if self._output.is_closed:
            self._loop.remove_reader(self._fd)
