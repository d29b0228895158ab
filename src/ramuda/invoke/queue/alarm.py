"""One timer for many: rings at the earliest instant that anybody asked for."""

import asyncio
from collections.abc import Callable

from ramuda.kernel.clock import Clock


class Alarm:
    """Owns one sleeper at most. Instants are seconds since the epoch; after it rang, whoever still waits asks again."""

    def __init__(self, clock: Clock, ring: Callable[[], None], name: str) -> None:
        self._clock = clock
        self._ring = ring
        self._name = name
        self._at_s = float("inf")
        self._sleeper: asyncio.Task[None] | None = None
        self._is_stopped = False

    def at(self, at_s: float) -> None:
        """Rings then, if nobody asked for an earlier instant."""
        if at_s >= self._at_s or self._is_stopped:
            return
        if self._sleeper is not None:
            self._sleeper.cancel()
        self._at_s = at_s
        self._sleeper = asyncio.get_running_loop().create_task(self._sleep(at_s), name=self._name)

    async def stop(self) -> None:
        self._is_stopped = True
        if self._sleeper is not None:
            self._sleeper.cancel()
            await asyncio.gather(self._sleeper, return_exceptions=True)

    async def _sleep(self, at_s: float) -> None:
        await self._clock.sleep(max(0.0, at_s - self._clock.time()))
        self._at_s, self._sleeper = float("inf"), None
        self._ring()
