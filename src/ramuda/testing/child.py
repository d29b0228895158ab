"""`ramuda serve` as a child process: for tests that kill it, for the demo and for benchmarks.

The child leads its own session, so a Ctrl-C in the terminal reaches only the parent, which then stops the child.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any


class ServerProcess:
    """A server on a free loopback port, with its state in `data_dir`; a context manager, or start and stop it."""

    def __init__(self, data_dir: Path, *options: str, log: IO[bytes] | None = None) -> None:
        self.data_dir = data_dir
        self.ready: dict[str, Any] = {}
        self._options = options
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return str(self.ready["endpoint"])

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    def start(self) -> None:
        """Returns when the server answers. Raises RuntimeError when it ended instead."""
        port = [] if "--port" in self._options else ["--port", "0"]
        command = [sys.executable, "-m", "ramuda.cli", "serve", "--json", "--data-dir", str(self.data_dir), *port]
        self._process = subprocess.Popen(
            [*command, *self._options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # asked for above
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._close()
            raise RuntimeError(f"the server ended with exit code {code} instead of starting")
        self.ready = json.loads(line)

    def run(self, *command: str) -> Any:
        """The JSON that `ramuda COMMAND` prints for this server. Raises CalledProcessError."""
        done = subprocess.run(
            [sys.executable, "-m", "ramuda.cli", *command],
            env={**os.environ, "RAMUDA_DATA_DIR": str(self.data_dir), "RAMUDA_ENDPOINT": self.endpoint},
            capture_output=True,
            check=True,
        )
        return json.loads(done.stdout)

    def stop(self, grace_s: float = 15.0) -> int:
        """Asks the server to end and waits for it. Returns its exit code; idempotent. After `grace_s` it is killed."""
        process = self._process
        if process is None:
            return 0
        if process.poll() is None:
            process.terminate()
        try:
            code = process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
            code = process.wait()
        self._close()
        return code

    def kill(self) -> None:
        """As a power cut would: SIGKILL to the server alone. What it leaves behind is the next start's to clear."""
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> "ServerProcess":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
