"""Events that wait for an environment which has answered and will ask for its next event in a moment. One sleeper ends
the patience of all of them: a timer for each would cost a warm invocation several microseconds."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from ramuda.invoke.pools import Pool
from ramuda.kernel.clock import Clock
from ramuda.runtime.environment import Environment

Waiter: TypeAlias = asyncio.Future[Environment | None]


class Patience:
    """For waits of `patience_s`. `give_back` takes an environment that was given to somebody who had just stopped
    waiting."""

    def __init__(self, patience_s: float, clock: Clock, give_back: Callable[[Pool, Environment], None]) -> None:
        self._patience_s = patience_s
        self._clock = clock
        self._give_back = give_back
        self._waiting: deque[tuple[float, Waiter]] = deque()
        self._sleeper: asyncio.Task[None] | None = None

    async def wait(self, pool: Pool) -> Environment | None:
        """The environment of the pool that was free first; None when none was in time."""
        loop = asyncio.get_running_loop()
        waiter: Waiter = loop.create_future()
        pool.waiters.append(waiter)
        self._waiting.append((self._clock.monotonic() + self._patience_s, waiter))
        if self._sleeper is None:
            self._sleeper = loop.create_task(self._end_waits(), name="patience")
        try:
            return await waiter
        except asyncio.CancelledError:
            environment = waiter.result() if waiter.done() and not waiter.cancelled() else None
            if environment is not None:
                self._give_back(pool, environment)
            raise
        finally:
            if waiter in pool.waiters:
                pool.waiters.remove(waiter)

    def stop(self) -> None:
        """Whoever waits, waits no longer."""
        if self._sleeper is not None:
            self._sleeper.cancel()
        while self._waiting:
            _give_up(self._waiting.popleft()[1])

    async def _end_waits(self) -> None:
        try:
            while self._waiting:
                until_s, waiter = self._waiting[0]
                wait_s = until_s - self._clock.monotonic()
                if wait_s > 0 and not waiter.done():
                    await self._clock.sleep(wait_s)
                    continue
                self._waiting.popleft()
                _give_up(waiter)
        finally:
            self._sleeper = None


def _give_up(waiter: Waiter) -> None:
    if not waiter.done():
        waiter.set_result(None)
