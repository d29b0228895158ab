"""Who takes the body of a runtime's request: nobody, a buffer with a limit, or the caller of a streamed invocation."""

import asyncio
import base64
import binascii
from collections import deque
from collections.abc import AsyncIterator, Callable

from ramuda.kernel.function import Streamed
from ramuda.runtime.api.connection import Exchange

ERROR_TYPE_TRAILER = b"lambda-runtime-function-error-type"
ERROR_BODY_TRAILER = b"lambda-runtime-function-error-body"
STREAM_BUFFER_BYTES = 256 * 1024
"""A streaming runtime is held back while its caller has more than this still to read."""


class Ignored:
    """A body that nobody reads."""

    __slots__ = ("_then",)

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def feed(self, data: bytes) -> None:
        pass

    def end(self, trailers: dict[bytes, bytes]) -> None:
        self._then()

    def abort(self) -> None:
        pass


class Buffered:
    """A whole body, or None to `then` when it is over the limit. `intercept` may deal with trailers instead of
    `then`. `over` is told first, also when the connection broke."""

    __slots__ = ("_data", "_intercept", "_limit_bytes", "_over", "_size_bytes", "_then")

    def __init__(
        self,
        limit_bytes: int,
        then: Callable[[bytes | None], None],
        intercept: Callable[[dict[bytes, bytes]], bool] | None = None,
        *,
        over: Callable[[], None],
    ) -> None:
        self._limit_bytes = limit_bytes
        self._then = then
        self._intercept = intercept
        self._over = over
        self._data = bytearray()  # pieces of one byte each would take forty times the memory
        self._size_bytes = 0

    def feed(self, data: bytes) -> None:
        self._size_bytes += len(data)
        if self._size_bytes <= self._limit_bytes:
            self._data += data
        else:
            self._data.clear()

    def end(self, trailers: dict[bytes, bytes]) -> None:
        self._over()
        if trailers and self._intercept is not None and self._intercept(trailers):
            return
        self._then(bytes(self._data) if self._size_bytes <= self._limit_bytes else None)

    def abort(self) -> None:
        self._over()


class ResponseStream:
    """A response on its way: the runtime writes it (`feed`), the caller reads `outcome.chunks`.

    The chunks end when the body has ended and `finish` was called, so that the environment can add the log's tail
    before. A caller that stops reading does not stop the function: what it still writes is thrown away."""

    def __init__(self, exchange: Exchange, content_type: str, limit_bytes: int) -> None:
        self._exchange = exchange
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._pieces: deque[bytes] = deque()
        self._buffered_bytes = 0
        self._changed = asyncio.Event()
        self._body_ended = False
        self._finished = False
        self._abandoned = False
        self._held = False
        self.outcome = Streamed(chunks=self._read(), content_type=content_type)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def feed(self, data: bytes) -> None:
        self._size_bytes += len(data)
        if self._abandoned or self.outcome.error is not None:
            return
        if self._size_bytes > self._limit_bytes:
            message = f"Response payload size exceeded maximum allowed payload size ({self._limit_bytes} bytes)."
            self.outcome.error = ("Function.ResponseSizeTooLarge", message)
            return
        self._pieces.append(data)
        self._buffered_bytes += len(data)
        if self._buffered_bytes > STREAM_BUFFER_BYTES and not self._held:
            self._held = True
            self._exchange.hold()
        self._changed.set()

    def end(self, trailers: dict[bytes, bytes]) -> None:
        self.outcome.error = self.outcome.error or error_in_trailers(trailers)
        self._body_ended = True
        self._changed.set()
        self._exchange.reply(202, b'{"status":"OK"}\n')

    def abort(self) -> None:
        self.outcome.error = self.outcome.error or ("Runtime.TruncatedResponse", "Response stream was truncated")
        self._body_ended = True
        self._changed.set()

    def finish(self, error: tuple[str, str] | None = None) -> None:
        """The invocation is over; with `error` when it ended in the middle of the body."""
        if not self._body_ended:
            self.outcome.error = error or self.outcome.error
            self._body_ended = True
        self._finished = True
        self._changed.set()

    async def _read(self) -> AsyncIterator[bytes]:
        try:
            while True:
                while self._pieces:
                    piece = self._pieces.popleft()
                    self._buffered_bytes -= len(piece)
                    self._let_go()
                    yield piece
                if self._body_ended and self._finished:
                    return
                self._changed.clear()
                await self._changed.wait()
        finally:
            self._abandoned = True
            self._pieces.clear()
            self._buffered_bytes = 0
            self._let_go()

    def _let_go(self) -> None:
        if self._held and self._buffered_bytes <= STREAM_BUFFER_BYTES // 2:
            self._held = False
            self._exchange.release()


def error_in_trailers(trailers: dict[bytes, bytes]) -> tuple[str, str] | None:
    """`(error type, error body)` of a function that failed in the middle of its response."""
    error_type = trailers.get(ERROR_TYPE_TRAILER)
    if error_type is None:
        return None
    try:
        body = base64.b64decode(trailers.get(ERROR_BODY_TRAILER, b""), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        body = ""
    return error_type.decode("latin-1"), body
