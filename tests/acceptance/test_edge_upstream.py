"""Delegated services at an endpoint of one's own, or nowhere."""

import asyncio
import json
import os
import select
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from msgspec.structs import replace

from ramuda.gateway.http import HttpServer
from ramuda.gateway.http import Options as HttpOptions
from ramuda.gateway.messages import Request, Response
from ramuda.gateway.options import Options
from ramuda.gateway.upstream import Options as UpstreamOptions
from ramuda.gateway.upstream import moto
from ramuda.kernel.errors import PortError
from tests.acceptance.edge import on_thread, running_edge

SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00"


class Endpoint:
    """An upstream of the test's own."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.received = bytearray()
        self.broken_off = asyncio.Event()

    async def handle(self, request: Request) -> Response:
        self.requests.append(request)
        if request.stream is not None:
            try:
                async for piece in request.stream:
                    self.received += piece
            except Exception:
                self.broken_off.set()
                raise
        if request.path == "/pieces":
            return Response(200, [], _pieces())
        return Response(200, [("X-Own", "1"), ("Content-Type", "text/plain")], b"answer")


async def _pieces() -> AsyncIterator[bytes]:
    yield b"one "
    yield b"two"


@asynccontextmanager
async def endpoint() -> AsyncIterator[tuple[Endpoint, str]]:
    there = Endpoint()
    server = HttpServer(there.handle, HttpOptions(stream_from_bytes=1000), wants_stream=lambda request: True)
    try:
        yield there, f"http://127.0.0.1:{await server.listen('127.0.0.1', 0)}"
    finally:
        await server.close(1)


async def talk(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    got = await reader.read()
    writer.close()
    await writer.wait_closed()
    return got


def options(url: str) -> Options:
    return Options(
        upstream=UpstreamOptions(endpoints={"s3": url}, moto=False), http=HttpOptions(stream_from_bytes=1000)
    )


async def test_a_request_reaches_the_endpoint_as_it_was_sent(tmp_path: Path) -> None:
    async with endpoint() as (there, url), running_edge(tmp_path, options(url)) as edge:
        head = f"POST /b%2Fc//d?x=%20&y HTTP/1.1\r\nHost: mine:1\r\nAuthorization: {SCOPE}\r\nX-Amz-Meta: a,b\r\n"
        got = await talk(edge.port, f"{head}X-Amz-Date: 20260101T000000Z\r\nContent-Length: 3\r\n\r\nabc".encode())
    request = there.requests[0]
    assert (request.method, request.path, request.query, request.body) == ("POST", "/b%2Fc//d", "x=%20&y", b"abc")
    assert request.headers == {
        "host": "mine:1",
        "authorization": SCOPE,
        "x-amz-meta": "a,b",
        "x-amz-date": "20260101T000000Z",
        "content-length": "3",
    }
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nX-Own: 1\r\n" in got
    assert got.endswith(b"\r\n\r\nanswer")
    assert got.lower().count(b"\r\ncontent-length: 6\r\n") == 1
    assert got.lower().count(b"\r\ndate: ") == 1


async def test_an_answer_in_pieces_stays_in_pieces(tmp_path: Path) -> None:
    async with endpoint() as (_, url), running_edge(tmp_path, options(url)) as edge:
        head = f"GET /pieces HTTP/1.1\r\nHost: x\r\nAuthorization: {SCOPE}\r\nX-Amz-Date: 20260101T000000Z\r\n"
        got = await talk(edge.port, f"{head}\r\n".encode())
    assert b"\r\nTransfer-Encoding: chunked\r\n" in got
    assert got.endswith(b"0\r\n\r\n")


async def test_a_large_upload_is_passed_on_while_it_arrives(tmp_path: Path) -> None:
    async with endpoint() as (there, url), running_edge(tmp_path, options(url)) as edge:
        head = f"PUT /b/k HTTP/1.1\r\nHost: x\r\nAuthorization: {SCOPE}\r\nX-Amz-Date: 20260101T000000Z\r\n"
        body = bytes(range(256)) * 4000
        got = await talk(edge.port, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert there.received == body
    assert there.requests[0].headers["content-length"] == str(len(body))
    assert got.endswith(b"answer")


async def test_an_upload_that_stops_half_way_stops_there_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with endpoint() as (there, url), running_edge(tmp_path, options(url)) as edge:
        head = f"PUT /b/k HTTP/1.1\r\nHost: x\r\nAuthorization: {SCOPE}\r\nX-Amz-Date: 20260101T000000Z\r\n"
        assert await talk(edge.port, f"{head}Content-Length: 5000\r\n\r\n".encode() + bytes(2000)) == b""
        await asyncio.wait_for(there.broken_off.wait(), 5)
        assert there.broken_off.is_set()
    assert [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_an_endpoint_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    async with endpoint() as (_, url):
        pass
    async with running_edge(tmp_path, options(url)) as edge:
        with pytest.raises(ClientError) as refused:
            await on_thread(edge.client("s3").list_buckets)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert refused.value.response["Error"]["Code"] == "ServiceUnavailableException"
        with pytest.raises(PortError, match="Could not connect"):
            await edge.gateway.call("s3", "ListBuckets", {}, account="1" * 12, region="us-east-1")


async def test_without_moto_the_answer_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto, "is_installed", lambda: False)
    async with running_edge(tmp_path) as edge:
        head = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\nConnection: close\r\n\r\n"
        got = await talk(edge.port, head.encode())
    assert got.startswith(b"HTTP/1.1 501 ")
    told = json.loads(got.partition(b"\r\n\r\n")[2])
    assert told["message"] == (
        "The service 'dynamodb' is not part of Ramuda. Install what can stand in for it with "
        "pip install 'ramuda[delegates]', or configure an endpoint for it."
    )


ORPHAN_MAKER = """
import asyncio
from ramuda.gateway.upstream import Options
from ramuda.gateway.upstream.moto import MotoServer

