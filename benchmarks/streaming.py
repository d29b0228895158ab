"""Streaming: how long after the function wrote something it is with the client.

The function writes the time at which it writes: CLOCK_MONOTONIC is the same inside the sandbox. The client notes when
the bytes are there. Both ways are measured: InvokeWithResponseStream and a function URL. The first byte of an
invocation is measured for itself, because the answer's head goes with it.
"""

import io
import re
import socket
import statistics
import time
import zipfile
from collections.abc import Iterator

from benchmarks import platform_under_test
from benchmarks.platform_under_test import Platform
from benchmarks.report import Bound, Row

FUNCTION = "bench-stream"
WRITES = 200
FIRST_BYTES_A_ROUND = 20
BOUND_MS = 2.0
NODE = """
const pause = () => new Promise((resolve) => setTimeout(resolve, 3));
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const body = typeof event.body === "string" ? JSON.parse(event.body) : event;
  stream.setContentType("text/plain");
  for (let n = 0; n < body.writes; n++) {
    if (n > 0) await pause();
    stream.write(`@${process.hrtime.bigint()};`);
  }
  stream.end();
});
"""
_STAMP = re.compile(rb"@(\d+);")


def latency(rounds: int) -> list[Row]:
    """From the function's write to the client's read, through both ways."""
    with platform_under_test.running() as ours:
        host = _deploy(ours)
        rows: list[Row] = []
        for name, request in (("invoke", _invoke), ("function URL", lambda p, w: _url(p, host, w))):
            _delays_ms(ours, request(ours, 1))
            first = [_delays_ms(ours, request(ours, 1))[0] for _ in range(rounds * FIRST_BYTES_A_ROUND)]
            writes = [delay for _ in range(rounds) for delay in _delays_ms(ours, request(ours, WRITES))]
            rows += [
                _row(f"streaming by {name}, first byte, p50", statistics.median(first)),
                _row(f"streaming by {name}, each write, p50", statistics.median(writes)),
                # The slowest hundredth is two writes of a run: what else the machine did then. Shown, not judged.
                Row(measure="  each write, p99", ours=f"{statistics.quantiles(writes, n=100)[98]:.2f} ms"),
            ]
    return rows


def _row(measure: str, delay_ms: float) -> Row:
    target = Bound(limit=BOUND_MS, text=f"{BOUND_MS:.0f} ms")
    return Row(measure=measure, ours=f"{delay_ms:.2f} ms", judged=delay_ms, target=target)


def _deploy(ours: Platform) -> str:
    """The host of the function's URL."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.js", NODE)
    client = ours.client("lambda")
    client.create_function(
        FunctionName=FUNCTION,
        Runtime=platform_under_test.NODE_RUNTIME,
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/bench",
        MemorySize=platform_under_test.MEMORY_MIB,
        Timeout=60,
        Code={"ZipFile": packed.getvalue()},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 0.1})
    url = client.create_function_url_config(FunctionName=FUNCTION, AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    for action, condition in (
        ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
        ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        sid = action.partition(":")[2]
        client.add_permission(FunctionName=FUNCTION, StatementId=sid, Action=action, Principal="*", **condition)
    return str(url["FunctionUrl"]).removeprefix("http://").rstrip("/")


def _invoke(ours: Platform, writes: int) -> bytes:
    path = f"/2021-11-15/functions/{FUNCTION}/response-streaming-invocations"
    return _message(path, f"127.0.0.1:{ours.port}", b'{"writes": %d}' % writes)


def _url(ours: Platform, host: str, writes: int) -> bytes:
    return _message("/", host, b'{"writes": %d}' % writes)


def _message(path: str, host: str, body: bytes) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _delays_ms(ours: Platform, message: bytes) -> list[float]:
    """One invocation: for each of its writes, how long until it was here."""
    with socket.create_connection(("127.0.0.1", ours.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(message)
        return list(_read(connection))


def _read(connection: socket.socket) -> Iterator[float]:
    rest = b""
    while data := connection.recv(65_536):
        now_ns = time.monotonic_ns()
        rest += data
        end = 0
        for stamp in _STAMP.finditer(rest):
            end = stamp.end()
            yield (now_ns - int(stamp[1])) / 1e6
        rest = rest[end:]
