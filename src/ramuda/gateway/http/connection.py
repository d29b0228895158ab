"""One client connection: requests in, answers out in the same order, within limits of time.

A connection has one task from its first request on; it carries out one request after the other and is never cancelled
because the client went away: what was received whole is carried out whole (an invocation goes on). Only the sending of
a streamed answer ends with the client; its iterator is closed then.

`deadline_s` is when the connection is overdue, on the server's monotonic clock; the server sweeps once a second, so
that no timer is made per request.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeAlias, cast

from ramuda.gateway.http import encode
from ramuda.gateway.http.body import IncompleteBodyError
from ramuda.gateway.http.options import Options
from ramuda.gateway.http.reader import Hooks, Phase, RequestReader, Turn
from ramuda.gateway.messages import Request, Response
from ramuda.kernel.errors import BrokenOffError

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)

_JOIN_BELOW_BYTES = 64 * 1024  # a smaller body is copied behind its head, to be one write
_LINGER_S = 2.0  # how long what a refused client still sends is thrown away, so that it can read its answer


class Owner(Protocol):
    """The server, as a connection sees it."""

    options: Options
    date_line: str
    draining: bool
    wants_stream: Callable[[Request], bool] | None
    refuse: Callable[[Request, int], Response]

    def monotonic(self) -> float: ...
    def opened(self, connection: "Connection") -> bool: ...
    def lost(self, connection: "Connection") -> None: ...
    def ended(self, connection: "Connection") -> None: ...


class Entrance(Protocol):
    """The listening socket that a connection came through, as far as a connection is concerned."""

    connections: set["Connection"]
    is_inner: bool

    @property
    def is_full(self) -> bool: ...


class Connection(asyncio.Protocol):
    """See the module. The server makes one for each accepted client."""

    def __init__(self, owner: Owner, handler: Handler, entrance: Entrance) -> None:
        self._owner, self._handler = owner, handler
        self.entrance = entrance
        self._turns: deque[Turn] = deque()
        self._busy = False
        self._task: asyncio.Task[None] | None = None
        self._turn_came: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._streaming = False
        self._gone = False
        self._eof = False
        self._lingering = False
        self._continue_owed = False
        self._paused_reading = False
        self.deadline_s = math.inf

    # -- what the transport tells ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        hooks = Hooks(
            deliver=self._deliver,
            wants_stream=self._owner.wants_stream,
            body_awaited=self._owe_continue,
            pause=self._pause_reading,
            resume=self._resume_reading,
        )
        peer = transport.get_extra_info("peername")
        self._reader = RequestReader(self._owner.options, peer[:2] if isinstance(peer, tuple) else None, hooks)
        if not self._owner.opened(self):
            self._gone = True
            transport.abort()
            return
        self.deadline_s = self._owner.monotonic() + self._owner.options.head_timeout_s

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        before = self._reader.phase
        self._reader.feed(data)
        match self._reader.phase:
            case Phase.IDLE if self._busy or self._turns:
                self.deadline_s = math.inf  # how long a request takes is not the client's fault
            case Phase.HEAD if before is not Phase.HEAD:
                self.deadline_s = self._owner.monotonic() + self._owner.options.head_timeout_s
            case Phase.BODY if not self._paused_reading:
                self.deadline_s = self._owner.monotonic() + self._owner.options.body_timeout_s

    def eof_received(self) -> bool:
        """A client that shut down its sending side may still read: what it asked for is answered first."""
        self._reader.stop()
        self._eof = True
        return (self._busy or bool(self._turns)) and not self._streaming

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self.deadline_s = math.inf
        if self._reader.phase is not Phase.IDLE:
            _log.debug("http.request_incomplete phase=%s", self._reader.phase.name.lower())
        self._reader.stop()
        _wake(self._writable)
        _wake(self._turn_came)
        if self._streaming and self._task is not None:
            self._task.cancel()
        self._owner.lost(self)
        if self._task is None:
            self._owner.ended(self)

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()
        self.deadline_s = self._owner.monotonic() + self._owner.options.write_timeout_s

    def resume_writing(self) -> None:
        reading = self._reader.phase is not Phase.IDLE
        self.deadline_s = self._owner.monotonic() + self._owner.options.body_timeout_s if reading else math.inf
        _wake(self._writable)
        self._writable = None

    # -- what the server asks ----------------------------------------------------------------------------------------

    def abort(self) -> None:
        """Ends the connection at once; what is being carried out goes on without it."""
        self._transport.abort()

    def close_when_idle(self) -> None:
        if not self._busy and not self._turns:
            self._transport.close()

    def cancel(self) -> None:
        """The server's patience is over: what is being carried out is cancelled."""
        if self._task is not None:
            self._task.cancel()

    # -- reading -----------------------------------------------------------------------------------------------------

    def _deliver(self, turn: Turn) -> None:
        self._continue_owed = False
        self._turns.append(turn)
        if len(self._turns) >= self._owner.options.max_pipelined:
            self._pause_reading()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())
        elif self._turn_came is not None:
            _wake(self._turn_came)

    def _owe_continue(self) -> None:
        """100 Continue may not overtake the answers to earlier requests."""
        self._continue_owed = True
        if not self._busy and not self._turns:
            self._pay_continue()

    def _pay_continue(self) -> None:
        self._continue_owed = False
        self._transport.write(encode.CONTINUE)

    def _pause_reading(self) -> None:
        if not self._paused_reading and not self._gone:
            self._paused_reading = True
            self.deadline_s = math.inf  # it is now we who make the client wait
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._paused_reading and not self._gone:
            self._paused_reading = False
            if self._reader.phase is not Phase.IDLE:
                self.deadline_s = self._owner.monotonic() + self._owner.options.body_timeout_s
            self._transport.resume_reading()

    # -- answering ---------------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        try:
            while await self._next_turn():
                self._busy = True
                keep_alive = await self._answer(self._turns.popleft())
                self._busy = False
                if not keep_alive or (self._eof and not self._turns):
                    break
                self._rest()
        finally:
            self._task = None
            if not self._gone:
                self._part()
            self._owner.ended(self)

    async def _next_turn(self) -> bool:
        """Waits for a request; False when none will come."""
        while not self._turns:
            if self._gone:
                return False
            self._turn_came = asyncio.get_running_loop().create_future()
            await self._turn_came
            self._turn_came = None
        return True

    def _rest(self) -> None:
        """Between an answer and the next request."""
        if self._turns:
            return
        self._resume_reading()
        if self._continue_owed and not self._gone:
            self._pay_continue()
        if self._reader.phase is Phase.IDLE:
            self.deadline_s = self._owner.monotonic() + self._owner.options.idle_timeout_s

    async def _answer(self, turn: Turn) -> bool:
        """Carries out one request and sends its answer; whether the connection can go on."""
        if turn.refused is not None:
            response = self._owner.refuse(turn.request, turn.refused)
        else:
            if turn.stream is not None and turn.expects_continue:
                self._pay_continue()
            try:
                response = await self._handler(turn.request)
            except IncompleteBodyError:
                _log.debug("http.request_incomplete phase=body")
                return False
            except Exception:  # noqa: BLE001 - the boundary of a request
                _log.exception("http.handler_failed method=%s path=%s", turn.request.method, turn.request.path)
                response = self._owner.refuse(turn.request, 500)
        unread = turn.stream is not None and not turn.stream.ended
        keep_alive = turn.keep_alive and not unread and not self._owner.draining
        if isinstance(response.body, bytes):
            self._send_whole(turn, response, response.body, keep_alive)
            if self._writable is not None:
                await self._writable
            return keep_alive
        return await self._send_stream(turn, response, response.body, keep_alive)

    def _send_whole(self, turn: Turn, response: Response, body: bytes, keep_alive: bool) -> None:
        if self._gone:
            return
        tail = self._owner.date_line
        if encode.has_body(turn.request.method, response.status):
            tail = f"Content-Length: {len(body)}\r\n{tail}"
        else:
            body = b""
        head = encode.encode_head(response.status, response.headers, tail + _connection_line(turn, keep_alive))
        if len(body) < _JOIN_BELOW_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    async def _send_stream(
        self, turn: Turn, response: Response, pieces: AsyncIterator[bytes], keep_alive: bool
    ) -> bool:
        has_body = encode.has_body(turn.request.method, response.status)
        sized = encode.header_value(response.headers, "content-length") is not None
        chunked = has_body and not sized and not turn.http_1_0
        keep_alive = keep_alive and (chunked or sized or not has_body)
        tail = self._owner.date_line + ("Transfer-Encoding: chunked\r\n" if chunked else "")
        self._streaming = True
        try:
            if not self._gone:
                head = encode.encode_head(response.status, response.headers, tail + _connection_line(turn, keep_alive))
                self._transport.write(head)
                if has_body:
                    await self._send_pieces(pieces, chunked)
            return keep_alive
        except asyncio.CancelledError:
            if not self._gone:
                raise
            return False  # the client went away; that is what cancelled us
        except BrokenOffError as e:
            _log.debug("http.stream_broken_off path=%s reason=%s", turn.request.path, e)
            self._transport.abort()
            return False
        except Exception:  # noqa: BLE001 - the boundary of a request, its second half
            # Part of the answer is out: the only way left to say that it is not whole is to break off.
            _log.exception("http.stream_failed method=%s path=%s", turn.request.method, turn.request.path)
            self._transport.abort()
            return False
        finally:
            self._streaming = False
            await _close(pieces)

    async def _send_pieces(self, pieces: AsyncIterator[bytes], chunked: bool) -> None:
        async for piece in pieces:
            if piece:
                self._transport.write(encode.encode_chunk(piece) if chunked else piece)
            if self._writable is not None:
                await self._writable
            if self._gone:
                return
        if chunked:
            self._transport.write(encode.LAST_CHUNK)

    # -- the end -----------------------------------------------------------------------------------------------------

    def _part(self) -> None:
        """Closes after the last answer. A client that is still sending gets time to read it: closing at once would
        reset the connection and lose the answer on its side."""
        still_sending = self._reader.phase is not Phase.IDLE or self._reader.refused
        if self._eof or not still_sending:
            self._transport.close()
            return
        self._lingering = True
        self._reader.stop()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._resume_reading()
        self.deadline_s = self._owner.monotonic() + _LINGER_S


def _connection_line(turn: Turn, keep_alive: bool) -> str:
    if not keep_alive:
        return "Connection: close\r\n"
    return "Connection: keep-alive\r\n" if turn.http_1_0 else ""


async def _close(pieces: AsyncIterator[bytes]) -> None:
    aclose = getattr(pieces, "aclose", None)
    if aclose is not None:
        await aclose()


def _wake(waiter: "asyncio.Future[None] | None") -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
