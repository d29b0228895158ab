"""What the edge costs by itself: HTTP with a handler that does nothing, and one signature check.

    python benchmarks/http_floor.py [--seconds 3] [--connections 16]

Server and client are two processes; on two cores each has one. Prints a table and, with `--json`, one JSON object.
"""

import argparse
import asyncio
import json
import multiprocessing
import multiprocessing.connection
import statistics
import time

import uvloop
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ramuda.authz.credentials import KnownKey, root_principal
from ramuda.gateway.http import HttpServer, Options
from ramuda.gateway.messages import Request, Response
from ramuda.gateway.sigv4 import Verifier, read_claim
from ramuda.kernel.clock import SystemClock

REQUEST = b"\r\n".join(
    (
        b"POST /2015-03-31/functions/hello/invocations HTTP/1.1",
        b"Host: localhost:4566",
        b"User-Agent: Boto3/1.44",
        b"X-Amz-Date: 20260101T000000Z",
        b"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/lambda/aws4_request, "
        b"SignedHeaders=host;x-amz-date, Signature=" + b"0" * 64,
        b"amz-sdk-invocation-id: 6f3c2a34-11c5-4c37-8df4-2f2d7f3d7a11",
        b"amz-sdk-request: attempt=1",
        b"Content-Length: 64",
        b"",
        b"x" * 64,
    )
)


async def answer(request: Request) -> Response:
    return Response(200, [("Content-Type", "application/json"), ("x-amzn-RequestId", "0" * 36)], request.body)


async def serve(ready: multiprocessing.connection.Connection) -> None:
    server = HttpServer(answer, Options())
    ready.send(await server.listen("127.0.0.1", 0))
    await asyncio.Event().wait()


def run_server(ready: multiprocessing.connection.Connection) -> None:
    uvloop.run(serve(ready))


class Client(asyncio.Protocol):
    """Sends a request, waits for as many bytes as the first answer had, notes the time, sends the next."""

    def __init__(self, latencies_s: list[float], until_s: float) -> None:
        self.latencies_s, self.until_s = latencies_s, until_s
        self.done = asyncio.get_running_loop().create_future()
        self.received = 0
        self.answer_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.sent_at_s = time.perf_counter()
        self.transport.write(REQUEST)  # type: ignore[attr-defined]  # uvloop's transports have it

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if not self.answer_bytes:
            self.answer_bytes = len(data)
        if self.received < self.answer_bytes:
            return
        self.received = 0
        now_s = time.perf_counter()
        self.latencies_s.append(now_s - self.sent_at_s)
        if now_s < self.until_s:
            self._send()
        else:
            self.transport.close()
            self.done.set_result(None)


async def load(port: int, connections: int, seconds: float) -> list[float]:
    latencies_s: list[float] = []
    until_s = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Client(latencies_s, until_s), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.done for _, client in made))
    return latencies_s


class OneKey:
    """The key that signed."""

    def __init__(self) -> None:
        principal = root_principal("111122223333", "AKIAIOSFODNN7EXAMPLE")
        self.key = KnownKey(access_key_id="AKIAIOSFODNN7EXAMPLE", secret="s" * 40, principal=principal)

    def find(self, access_key_id: str, token: str | None) -> KnownKey | None:
        return self.key if token is None else None


def measure_signature(seconds: float) -> dict[str, float]:
    """Microseconds to read and check the signature of a small invocation, as boto3 signs it."""
    key = OneKey()
    url = "http://localhost:4566/2015-03-31/functions/hello/invocations"
    unsigned = AWSRequest("POST", url, {"User-Agent": "Boto3/1.44"}, data=b"x" * 64)
    SigV4Auth(Credentials(key.key.access_key_id, key.key.secret), "lambda", "us-east-1").add_auth(unsigned)
    headers = {name.lower(): str(value) for name, value in unsigned.headers.items()} | {"host": "localhost:4566"}
    request = Request("POST", "/2015-03-31/functions/hello/invocations", "", headers, b"x" * 64)
    verifier = Verifier(key, SystemClock())
    verified = 0
    started_s = time.perf_counter()
    while (took_s := time.perf_counter() - started_s) < seconds:
        for _ in range(500):
            verifier.verify(request, read_claim(request))
        verified += 500
    return {"us": round(took_s / verified * 1e6, 1)}


def measure(seconds: float, connections: int) -> dict[str, float]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=run_server, args=(there,), daemon=True)
    process.start()
    port = here.recv()
    try:
        uvloop.run(load(port, connections, 0.3))
        latencies_s = uvloop.run(load(port, connections, seconds))
    finally:
        process.terminate()
        process.join()
    cuts = statistics.quantiles(latencies_s, n=100)
    return {
        "requests_per_s": round(len(latencies_s) / seconds),
        "p50_ms": round(cuts[49] * 1e3, 3),
        "p99_ms": round(cuts[98] * 1e3, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {
        "signature check": measure_signature(options.seconds / 3),
        "http, 1 connection": measure(options.seconds, 1),
        f"http, {options.connections} connections": measure(options.seconds, options.connections),
    }
    if options.json:
        print(json.dumps(results))
        return
    for name, figures in results.items():
        print(f"{name:28}", "  ".join(f"{key} {value}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
