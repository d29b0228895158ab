"""A clock that stands still until it is moved."""

import asyncio
import heapq
from itertools import count


class ManualClock:
    """Implements `kernel.clock.Clock`. `advance` wakes every sleeper whose time has come, in order."""

    def __init__(self, start_s: float = 1_700_000_000.0) -> None:
        self._now_s = start_s
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def time(self) -> float:
        return self._now_s

    def monotonic(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_s + seconds, next(self._order), wake))
        await wake

    async def advance(self, seconds: float) -> None:
        """Moves time on, and lets whoever wakes run before the next one does."""
        until_s = self._now_s + seconds
        await asyncio.sleep(0)
        while self._sleepers and self._sleepers[0][0] <= until_s:
            self._now_s, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                wake.set_result(None)
            for _ in range(5):
                await asyncio.sleep(0)
        self._now_s = until_s
