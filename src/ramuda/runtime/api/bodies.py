"""Who takes the body of a runtime's request: nobody, a buffer with a limit, or the caller of a streamed invocation."""

import asyncio
import base64
import binascii
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ramuda.kernel import limits
from ramuda.kernel.clock import Clock, SystemClock
from ramuda.kernel.function import Streamed
from ramuda.runtime.api.connection import Exchange
from ramuda.runtime.options import Options

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


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """What a streamed response may be. `bytes_per_s` 0: as fast as it is read; else it counts from `burst_bytes` on."""

    bytes_max: int = limits.STREAMED_RESPONSE_BYTES
    bytes_per_s: float = 0.0
    burst_bytes: int = limits.STREAM_BURST_BYTES
    clock: Clock = field(default_factory=SystemClock)

    @classmethod
    def of(cls, options: Options, clock: Clock) -> "StreamLimits":
        return cls(bytes_max=options.stream_bytes_max, bytes_per_s=options.stream_bytes_per_s, clock=clock)


class ResponseStream:
    """A response on its way: the runtime writes it (`feed`), the caller reads `outcome.chunks`, which is this object.

    The chunks end when the body has ended and `finish` was called, so that the environment can add the log's tail
    before; those of a body that was too large end at the limit, unless `waits_for_log`. A caller that stops reading
    (`aclose`) does not stop the function: what it still writes is thrown away."""

    def __init__(self, exchange: Exchange, content_type: str, stream_limits: StreamLimits) -> None:
        self._exchange = exchange
        self._limits = stream_limits
        self._size_bytes = 0
        self._pieces: deque[bytes] = deque()
        self._buffered_bytes = 0
        self._changed = asyncio.Event()
        self._body_ended = False
        self._finished = False
        self._too_large = False
        self._abandoned = False
        self._held = False
        self._read_bytes = 0
        self._capped_from_s = 0.0
        self.waits_for_log = False
        self.outcome = Streamed(chunks=self, content_type=content_type)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    # the runtime's side

    def feed(self, data: bytes) -> None:
        left_bytes = self._limits.bytes_max - self._size_bytes
        self._size_bytes += len(data)
        if self._abandoned or self.outcome.error is not None:
            return
        if len(data) > left_bytes:
            message = f"Response payload size exceeded maximum allowed payload size ({self._limits.bytes_max} bytes)."
            self.outcome.error = ("Function.ResponseSizeTooLarge", message)
            self._too_large = True
            data = data[:left_bytes]
        if data:
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
            self.outcome.error = self.outcome.error or error
            self._body_ended = True
        self._finished = True
        self._changed.set()

    # the caller's side

    def __aiter__(self) -> "ResponseStream":
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._is_over:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        if self._limits.bytes_per_s > 0:
            await self._wait_turn()
        piece = self._pieces.popleft()
        self._read_bytes += len(piece)
        self._buffered_bytes -= len(piece)
        self._let_go()
        return piece

    async def aclose(self) -> None:
        """Nobody reads any more."""
        self._abandoned = True
        self._pieces.clear()
        self._buffered_bytes = 0
        self._let_go()

    @property
    def _is_over(self) -> bool:
        if self._abandoned or (self._too_large and not self.waits_for_log):
            return True
        return self._body_ended and self._finished

    async def _wait_turn(self) -> None:
        """Sees to it that no more is read than the bandwidth allows; what waits here holds the runtime back."""
        capped_bytes = self._read_bytes - self._limits.burst_bytes
        if capped_bytes < 0:
            return
        clock = self._limits.clock
        if self._capped_from_s == 0.0:
            self._capped_from_s = clock.monotonic()
        due_s = self._capped_from_s + capped_bytes / self._limits.bytes_per_s
        wait_s = due_s - clock.monotonic()
        if wait_s > 0:
            await clock.sleep(wait_s)

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
