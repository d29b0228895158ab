"""The peer: AWS's Runtime Interface Emulator, from the wheel of aws-sam-cli, with awslambdaric and our handler.

It takes one connection at a time and has no isolation, no limits and no API before it: whatever it costs is spent on
the way of an invocation alone.
"""

import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import Target

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "emulator"
HANDLER = Path(__file__).with_name("handler") / "python"
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}
_START_PATIENCE_S = 20.0


def binary() -> Path:
    """The emulator's program, fetched once."""
    name = f"aws-lambda-rie-{_MACHINES[platform.machine()]}"
    program = CACHE / name
    if program.exists():
        return program
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--dest", scratch, "aws-sam-cli"], check=True)
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
            fresh = CACHE / f"{name}.{os.getpid()}"
            fresh.write_bytes(wheel.read(f"samcli/local/rapid/{name}"))
    fresh.chmod(0o755)
    fresh.rename(program)
    return program


@contextmanager
def running(payload: bytes) -> Iterator[Target]:
    """An emulator that has answered once."""
    port, api_port = _free_port(), _free_port()
    command = [str(binary()), "--log-level", "error"]
    command += ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{api_port}"]
    process = subprocess.Popen(
        [*command, sys.executable, "-m", "awslambdaric", "app.handler"],
        cwd=HANDLER,
        env={**os.environ, "AWS_LAMBDA_FUNCTION_TIMEOUT": "300", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(port)
        yield Target(host="127.0.0.1", port=port, requests=[_request(port, payload)])
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its own session, made above: the emulator and its runtime
        process.wait()


def _request(port: int, payload: bytes) -> bytes:
    return (
        f"POST /2015-03-31/functions/function/invocations HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    ).encode() + payload


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
