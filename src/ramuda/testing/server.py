"""A real server in a process of its own, for tests of applications and of Ramuda itself.

with running_server() as server:
    lambda_client = server.client("lambda")
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0


class RunningServer:
    """`start` and `stop` may be called again and again: state lies in `data_dir`."""

    def __init__(self, data_dir: Path, arguments: tuple[str, ...] = ()) -> None:
        self.data_dir = data_dir
        self.url = ""
        self.ready: dict[str, Any] = {}
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """Of the server's process. Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server wrote to standard error since its first start."""
        return self._log_path.read_text()

    @property
    def _log_path(self) -> Path:
        return self.data_dir.parent / f"{self.data_dir.name}.log"

    def start(self, port: int = 0) -> None:
        """Starts a server and waits until it answers. Raises RuntimeError with its log when it does not."""
        command = [sys.executable, "-m", "ramuda.cli", "serve", "--json", "--port", str(port)]
        command += ["--data-dir", str(self.data_dir), *self._arguments]
        with self._log_path.open("a") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        if self._process.stdout is None:
            raise RuntimeError("no pipe to read the server's address from")
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(START_LIMIT_S)
            self._process.stdout.close()
            self._process = None
            raise RuntimeError(f"the server did not start:\n{self.log}")
        self.ready = json.loads(line)
        self.url = self.ready["endpoint"]

    def stop(self) -> int:
        """Asks the server to end, as Ctrl-C does. Returns its exit code."""
        return self._end(signal.SIGINT)

    def kill(self) -> None:
        """Ends it as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            return process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()

    def client(self, service: str, *, region: str = "us-east-1", account: str = "000000000000", **options: Any) -> Any:
        """A boto3 client of the service for an account. `options` go to boto3 as they are."""
        import boto3
        from botocore.config import Config

        config = Config(retries={"total_max_attempts": 1}, read_timeout=60).merge(options.pop("config", Config()))
        keys = {"aws_access_key_id": account, "aws_secret_access_key": "test"}
        return boto3.client(service, region_name=region, endpoint_url=self.url, config=config, **{**keys, **options})

    def environment(self) -> dict[str, str]:
        """Variables for AWS's tools in another process."""
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def running_server(*arguments: str, data_dir: Path | None = None) -> Iterator[RunningServer]:
    """A started server, ended afterwards. `arguments` are those of `ramuda serve`."""
    with tempfile.TemporaryDirectory(prefix="ramuda-test-") as scratch:
        server = RunningServer(data_dir or Path(scratch) / "data", arguments)
        server.start()
        try:
            yield server
        finally:
            server.stop()
