"""Freezes environments that have been without work for a moment. One sleeper serves all of them."""

import asyncio
from collections import deque

from ramuda.kernel.clock import Clock
from ramuda.runtime.environment import Environment
from ramuda.runtime.states import State


class Freezer:
    """`after_s` as in `runtime.Options.freeze_after_s`."""

    def __init__(self, after_s: float, clock: Clock) -> None:
        self._after_s = after_s
        self._clock = clock
        self._waiting: deque[tuple[float, Environment]] = deque()
        self._sleeper: asyncio.Task[None] | None = None

    def later(self, environment: Environment) -> None:
        """Freezes it unless it has work meanwhile."""
        self._waiting.append((environment.idle_since_s, environment))
        if self._sleeper is None:
            self._sleeper = asyncio.get_running_loop().create_task(self._freeze(), name="freezer")

    def stop(self) -> None:
        if self._sleeper is not None:
            self._sleeper.cancel()

    async def _freeze(self) -> None:
        try:
            while self._waiting:
                since_s, environment = self._waiting[0]
                wait_s = since_s + self._after_s - self._clock.monotonic()
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                    continue
                self._waiting.popleft()
                if environment.state is State.IDLE and environment.idle_since_s == since_s:
                    environment.pause()
        finally:
            self._sleeper = None
