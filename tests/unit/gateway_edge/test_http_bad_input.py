"""What is not a request, breaks off, is too large or too slow: an answer where one can be given, never a trace."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ramuda.gateway.http import IncompleteBodyError, Options
from ramuda.gateway.messages import Request, Response
from tests.unit.gateway_edge.conftest import DATE, Serve, on_both_loops

TOO_LARGE = f"413 {HTTPStatus(413).phrase}".encode()  # Python 3.13 says it in other words
REFUSAL = b'{"message": "The request was refused."}'


def refusal(status: bytes) -> bytes:
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: 39\r\n"
    return head + DATE + b"Connection: close\r\n\r\n" + REFUSAL


class Recorder:
    """A handler that remembers what reached it."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, request: Request) -> Response:
        self.paths.append(request.path)
        return Response(200, [], b"ok")


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS client hello
    b"hello\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\n\r\n",
]


@on_both_loops
@pytest.mark.parametrize("data", GARBAGE)
async def test_garbage_is_refused_and_the_connection_closed(
    serve: Serve, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Recorder()
    async with serve(handler) as served:
        got = await served.exchange(data)
    assert got == refusal(b"400 Bad Request")
    assert handler.paths == []
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


async def test_requests_before_garbage_are_answered_first(serve: Serve) -> None:
    async with serve(Recorder()) as served:
        got = await served.exchange(b"GET / HTTP/1.1\r\n\r\ngarbage\r\n\r\n")
    assert got == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + DATE + b"\r\nok" + refusal(b"400 Bad Request")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=300), start=st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.1\r\nA: b\r\n"])
)
def test_no_bytes_at_all_make_the_server_log_an_error(
    serve: Serve, caplog: pytest.LogCaptureFixture, data: bytes, start: bytes
) -> None:
    async def run() -> bytes:
        async with serve(Recorder()) as served:
            return await served.exchange(start + data)

    got = asyncio.run(run())
    assert got == b"" or got.startswith(b"HTTP/1.1 ")
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"POST / HTTP/1.1\r\nContent-Le",
    ],
)
async def test_a_request_that_stops_half_way_is_not_carried_out(
    serve: Serve, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Recorder()
    async with serve(handler) as served:
        assert await served.exchange(data) == b""
    assert handler.paths == []
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


@on_both_loops
async def test_a_streamed_body_that_stops_half_way_fails_for_its_reader(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    failed = asyncio.Event()

    async def handler(request: Request) -> Response:
        assert request.stream is not None
        try:
            async for _ in request.stream:
                pass
        except IncompleteBodyError:
            failed.set()
            raise
        raise AssertionError

    async with serve(handler, Options(stream_from_bytes=1), wants_stream=lambda request: True) as served:
        assert await served.exchange(b"PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc") == b""
        assert failed.is_set()
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


@on_both_loops
async def test_a_body_announced_too_large_is_refused_before_it_is_sent(serve: Serve) -> None:
    handler = Recorder()
    options = Options(body_bytes=100, stream_from_bytes=50)
    async with serve(handler, options, wants_stream=lambda request: False) as served:
        client = await served.connect()
        await client.send(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n")
        assert await client.rest() == refusal(TOO_LARGE)
    assert handler.paths == []


@on_both_loops
async def test_who_sends_a_body_too_large_all_the_same_can_read_the_refusal(serve: Serve) -> None:
    async with serve(Recorder(), Options(body_bytes=100, stream_from_bytes=50)) as served:
        client = await served.connect()
        await client.send(b"POST / HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n")
        for _ in range(50):
            await client.send(bytes(100_000))
        assert await client.rest() == refusal(TOO_LARGE)


@on_both_loops
async def test_a_chunked_body_too_large_is_refused_when_it_gets_there(serve: Serve) -> None:
    async with serve(Recorder(), Options(body_bytes=100)) as served:
        client = await served.connect()
        await client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + bytes(101))
        assert await client.rest() == refusal(TOO_LARGE)


@on_both_loops
@pytest.mark.parametrize("flood", [b"X: " + bytes(b"a" * 3000), b"".join(b"X%d: y\r\n" % n for n in range(500))])
async def test_a_flood_of_headers_is_refused(serve: Serve, flood: bytes) -> None:
    handler = Recorder()
    async with serve(handler, Options(head_bytes=2000)) as served:
        client = await served.connect()
        await client.send(b"GET / HTTP/1.1\r\n" + flood)
        assert await client.rest() == refusal(b"431 Request Header Fields Too Large")
    assert handler.paths == []


@on_both_loops
async def test_slow_headers_are_cut_off(serve: Serve) -> None:
    async with serve(Recorder(), Options(head_timeout_s=30)) as served:
        silent, slow = await served.connect(), await served.connect()
        await slow.send(b"GET / HTTP/1.1\r\n")
        await served.exchange(b"GET / HTTP/1.1\r\n\r\n")  # both connections are known to the server now
        await served.clock.advance(29)
        await slow.send(b"X: y\r\n")
        await served.exchange(b"GET / HTTP/1.1\r\n\r\n")
        await served.clock.advance(2)
        assert await slow.rest() == b""
        assert await silent.rest() == b""


@on_both_loops
async def test_blank_lines_do_not_keep_a_connection_open(serve: Serve) -> None:
    async with serve(Recorder(), Options(head_timeout_s=30)) as served:
        client = await served.connect()
        await client.send(b"\r\n")
        await served.exchange(b"GET / HTTP/1.1\r\n\r\n")
        await served.clock.advance(31)
        assert await client.rest() == b""


@on_both_loops
async def test_a_body_may_pause_but_not_too_long(serve: Serve) -> None:
    handler = Recorder()
    async with serve(handler, Options(body_timeout_s=30)) as served:
        client = await served.connect()
        await client.send(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\na")
        await served.exchange(b"GET /other HTTP/1.1\r\n\r\n")
        await served.clock.advance(29)
        await client.send(b"b")
        await served.exchange(b"GET /other HTTP/1.1\r\n\r\n")
        await served.clock.advance(29)
        assert not client.reader.at_eof()
        await served.clock.advance(2)
        assert await client.rest() == b""
    assert handler.paths == ["/other", "/other"]


@on_both_loops
async def test_an_idle_connection_is_closed_and_a_long_request_is_not(serve: Serve) -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        if request.path == "/long":
            entered.set()
            await gate.wait()
        return Response(200, [], b"ok")

    async with serve(handler, Options(idle_timeout_s=120)) as served:
        idle, busy = await served.connect(), await served.connect()
        await idle.send(b"GET / HTTP/1.1\r\n\r\n")
        await idle.receive(b"ok")
        await busy.send(b"GET /long HTTP/1.1\r\n\r\n")
        await entered.wait()
        await served.clock.advance(119)
        assert not idle.reader.at_eof()
        await served.clock.advance(1000)
        assert await idle.rest() == b""
        gate.set()
        assert (await busy.receive(b"ok")).startswith(b"HTTP/1.1 200 OK")


@on_both_loops
async def test_a_long_request_is_not_cut_off_after_its_body_was_held_back(serve: Serve) -> None:
    read, go, end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        assert request.stream is not None
        await go.wait()
        async for _ in request.stream:
            pass
        read.set()
        await end.wait()
        return Response(200, [], b"ok")

    async with serve(handler, Options(stream_from_bytes=1), wants_stream=lambda request: True) as served:
        client = await served.connect()
        head = b"PUT / HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n"
        sending = asyncio.ensure_future(client.send(head + bytes(9_000_000)))
        await served.exchange(b"")
        await served.clock.advance(1000)  # it is the server that holds back here
        go.set()
        await sending
        await read.wait()
        await served.clock.advance(1000)
        end.set()
        assert (await client.receive(b"ok")).startswith(b"HTTP/1.1 200 OK")


@on_both_loops
async def test_who_never_reads_an_answer_is_cut_off_in_the_end(serve: Serve) -> None:
    closed = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(1 << 20)
        finally:
            closed.set()

    async def handler(request: Request) -> Response:
        return Response(200, [], pieces())

    async with serve(handler, Options(write_timeout_s=300)) as served:
        client = await served.connect()
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        await client.receive(b"\r\n\r\n")
        for _ in range(20):
            await served.exchange(b"")
        await served.clock.advance(299)
        assert not closed.is_set()
        await served.clock.advance(302)
        await asyncio.wait_for(closed.wait(), 5)
        client.reset()


@on_both_loops
async def test_more_connections_than_allowed_are_closed_at_once(serve: Serve) -> None:
    async with serve(Recorder(), Options(max_connections=2)) as served:
        kept = [await served.connect() for _ in range(2)]
        await kept[1].send(b"GET / HTTP/1.1\r\n\r\n")
        await kept[1].receive(b"ok")
        assert await (await served.connect()).rest() == b""
        await kept[0].send(b"GET / HTTP/1.1\r\n\r\n")
        assert (await kept[0].receive(b"ok")).startswith(b"HTTP/1.1 200 OK")


@on_both_loops
async def test_a_sandboxs_socket_has_connections_of_its_own_that_end_with_it(serve: Serve) -> None:
    async with serve(Recorder(), Options(max_connections_per_socket=2)) as served:
        inside = await served.server.serve_socket(socket.create_server(("127.0.0.1", 0)))
        kept = [await served.connect(inside.port) for _ in range(2)]
        for client in kept:
            await client.send(b"GET / HTTP/1.1\r\n\r\n")
            assert (await client.receive(b"ok")).startswith(b"HTTP/1.1 200 OK")
        assert await (await served.connect(inside.port)).rest() == b""
        assert (await served.exchange(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200 OK"), "others have theirs"
        inside.end()
        for client in kept:
            assert await client.rest() == b""


@on_both_loops
async def test_a_request_is_carried_out_though_its_client_went_away(serve: Serve) -> None:
    entered, gate, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        await gate.wait()
        ended.set()
        return Response(200, [], b"nobody reads this")

    async with serve(handler) as served:
        client = await served.connect()
        await client.send(b"POST / HTTP/1.1\r\n\r\n")
        await entered.wait()
        client.reset()
        await served.exchange(b"")  # the reset has arrived before this connection
        gate.set()
        await ended.wait()
        assert ended.is_set()


@on_both_loops
async def test_a_client_that_goes_away_closes_the_stream_it_was_reading(serve: Serve) -> None:
    closed = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            closed.set()

    async def handler(request: Request) -> Response:
        return Response(200, [], pieces())

    async with serve(handler) as served:
        client = await served.connect()
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        await client.receive(b"first\r\n")
        client.reset()
        await asyncio.wait_for(closed.wait(), 5)
        assert closed.is_set()


@on_both_loops
async def test_a_stream_that_fails_breaks_the_answer_off(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        raise ValueError("boom")

    async def handler(request: Request) -> Response:
        return Response(200, [], pieces())

    async with serve(handler) as served:
        got = await served.exchange(b"GET / HTTP/1.1\r\n\r\n")
    assert b"0\r\n\r\n" not in got
    assert [record.message for record in caplog.records] == ["http.stream_failed method=GET path=/"]


@on_both_loops
async def test_a_handler_that_raises_is_answered_with_500_and_logged_once(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Request) -> Response:
        raise ValueError("boom")

    async with serve(handler) as served:
        got = await served.exchange(b"GET /x HTTP/1.1\r\n\r\n")
    head = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 39\r\n"
    assert got == head + DATE + b"\r\n" + REFUSAL
    assert [record.message for record in caplog.records] == ["http.handler_failed method=GET path=/x"]
