"""What an environment prints, cut into log events.

Every line is one event, as CloudWatch shows a function's standard output. For a runtime without the framed log channel
(`frames`) a carriage return within a line becomes a newline: that is how AWS's runtime clients then write a record of
several lines, such as a traceback, that is one event. A line that is not finished waits for its end until the
invocation is over.
"""

from collections.abc import Callable

from ramuda.runtime.pipe_reader import PipeReader


class Output(PipeReader):
    """Reads the pipe `fd` (non-blocking) and gives each event's text to `write`."""

    def __init__(self, fd: int, write: Callable[[str], None], line_bytes: int, *, has_returns: bool = True) -> None:
        super().__init__(fd)
        self._has_returns = has_returns
        self._write = write
        self._line_bytes = line_bytes
        self._rest = b""

    def finish(self) -> None:
        """Takes everything, and lets an unfinished line count as one."""
        self.drain()
        if self._rest:
            rest, self._rest = self._rest, b""
            self._emit(rest)

    def _take(self, data: bytes) -> None:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._emit(line + b"\n")
        while len(self._rest) >= self._line_bytes:
            self._emit(self._rest[: self._line_bytes])
            self._rest = self._rest[self._line_bytes :]

    def _emit(self, line: bytes) -> None:
        for at in range(0, len(line), self._line_bytes):
            text = line[at : at + self._line_bytes].decode("utf-8", "replace")
            if self._has_returns and "\r" in text:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            self._write(text)
