"""Reading a pipe that a function may write to as it likes.

`read_some` is for every day: a little at a time, so that a function that prints without end does not hold up others.
`drain` takes what is there at once: the platform's own END and REPORT lines come after it.
"""

import os

DRAIN_BYTES = 256 * 1024
"""More than the pipe holds: one read empties it, however fast the function goes on printing."""
TURN_BYTES = 8 * 1024


class PipeReader:
    """Reads the pipe `fd` (non-blocking); what comes goes to `_take`, which those give that derive from it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.is_closed = False

    def read_some(self) -> None:
        """Takes a turn's worth of what the pipe holds."""
        self._read(TURN_BYTES)

    def drain(self) -> None:
        """Takes everything that the pipe holds now."""
        self._read(DRAIN_BYTES)

    def _take(self, data: bytes) -> None:
        raise NotImplementedError

    def _read(self, at_most_bytes: int) -> None:
        if self.is_closed:
            return
        try:
            data = os.read(self._fd, at_most_bytes)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.is_closed = not data
        self._take(data)
