"""What an environment prints, cut into log events.

Every line is one event, as CloudWatch shows a function's standard output. Within a line a carriage return becomes a
newline: that is how AWS's runtime clients write a record of several lines, such as a traceback, that is one event.
A line that is not finished waits for its
end until the invocation is over. `drain` reads at once what is there: the platform's own END and REPORT lines come
after it."""

import os
from collections.abc import Callable

READ_BYTES = 256 * 1024


class Output:
    """Reads the pipe `fd` (non-blocking) and gives each event's text to `write`."""

    def __init__(self, fd: int, write: Callable[[str], None], line_bytes: int) -> None:
        self._fd = fd
        self._write = write
        self._line_bytes = line_bytes
        self._rest = b""
        self.is_closed = False

    def drain(self) -> None:
        """Takes everything that the pipe holds now."""
        while not self.is_closed:
            try:
                data = os.read(self._fd, READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.is_closed = True
                return
            self._take(data)
            if len(data) < READ_BYTES:
                return

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
            self._write(
                line[at : at + self._line_bytes].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
            )
