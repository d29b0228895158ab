"""Listening, and what all connections share: limits, the date, the sweep for overdue ones, and an orderly end."""

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from email.utils import formatdate

from ramuda.gateway.http.connection import Connection, Handler
from ramuda.gateway.http.options import Options
from ramuda.gateway.messages import Request, Response
from ramuda.kernel.clock import Clock, SystemClock

_log = logging.getLogger(__name__)

_BACKLOG = 1024
_SOCKET_BACKLOG = 16
_SWEEP_EVERY_S = 1.0


def plain_refusal(request: Request, status: int) -> Response:
    """A refusal for clients of whom nothing is known."""
    body = json.dumps({"message": "The request was refused."}).encode()
    return Response(status, [("Content-Type", "application/json")], body)


class Listener:
    """One listening socket of a server, and the connections that came through it: at most `max_connections`.
    `is_inner`: it serves those who work for the callers of the others."""

    def __init__(self, max_connections: int, forget: Callable[["Listener"], None], *, is_inner: bool = False) -> None:
        self.is_inner = is_inner
        self.connections: set[Connection] = set()
        self._max_connections = max_connections
        self._forget = forget
        self._server: asyncio.Server | None = None

    def serve(self, server: asyncio.Server) -> None:
        self._server = server

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def is_full(self) -> bool:
        return len(self.connections) >= self._max_connections

    def close(self) -> None:
        """Accepts no more. Connections that were accepted stay. Idempotent."""
        if self._server is not None:
            self._server.close()
        self._forget(self)

    def end(self) -> None:
        """Accepts no more, and breaks off what was accepted."""
        self.close()
        for connection in list(self.connections):
            connection.abort()


class HttpServer:
    """Serves HTTP/1.1 to `handler`, on any number of sockets.

    `wants_stream` is asked about a request with a large body once its headers are there: whether it shall get
    `Request.stream` instead of `Request.body`. `refuse` makes the answer to a request that is not carried out, from
    what is known of it and the status: 400 (not HTTP), 413 (body too large), 431 (head too large), 500 (the handler
    raised).
    """

    def __init__(
        self,
        handler: Handler,
        options: Options,
        *,
        wants_stream: Callable[[Request], bool] | None = None,
        refuse: Callable[[Request, int], Response] = plain_refusal,
        clock: Clock | None = None,
    ) -> None:
        self._handler = handler
        self.options = options
        self.wants_stream = wants_stream
        self.refuse = refuse
        self.draining = False
        self._clock: Clock = clock or SystemClock()
        self.monotonic = self._clock.monotonic
        self.date_line = ""
        self._listeners: set[Listener] = set()
        self._open: set[Connection] = set()
        self._serving: set[Connection] = set()
        self._one_ended = asyncio.Event()
        self._sweeper: asyncio.Task[None] | None = None

    async def listen(self, host: str, port: int) -> int:
        """Binds and serves; port 0 takes a free one. Returns the port. Raises OSError as bind does."""
        loop = asyncio.get_running_loop()
        listener = Listener(self.options.max_connections, self._listeners.discard)
        listener.serve(
            await loop.create_server(lambda: Connection(self, self._handler, listener), host, port, backlog=_BACKLOG)
        )
        return self._started(listener).port

    async def serve_socket(self, sock: socket.socket, handler: Handler | None = None) -> Listener:
        """Serves a listening socket that was made elsewhere, such as in another network namespace, to `handler` (None:
        the server's), with at most `Options.max_connections_per_socket` connections. The socket is closed with the
        listener."""
        loop = asyncio.get_running_loop()
        chosen = handler or self._handler
        listener = Listener(self.options.max_connections_per_socket, self._listeners.discard, is_inner=True)
        listener.serve(
            await loop.create_server(lambda: Connection(self, chosen, listener), sock=sock, backlog=_SOCKET_BACKLOG)
        )
        return self._started(listener)

    def _started(self, listener: Listener) -> Listener:
        self._listeners.add(listener)
        if self._sweeper is None:
            self._tell_date()
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())
        return listener

    async def close(self, drain_s: float = 5.0) -> None:
        """Stops accepting, lets what is being carried out end within `drain_s`, then cancels it. Sockets made
        elsewhere are served until nobody waits who came another way: a function that a caller waits for needs them.
        Idempotent."""
        self.draining = True
        end_s = asyncio.get_running_loop().time() + drain_s
        try:
            async with asyncio.timeout_at(end_s):
                for is_inner in (False, True):
                    self._shut(is_inner=is_inner)
                    while any(connection.entrance.is_inner is is_inner for connection in self._serving):
                        self._one_ended.clear()
                        await self._one_ended.wait()
        except TimeoutError:
            _log.warning("http.drain_timed_out connections=%d", len(self._serving))
            self._shut(is_inner=True)
            await self._break_off()
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
            self._sweeper = None

    def _shut(self, *, is_inner: bool) -> None:
        for listener in [one for one in self._listeners if one.is_inner is is_inner]:
            listener.close()
        for connection in [one for one in self._open if one.entrance.is_inner is is_inner]:
            connection.close_when_idle()

    async def _break_off(self) -> None:
        for connection in list(self._serving):
            connection.abort()
            connection.cancel()
        while self._serving:
            self._one_ended.clear()
            await self._one_ended.wait()

    # -- what connections call ---------------------------------------------------------------------------------------

    def opened(self, connection: Connection) -> bool:
        """Whether the connection may stay."""
        if len(self._open) >= self.options.max_connections or connection.entrance.is_full:
            _log.warning("http.too_many_connections open=%d", len(self._open))
            return False
        self._open.add(connection)
        self._serving.add(connection)
        connection.entrance.connections.add(connection)
        return True

    def lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        connection.entrance.connections.discard(connection)

    def ended(self, connection: Connection) -> None:
        """The connection's task has ended, or it never had one."""
        if connection not in self._open:
            self._serving.discard(connection)
        self._one_ended.set()

    # -- once a second -----------------------------------------------------------------------------------------------

    async def _sweep_forever(self) -> None:
        while True:
            await self._clock.sleep(_SWEEP_EVERY_S)
            self._tell_date()
            self.sweep()

    def sweep(self) -> None:
        """Ends every connection whose time is over."""
        now_s = self.monotonic()
        for connection in [c for c in self._open if c.deadline_s <= now_s]:
            _log.debug("http.connection_overdue")
            connection.abort()

    def _tell_date(self) -> None:
        self.date_line = f"Date: {formatdate(self._clock.time(), usegmt=True)}\r\n"
