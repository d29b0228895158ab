"""A request body that is read while it arrives."""

import asyncio
from collections import deque
from collections.abc import Callable

from ramuda.kernel.errors import RamudaError

HIGH_WATER_BYTES = 256 * 1024
"""Unread bytes at which the connection stops reading from the network."""


class IncompleteBodyError(RamudaError):
    """The client went away, or stopped sending, in the middle of a request body."""


class BodyStream:
    """The pieces of one body, for one reader. Iterating raises IncompleteBodyError when the body will not become whole.

    `pause` and `resume` stop and restart reading from the network, so that at most `HIGH_WATER_BYTES` and one read wait
    here.
    """

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause, self._resume = pause, resume
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._failed = False
        self.ended = False
        """Whether the last piece has arrived (it may not have been read yet)."""

    def feed(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes > HIGH_WATER_BYTES:
            self._pause()
        self._wake()

    def finish(self) -> None:
        self.ended = True
        self._wake()

    def fail(self) -> None:
        """The rest will not come. Has no effect on a body that has ended."""
        self._failed = not self.ended
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> "BodyStream":
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._failed:
                raise IncompleteBodyError("the request body ended before it was whole")
            if self.ended:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        piece = self._pieces.popleft()
        self._waiting_bytes -= len(piece)
        if self._waiting_bytes <= HIGH_WATER_BYTES:
            self._resume()
        return piece
