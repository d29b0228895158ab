"""Runtime clients alone: time to the first `next`, and invocations a second, against the least Runtime API there is.

    python benchmarks/runtimes.py [IDENTIFIER ...] [--own]

Each runtime runs as a plain child process without a sandbox, on its catalogue entry. For those that wait for their
function (Node.js, Ruby) `assigned` is the time from assignment to `next`, which is what a cold start waits for;
`started` is the time from the process's start. `--own` measures Ramuda's client for Node.js instead of AWS's.
"""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.sandbox import Boot
from ramuda.runtime.catalogue import Catalogue, Options, default_cache_dir

RUNS, INVOCATIONS = 5, 5000
WARM_UP_S = 1.0  # a prepared environment has been waiting for longer than this
HANDLERS = {
    "python": ("f.py", "def h(event, context):\n    return event\n", "f.h"),
    "nodejs": ("f.js", "exports.h = async (event) => event;\n", "f.h"),
    "ruby": ("f.rb", "def h(event:, context:) = event\n", "f.h"),
}
EVENT = b'{"key1":"value1"}'
ANSWERED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
NEXT = (
    b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
    b"Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
    b"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-3:000000000000:function:f\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(EVENT), EVENT)
)


class Api:
    """Serves `count` events over blocking sockets; notes when the first and the last `next` came."""

    def __init__(self, count: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._left = count
        self.first_s = self.last_s = 0.0
        self.is_over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while line := stream.readline():
            length = 0
            while (header := stream.readline()) not in (b"\r\n", b""):
                if header[:15].lower() == b"content-length:":
                    length = int(header[15:])
            stream.read(length)
            if not line.startswith(b"GET"):
                connection.sendall(ANSWERED)
                continue
            self.last_s = time.perf_counter()
            self.first_s = self.first_s or self.last_s
            if self._left == 0:
                self.is_over.set()
                return
            self._left -= 1
            connection.sendall(NEXT)


def measure(provided: ProvidedRuntime, task: Path, handler: str, count: int) -> tuple[float, float]:
    """Milliseconds to the first `next`, and events a second."""
    spec, api = provided.spec, Api(count)
    places = {mount.inside: str(mount.host) for mount in spec.mounts} | {"/var/runtime": str(spec.runtime_dir)}

    def host(text: str) -> str:
        for inside in sorted(places, key=len, reverse=True):
            text = text.replace(inside, places[inside])
        return text

    env = {name: host(value) for name, value in spec.environment} | {
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(task),
        "AWS_LAMBDA_RUNTIME_API": api.address,
        **{
            f"AWS_LAMBDA_{name}": "x"
            for name in ("FUNCTION_NAME", "FUNCTION_VERSION", "LOG_GROUP_NAME", "LOG_STREAM_NAME")
        },
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    }
    waits = spec.boot is Boot.WAIT
    argv = [host(part) for part in (spec.argv if waits else spec.exec_argv or spec.argv)]
    reading, writing = os.pipe()
    move = f"import os, sys; os.dup2({reading}, 3); os.execv(sys.argv[1], sys.argv[1:])"
    starter = [sys.executable, "-I", "-S", "-c", move] if waits else []
    began_s = time.perf_counter()
    at_first = dict(spec.environment) if waits else env
    process = subprocess.Popen([*starter, *argv], env=at_first, cwd=task, pass_fds=(reading,))
    os.close(reading)
    if waits:
        time.sleep(WARM_UP_S)
        began_s = time.perf_counter()
        os.write(writing, json.dumps({"env": env, "handler": handler}).encode())
    os.close(writing)
    try:
        if not api.is_over.wait(60):
            raise SystemExit(f"{provided.identifier}: no `next` within a minute")
    finally:
        process.kill()
        process.wait()
    return (api.first_s - began_s) * 1000, count / (api.last_s - api.first_s)


async def main(identifiers: list[str], node_client: str) -> None:
    catalogue = Catalogue(Options(cache_dir=default_cache_dir(), node_client=node_client))
    print(f"{'runtime':14} {'version':16} {'client':8} {'first next, ms':>22} {'invocations/s':>14}")
    for identifier in identifiers:
        try:
            await catalogue.provide(identifier)
            await catalogue.finish()
            provided = await catalogue.provide(identifier)
        except PortError as e:
            print(f"{identifier:14} {e}")
            continue
        report(provided)
    await catalogue.close()


def report(provided: ProvidedRuntime) -> None:
    family = provided.runtime_version.partition(":")[0]
    name, source, handler = HANDLERS[family]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_text(source)
        samples = [measure(provided, Path(folder), handler, INVOCATIONS) for _ in range(RUNS)]
    kind = "assigned" if provided.spec.boot is Boot.WAIT else "started"
    official = family == "python" or (provided.spec.runtime_dir / "aws-lambda-ric").exists()
    first_ms = statistics.median(first for first, _ in samples)
    rate = statistics.median(rate for _, rate in samples)
    client = "AWS" if official else "own"
    print(f"{provided.identifier:14} {provided.runtime_version:16} {client:8} {kind:>9} {first_ms:12.1f} {rate:14,.0f}")


if __name__ == "__main__":
    chosen = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    own = "python{}.{}".format(*sys.version_info[:2])
    asyncio.run(main(chosen or [own, "nodejs20.x", "ruby3.3"], "own" if "--own" in sys.argv else "auto"))
