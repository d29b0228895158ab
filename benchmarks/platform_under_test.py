"""Servers of ours, the functions in them, and requests signed as boto3 signs them.

A request is signed once and sent often: a signature holds for minutes, and what a client pays for signing is not ours.
"""

import io
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.load import Target
from ramuda.testing import RunningServer, running_server

HANDLERS = Path(__file__).with_name("handler")
PYTHON_RUNTIME, NODE_RUNTIME = "python3.11", "nodejs22.x"
MEMORY_MIB = 1769  # one vCPU: the emulator has no CPU limit
PAYLOAD = b'{"message":"hello"}'
POOL_PATIENCE_S = 20.0
_REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A running server and the credentials it is asked with."""

    server: RunningServer
    credentials: Credentials = field(default_factory=lambda: Credentials("bench", "bench"))

    @property
    def port(self) -> int:
        return int(self.server.url.rsplit(":", 1)[1])

    def client(self, service: str) -> Any:
        return self.server.client(
            service,
            aws_access_key_id=self.credentials.access_key,
            aws_secret_access_key=self.credentials.secret_key,
        )

    def deploy(self, *names: str, runtime: str = PYTHON_RUNTIME) -> None:
        """Makes functions that answer their event, and waits until all are active."""
        client, code = self.client("lambda"), _package(runtime)
        for name in names:
            client.create_function(
                FunctionName=name,
                Runtime=runtime,
                Handler="index.handler" if runtime.startswith("nodejs") else "app.handler",
                Role="arn:aws:iam::000000000000:role/bench",
                MemorySize=MEMORY_MIB,
                Timeout=30,
                Code={"ZipFile": code},
            )
        for name in names:
            while client.get_function_configuration(FunctionName=name)["State"] == "Pending":
                time.sleep(0.02)

    def target(self, *names: str) -> Target:
        return Target(host="127.0.0.1", port=self.port, requests=[self.signed_invoke(name) for name in names])

    def signed_invoke(self, name: str, payload: bytes = PAYLOAD) -> bytes:
        """The HTTP message boto3 sends for Invoke."""
        url = f"{self.server.url}/2015-03-31/functions/{name}/invocations"
        request = AWSRequest(method="POST", url=url, data=payload, headers={"Content-Type": "application/json"})
        SigV4Auth(self.credentials, "lambda", _REGION).add_auth(request)
        headers = {**dict(request.headers), "Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(payload))}
        lines = [f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1"]
        lines += [f"{header}: {value}" for header, value in headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.server.url}/_ramuda/health", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def wait_for_prepared(self, at_least: int = 1) -> int:
        """Until the pools of waiting environments have stopped growing; how many are waiting."""
        deadline, before = time.monotonic() + POOL_PATIENCE_S, -1
        while time.monotonic() < deadline:
            waiting = sum(self.health()["prepared"].values())
            if waiting == before and waiting >= at_least:
                return waiting
            before = waiting
            time.sleep(0.4)  # longer than the pause after which a server refills (runtime.prepared)
        raise RuntimeError(f"no environment was prepared within {POOL_PATIENCE_S:.0f} s")


def _package(runtime: str) -> bytes:
    folder = HANDLERS / ("node" if runtime.startswith("nodejs") else "python")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for file in folder.iterdir():
            if file.is_file():
                archive.write(file, file.name)
    return out.getvalue()


@contextmanager
def running(*options: str) -> Iterator[Platform]:
    """A server with an empty state and `options`."""
    with running_server(*options) as server:
        yield Platform(server=server)


@contextmanager
def running_with_auth() -> Iterator[Platform]:
    """A server that verifies signatures, asked with a key that it knows."""
    with tempfile.TemporaryDirectory(prefix="ramuda-bench-") as scratch:
        data_dir = Path(scratch) / "data"
        create = [sys.executable, "-m", "ramuda.cli", "keys", "create", "--json", "--data-dir", str(data_dir)]
        key = json.loads(subprocess.run(create, capture_output=True, check=True).stdout)
        with running_server("--auth", data_dir=data_dir) as server:
            yield Platform(server=server, credentials=Credentials(key["accessKeyId"], key["secretAccessKey"]))
