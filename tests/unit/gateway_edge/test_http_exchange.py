"""Requests as they arrive, answers as they leave."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from ramuda.gateway.http import HttpServer, Options
from ramuda.gateway.messages import Request, Response
from tests.unit.gateway_edge.conftest import DATE, Serve, on_both_loops


async def tell(request: Request) -> Response:
    """What the server understood."""
    told = f"{request.method} {request.path} [{request.query}] {request.body!r}"
    return Response(200, [("Content-Type", "text/plain")], told.encode())


def answer(body: bytes, extra: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + length + DATE + extra + b"\r\n" + body


@on_both_loops
async def test_a_request_arrives_as_it_was_sent_and_is_answered(serve: Serve) -> None:
    async with serve(tell) as served:
        got = await served.exchange(b"POST /a%2Fb//c?x=1&y=%20 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
    assert got == answer(b"POST /a%2Fb//c [x=1&y=%20] b'abc'")


@on_both_loops
async def test_header_names_are_lowered_and_repeated_headers_joined(serve: Serve) -> None:
    seen: list[Request] = []

    async def handler(request: Request) -> Response:
        seen.append(request)
        return Response(204, [])

    async with serve(handler) as served:
        got = await served.exchange(b"GET / HTTP/1.1\r\nX-Amz-Meta: a\r\nHOST: h\r\nx-amz-meta: \xe9 b\r\n\r\n")
        assert seen[0].headers == {"x-amz-meta": "a,\xe9 b", "host": "h"}
        assert seen[0].peer is not None
        assert seen[0].peer[0] == "127.0.0.1"
    assert got == b"HTTP/1.1 204 No Content\r\n" + DATE + b"\r\n"


@on_both_loops
async def test_pipelined_requests_are_answered_in_their_order(serve: Serve) -> None:
    async with serve(tell, Options(max_pipelined=4)) as served:
        got = await served.exchange(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % n for n in range(50)))
    assert got == b"".join(answer(b"GET /%d [] b''" % n) for n in range(50))


@on_both_loops
async def test_a_connection_is_kept_for_further_requests(serve: Serve) -> None:
    async with serve(tell) as served:
        client = await served.connect()
        for n in range(3):
            await client.send(b"GET /%d HTTP/1.1\r\n\r\n" % n)
            assert await client.receive(b"b''") == answer(b"GET /%d [] b''" % n)


@on_both_loops
async def test_connection_close_is_honoured(serve: Serve) -> None:
    async with serve(tell) as served:
        client = await served.connect()
        await client.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert await client.rest() == answer(b"GET / [] b''", b"Connection: close\r\n")


@on_both_loops
async def test_http_1_0_is_answered_and_closed_or_kept_when_asked(serve: Serve) -> None:
    async with serve(tell) as served:
        client = await served.connect()
        await client.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert await client.receive(b"b''") == answer(b"GET /a [] b''", b"Connection: keep-alive\r\n")
        await client.send(b"GET /b HTTP/1.0\r\n\r\n")
        assert await client.rest() == answer(b"GET /b [] b''", b"Connection: close\r\n")


@on_both_loops
async def test_a_chunked_request_body_becomes_whole(serve: Serve) -> None:
    async with serve(tell) as served:
        got = await served.exchange(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"
        )
    assert got == answer(b"POST / [] b'abcde'")


@on_both_loops
async def test_a_client_that_waits_to_be_told_to_send_its_body_is_told(serve: Serve) -> None:
    async with serve(tell) as served:
        client = await served.connect()
        await client.send(b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert await client.receive(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"abc")
        assert await client.receive(b"'abc'") == answer(b"PUT / [] b'abc'")


@on_both_loops
async def test_100_continue_does_not_overtake_an_earlier_answer(serve: Serve) -> None:
    gate = asyncio.Event()

    async def handler(request: Request) -> Response:
        await gate.wait()
        return await tell(request)

    async with serve(handler) as served:
        client = await served.connect()
        await client.send(
            b"GET /1 HTTP/1.1\r\n\r\nPUT /2 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        gate.set()
        expected = answer(b"GET /1 [] b''") + b"HTTP/1.1 100 Continue\r\n\r\n"
        assert await client.reader.readexactly(len(expected)) == expected
        await client.send(b"abc")
        assert await client.receive(b"'abc'") == answer(b"PUT /2 [] b'abc'")


@on_both_loops
async def test_head_gets_the_headers_only(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, [("Content-Length", "5")], b"" if request.path == "/given" else b"hello")

    async with serve(handler) as served:
        got = await served.exchange(b"HEAD /given HTTP/1.1\r\n\r\n")
    assert got == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + DATE + b"\r\n"


@on_both_loops
async def test_an_offer_to_upgrade_is_declined_by_answering(serve: Serve) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
    async with serve(tell) as served:
        got = await served.exchange(
            b"POST /1 HTTP/1.1\r\n" + upgrade + b"Content-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n\r\n"
        )
    assert got == answer(b"POST /1 [] b'abc'") + answer(b"GET /2 [] b''")


@on_both_loops
async def test_an_absolute_target_is_reduced_to_its_path(serve: Serve) -> None:
    async with serve(tell) as served:
        assert await served.exchange(b"GET http://h:1/a/b?c HTTP/1.1\r\n\r\n") == answer(b"GET /a/b [c] b''")
        assert await served.exchange(b"OPTIONS * HTTP/1.1\r\n\r\n") == answer(b"OPTIONS / [] b''")


@on_both_loops
async def test_a_header_value_cannot_break_out_of_its_line(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        return Response(200, [("X", "a\r\nSet-Cookie: evil"), ("Y", "\u20ac")], b"")

    async with serve(handler) as served:
        got = await served.exchange(b"GET / HTTP/1.1\r\n\r\n")
    head = "HTTP/1.1 200 OK\r\nX: a  Set-Cookie: evil\r\nY: \u20ac\r\nContent-Length: 0\r\n"
    assert got == head.encode() + DATE + b"\r\n"


@on_both_loops
async def test_pieces_are_sent_as_they_come_in_chunks(serve: Serve) -> None:
    go_on = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await go_on.wait()
        yield b""
        yield b"second"

    async def handler(request: Request) -> Response:
        return Response(200, [], pieces())

    async with serve(handler) as served:
        client = await served.connect()
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\n" + DATE + b"Transfer-Encoding: chunked\r\n\r\n"
        assert await client.receive(b"first\r\n") == head + b"5\r\nfirst\r\n"
        go_on.set()
        assert await client.receive(b"0\r\n\r\n") == b"6\r\nsecond\r\n0\r\n\r\n"
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert (await client.receive(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")


@on_both_loops
async def test_pieces_of_known_length_are_sent_unframed(serve: Serve) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"

    async def handler(request: Request) -> Response:
        return Response(200, [("content-length", "4")], pieces())

    async with serve(handler) as served:
        got = await served.exchange(b"GET / HTTP/1.1\r\n\r\n")
        old = await served.exchange(b"GET / HTTP/1.0\r\n\r\n")
    assert got == b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n" + DATE + b"\r\nabcd"
    assert old == b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n" + DATE + b"Connection: close\r\n\r\nabcd"


@on_both_loops
async def test_a_slow_reader_slows_the_writer_down(serve: Serve) -> None:
    made = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal made
        while made < 1000:
            made += 1
            yield bytes(65536)

    async def handler(request: Request) -> Response:
        return Response(200, [], pieces())

    async with serve(handler) as served:
        client = await served.connect()
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        await client.receive(b"\r\n\r\n")
        for _ in range(200):
            await asyncio.sleep(0)
        assert made < 500  # what fits into socket buffers, not all of the 1000
        while made < 1000:
            assert await client.reader.read(1 << 20)


@on_both_loops
async def test_a_large_body_is_streamed_to_who_wants_it(serve: Serve) -> None:
    first_seen = asyncio.Event()

    async def handler(request: Request) -> Response:
        assert request.stream is not None
        size = 0
        async for piece in request.stream:
            size += len(piece)
            first_seen.set()
        return Response(200, [("Content-Type", "text/plain")], b"%d" % size)

    options = Options(stream_from_bytes=10)
    async with serve(handler, options, wants_stream=lambda request: request.path == "/s") as served:
        client = await served.connect()
        await client.send(b"PUT /s HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 400000\r\n\r\n")
        assert await client.receive(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(bytes(100))
        await first_seen.wait()
        await client.send(bytes(399_900))
        assert await client.receive(b"\r\n\r\n400000") == answer(b"400000")


@on_both_loops
async def test_an_unread_streamed_body_ends_the_connection_after_the_answer(serve: Serve) -> None:
    async def handler(request: Request) -> Response:
        return Response(403, [], b"no")

    async with serve(handler, Options(stream_from_bytes=10), wants_stream=lambda request: True) as served:
        client = await served.connect()
        await client.send(b"PUT /s HTTP/1.1\r\nContent-Length: 400000\r\n\r\n" + bytes(1000))
        got = await client.rest()
    assert got == b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n" + DATE + b"Connection: close\r\n\r\nno"


@on_both_loops
async def test_a_socket_made_elsewhere_is_served_until_its_listener_is_closed() -> None:
    async def other(request: Request) -> Response:
        return Response(200, [], b"other")

    server = HttpServer(tell, Options())
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        listener = await server.serve_socket(sock, other)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nother")
        writer.close()
        listener.close()
        listener.close()
        await server.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


@on_both_loops
async def test_closing_lets_a_running_request_end_and_refuses_new_ones(serve: Serve) -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        await gate.wait()
        return await tell(request)

    async with serve(handler) as served:
        idle, busy = await served.connect(), await served.connect()
        await busy.send(b"GET / HTTP/1.1\r\n\r\n")
        await entered.wait()
        closing = asyncio.ensure_future(served.server.close(drain_s=30))
        assert await idle.rest() == b""
        gate.set()
        assert await busy.rest() == answer(b"GET / [] b''", b"Connection: close\r\n")
        await closing


@on_both_loops
async def test_closing_cancels_what_does_not_end_in_time(serve: Serve) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    async with serve(handler) as served:
        client = await served.connect()
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        await entered.wait()
        await served.server.close(drain_s=0)
        assert cancelled.is_set()
        assert await client.rest() == b""
