"""Running installers (pip, npm, Maven, compilers): their output is shown only when they fail.

`stop` ends whatever still runs, for a server that shuts down; a stopped installer fails as any other.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from ramuda.kernel.errors import PortError

OUTPUT_LINES_SHOWN = 15


class Tools:
    """Safe to use from several threads."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._is_stopped = False

    def missing(self, *names: str) -> list[str]:
        """Which of these programs are not on PATH."""
        return [name for name in names if shutil.which(name) is None]

    def run(self, argv: list[str], *, what: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """What the program printed. `what` names its purpose in the PortError raised when it fails, takes too long or
        is not there. `env` is added to the environment."""
        process = self._start(argv, what, cwd, env or {})
        try:
            output, _ = process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            raise PortError(f"{what}: {argv[0]} took longer than {self._timeout_s:g} s", retryable=True) from None
        finally:
            self._end(process)
        if process.returncode != 0:
            tail = "\n".join(output.strip().splitlines()[-OUTPUT_LINES_SHOWN:])
            raise PortError(f"{what}: {' '.join(argv[:3])} failed:\n{tail}", retryable=True)
        return output

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            running = list(self._running)
        for process in running:
            _kill_group(process)

    def _start(self, argv: list[str], what: str, cwd: Path | None, env: Mapping[str, str]) -> subprocess.Popen[str]:
        with self._lock:
            if self._is_stopped:
                raise PortError(f"{what}: stopped")
            try:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    cwd=cwd,
                    env={**os.environ, **env},
                    start_new_session=True,
                )
            except OSError as e:
                raise PortError(f"{what}: cannot run {argv[0]}: {e.strerror}") from e
            self._running.add(process)
            return process

    def _end(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            _kill_group(process)
            process.communicate()
        with self._lock:
            self._running.discard(process)


def _kill_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
