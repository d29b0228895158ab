"""Which environment runs an invocation: an idle one of the same function revision, else one about to be idle, else a
new one.

Placement owns every environment: it freezes those without work, shuts down those without work for long, too old, or
of a revision that is no more, and makes room when there are too many."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ramuda.kernel.clock import Clock
from ramuda.kernel.function import FunctionSnapshot
from ramuda.runtime.environment import Environment, Observer
from ramuda.runtime.options import Options
from ramuda.runtime.progress import Conclusion
from ramuda.runtime.states import State

FINISHING_WAIT_S = 0.05
"""How long an event waits for an environment that has answered and will ask for the next event in a moment."""
SWEEP_S = 1.0

OpenEnvironment = Callable[[FunctionSnapshot, Observer], Awaitable[Environment]]


class _Pool:
    """The environments of one function version in one revision."""

    def __init__(self, revision_id: str) -> None:
        self.revision_id = revision_id
        self.all: set[Environment] = set()
        self.idle: list[Environment] = []
        self.finishing: set[Environment] = set()
        self.waiters: deque[asyncio.Future[Environment]] = deque()
        self.being_made = 0
        self.is_retired = False

    @property
    def is_empty(self) -> bool:
        return not self.all and not self.waiters and not self.being_made


class Placement:
    """`acquire` gives an environment for one invocation. It comes back by itself when the runtime is ready again."""

    def __init__(
        self, open_environment: OpenEnvironment, concluded: Callable[[Conclusion], None], options: Options, clock: Clock
    ) -> None:
        self._open = open_environment
        self._concluded = concluded
        self._options = options
        self._clock = clock
        self._pools: dict[str, _Pool] = {}
        self._pool_of: dict[Environment, _Pool] = {}
        self._count = 0
        self._unfrozen: deque[tuple[float, Environment]] = deque()
        self._freeze_timer: asyncio.TimerHandle | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def stop(self) -> None:
        """Closes every environment; invocations under way fail."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._freeze_timer is not None:
            self._freeze_timer.cancel()
        self._pools.clear()
        await asyncio.gather(*(environment.close() for environment in self._pool_of), *self._closing)

    def count(self) -> int:
        """Environments alive, those being made included."""
        return self._count

    async def acquire(self, function: FunctionSnapshot) -> Environment:
        """Raises PortError when no environment can be made."""
        pool = self._pool(function)
        while pool.idle:
            environment = pool.idle.pop()
            if environment.is_idle:
                return environment
        if len(pool.waiters) < len(pool.finishing):
            freed = await self._wait_finishing(pool)
            if freed is not None:
                return freed
        return await self._make(function, pool)

    def retire(self, function_arn: str) -> None:
        """No new work for the function's environments of today's revisions; `function_arn` is unqualified."""
        prefix = f"{function_arn}:"
        for arn in [arn for arn in self._pools if arn.startswith(prefix)]:
            self._retire(self._pools.pop(arn))

    # Pools

    def _pool(self, function: FunctionSnapshot) -> _Pool:
        arn = function.arn
        pool = self._pools.get(arn)
        if pool is not None and pool.revision_id == function.revision_id:
            return pool
        if pool is not None:
            self._retire(pool)
        pool = self._pools[arn] = _Pool(function.revision_id)
        return pool

    def _retire(self, pool: _Pool) -> None:
        pool.is_retired = True
        for environment in pool.idle:
            self._close(pool, environment)
        pool.idle.clear()

    async def _wait_finishing(self, pool: _Pool) -> Environment | None:
        waiter: asyncio.Future[Environment] = asyncio.get_running_loop().create_future()
        pool.waiters.append(waiter)
        try:
            async with asyncio.timeout(FINISHING_WAIT_S):
                return await waiter
        except TimeoutError:
            # It may have been given one in the very moment its patience ended.
            return waiter.result() if waiter.done() and not waiter.cancelled() else None
        finally:
            if waiter in pool.waiters:
                pool.waiters.remove(waiter)

    async def _make(self, function: FunctionSnapshot, pool: _Pool) -> Environment:
        if self._count >= self._options.environments_max:
            self._make_room()
        self._count += 1
        pool.being_made += 1
        observer = Observer(
            answered=lambda environment: pool.finishing.add(environment),
            idle=lambda environment: self._on_idle(pool, environment),
            lost=lambda environment: self._close(pool, environment),
            concluded=self._concluded,
        )
        try:
            environment = await self._open(function, observer)
        except BaseException:
            self._count -= 1
            raise
        finally:
            pool.being_made -= 1
        pool.all.add(environment)
        self._pool_of[environment] = pool
        return environment

    def discard(self, environment: Environment) -> None:
        """An acquired environment turned out to be unusable."""
        pool = self._pool_of.get(environment)
        if pool is not None:
            self._close(pool, environment)

    def _on_idle(self, pool: _Pool, environment: Environment) -> None:
        pool.finishing.discard(environment)
        if pool.is_retired or self._clock.monotonic() - environment.born_s > self._options.lifetime_s:
            self._close(pool, environment)
            return
        while pool.waiters:
            waiter = pool.waiters.popleft()
            if not waiter.done():
                waiter.set_result(environment)
                return
        pool.idle.append(environment)
        self._freeze_later(environment)

    def _close(self, pool: _Pool, environment: Environment) -> None:
        if environment not in pool.all:
            return
        pool.all.discard(environment)
        pool.finishing.discard(environment)
        del self._pool_of[environment]
        self._count -= 1
        task = asyncio.get_running_loop().create_task(environment.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # What idle environments go through

    def _freeze_later(self, environment: Environment) -> None:
        self._unfrozen.append((environment.idle_since_s, environment))
        if self._freeze_timer is None:
            loop = asyncio.get_running_loop()
            self._freeze_timer = loop.call_later(self._options.freeze_after_s, self._freeze)

    def _freeze(self) -> None:
        """Freezes what has been idle long enough; one timer serves all."""
        self._freeze_timer = None
        due_s = self._clock.monotonic() - self._options.freeze_after_s
        while self._unfrozen and self._unfrozen[0][0] <= due_s:
            since_s, environment = self._unfrozen.popleft()
            if environment.state is State.IDLE and environment.idle_since_s == since_s:
                environment.pause()
        if self._unfrozen:
            wait_s = max(self._unfrozen[0][0] - due_s, 0.001)
            self._freeze_timer = asyncio.get_running_loop().call_later(wait_s, self._freeze)

    async def _sweep_forever(self) -> None:
        while True:
            await self._clock.sleep(SWEEP_S)
            self._sweep(self._clock.monotonic())

    def _sweep(self, now_s: float) -> None:
        for arn, pool in list(self._pools.items()):
            for environment in [e for e in pool.idle if self._is_over(e, now_s)]:
                pool.idle.remove(environment)
                self._close(pool, environment)
            if pool.is_empty:
                del self._pools[arn]

    def _is_over(self, environment: Environment, now_s: float) -> bool:
        return (
            now_s - environment.idle_since_s > self._options.idle_s
            or now_s - environment.born_s > self._options.lifetime_s
        )

    def _make_room(self) -> None:
        """Closes the environment that was idle longest."""
        idle = [
            (environment.idle_since_s, pool, environment) for pool in self._pools.values() for environment in pool.idle
        ]
        if idle:
            _, pool, environment = min(idle, key=lambda entry: entry[0])
            pool.idle.remove(environment)
            self._close(pool, environment)
