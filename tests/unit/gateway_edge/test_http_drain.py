"""What the server still serves while it closes."""

import asyncio
import socket

from ramuda.gateway.messages import Request, Response
from tests.unit.gateway_edge.conftest import Serve, on_both_loops


@on_both_loops
async def test_what_a_caller_waits_for_can_still_ask_the_server(serve: Serve) -> None:
    """A function that is run for a caller calls the platform itself, through a socket in its sandbox."""
    entered, gate = asyncio.Event(), asyncio.Event()
    inner = socket.create_server(("127.0.0.1", 0))
    port = inner.getsockname()[1]

    async def inside(request: Request) -> Response:
        return Response(200, [], b"inside")

    async def handler(request: Request) -> Response:
        entered.set()
        await gate.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        got = await reader.read()
        writer.close()
        return Response(200, [], got[-6:])

    async with serve(handler) as served:
        await served.server.serve_socket(inner, inside)
        kept = await served.connect(port)
        await kept.send(b"GET / HTTP/1.1\r\n\r\n")
        await kept.receive(b"inside")
        caller = await served.connect()
        await caller.send(b"GET / HTTP/1.1\r\n\r\n")
        await entered.wait()
        closing = asyncio.ensure_future(served.server.close(drain_s=30))
        await asyncio.sleep(0)
        gate.set()
        assert (await caller.rest()).endswith(b"\r\n\r\ninside")
        await closing
        assert await kept.rest() == b""
        assert inner.fileno() == -1
