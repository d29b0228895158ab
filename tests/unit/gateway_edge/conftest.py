"""An HTTP server with a handler of the test's, on both event loops it has to work on."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, TypeAlias

import pytest
import uvloop

from ramuda.gateway.http import Handler, HttpServer, Options
from ramuda.testing import ManualClock


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test on asyncio's own loop and on uvloop, which the server uses and whose transports differ in places."""

    @functools.wraps(test)
    def on_loop(run: Callable[[Coroutine[Any, Any, None]], None], **fixtures: Any) -> None:
        run(test(**fixtures))

    parameters = inspect.signature(test).parameters.values()
    run = inspect.Parameter("run", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    on_loop.__signature__ = inspect.Signature([run, *parameters])  # type: ignore[attr-defined]  # pytest reads it
    del on_loop.__wrapped__  # type: ignore[attr-defined]  # else pytest sees the coroutine function
    return pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])(on_loop)


class Client:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self, end: bytes) -> bytes:
        """Up to and with `end`."""
        return await self.reader.readuntil(end)

    async def rest(self) -> bytes:
        """Everything until the server closes; what came before a reset counts too."""
        received = b""
        with suppress(ConnectionResetError):
            while piece := await self.reader.read(65536):
                received += piece
        return received

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    def reset(self) -> None:
        """Goes away at once."""
        self.writer.transport.abort()


class Served:
    """A running server: its clock, and clients of it."""

    def __init__(self, server: HttpServer, port: int, clock: ManualClock) -> None:
        self.server, self.port, self.clock = server, port, clock
        self._clients: list[Client] = []

    async def connect(self, port: int | None = None) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", port or self.port))
        self._clients.append(client)
        return client

    async def exchange(self, data: bytes) -> bytes:
        """All that is answered to `data`, after which the client sends no more."""
        client = await self.connect()
        await client.send(data)
        client.writer.write_eof()
        return await client.rest()

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        await self.server.close(drain_s=1)


Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve() -> Serve:
    @asynccontextmanager
    async def run(handler: Handler, options: Options | None = None, **more: Any) -> AsyncIterator[Served]:
        clock = ManualClock()
        server = HttpServer(handler, options or Options(), clock=clock, **more)
        served = Served(server, await server.listen("127.0.0.1", 0), clock)
        tasks_before = asyncio.all_tasks()
        try:
            yield served
        finally:
            await served.close()
        left = asyncio.all_tasks() - tasks_before
        assert left == set(), "a connection's task outlived its server"

    return run


DATE = b"Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
"""What a ManualClock that was not moved says."""
