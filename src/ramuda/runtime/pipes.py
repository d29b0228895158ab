"""The pipes that lead out of an environment: standard output, the framed log channel, and the extensions' output."""

import asyncio
import contextlib
import os
from collections.abc import Callable

from ramuda.kernel.ports.sandbox import Sandbox
from ramuda.runtime.frames import Frames
from ramuda.runtime.output import Output
from ramuda.runtime.pipe_reader import PipeReader


class Pipes:
    """`watch` begins to read, `close` ends it. Each line or record goes to the callee given for its pipe."""

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        line_bytes: int,
        printed: Callable[[str], None],
        recorded: Callable[[str, int], None],
        extension_printed: Callable[[str], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._line_bytes = line_bytes
        self._extension_printed = extension_printed
        self._loop = asyncio.get_running_loop()
        self._output_fd, self._frames_fd = sandbox.output, sandbox.frames
        self._output = Output(sandbox.output, printed, line_bytes, has_returns=sandbox.frames is None)
        self._frames: Frames | None = None
        if sandbox.frames is not None:
            self._frames = Frames(sandbox.frames, recorded, now_ms, line_bytes)
        self._beside: Output | None = None
        self._beside_fd: int | None = None

    def watch(self) -> None:
        self._read_when_ready(self._output_fd, self._output)
        if self._frames is not None and self._frames_fd is not None:
            self._read_when_ready(self._frames_fd, self._frames)

    def complete(self) -> None:
        """Takes what was said until now; an unfinished line counts as one."""
        self._output.finish()
        if self._frames is not None:
            self._frames.finish()

    def close(self) -> None:
        self._loop.remove_reader(self._output_fd)
        if self._frames_fd is not None:
            self._loop.remove_reader(self._frames_fd)
        self.complete()
        self._close_beside()

    def open_beside(self) -> int:
        """Where extensions started from now on write; the caller closes it when they have it."""
        self._close_beside()
        self._beside_fd, writing = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        os.set_blocking(self._beside_fd, False)
        with contextlib.suppress(OSError):
            os.fchmod(writing, 0o666)  # so that they can open /dev/stdout
        self._beside = Output(self._beside_fd, self._extension_printed, self._line_bytes, has_returns=False)
        self._read_when_ready(self._beside_fd, self._beside)
        return writing

    def _close_beside(self) -> None:
        if self._beside_fd is not None and self._beside is not None:
            self._loop.remove_reader(self._beside_fd)
            self._beside.finish()
            os.close(self._beside_fd)
            self._beside_fd = self._beside = None

    def _read_when_ready(self, fd: int, reader: PipeReader) -> None:
        def read() -> None:
            reader.read_some()
            if reader.is_closed:
                self._loop.remove_reader(fd)

        self._loop.add_reader(fd, read)