async def main():
    server = MotoServer(Options())
    await server.url()
    print(server._process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux ends a child with its parent")
async def test_moto_dies_with_a_server_that_is_killed() -> None:
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", ORPHAN_MAKER, stdout=pipe)
    assert server.stdout is not None
    child = os.pidfd_open(int(await server.stdout.readline()))
    try:
        server.kill()
        await server.wait()
        ended = await asyncio.to_thread(select.select, [child], [], [], 10)
        assert ended[0] == [child]
    finally:
        os.close(child)


async def test_moto_s_own_controls_are_out_of_reach(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        for path in ("/moto-api/reset", "/%6doto-api/reset"):
            got = await talk(edge.port, f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            assert got.startswith(b"HTTP/1.1 501 ")
        assert edge.upstream.is_running("s3") is False


async def test_an_upload_other_than_the_one_that_was_signed_never_arrives_whole(tmp_path: Path) -> None:
    async with endpoint() as (there, url), running_edge(tmp_path, replace(options(url), auth=True)) as edge:
        key = await edge.credentials.ensure_root_key("000000000000")
        body = bytes(5_000_000)
        request = AWSRequest("PUT", f"{edge.url}/bucket/key", {"Content-Length": str(len(body))}, data=body)
        S3SigV4Auth(Credentials(key.access_key_id, key.secret), "s3", "us-east-1").add_auth(request)
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        head = f"PUT /bucket/key HTTP/1.1\r\nHost: 127.0.0.1:{edge.port}\r\n{lines}\r\n".encode()
        tampered = await talk(edge.port, head + body[:-1] + b"x")
        await asyncio.wait_for(there.broken_off.wait(), 5)
        assert len(there.received) < len(body)
        there.received.clear()
        honest = await talk(edge.port, head + body)
    assert tampered.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"<Code>XAmzContentSHA256Mismatch</Code>" in tampered
    assert honest.endswith(b"answer")
    assert there.received == body
