"""Which environment runs an invocation: an idle one of the same function revision, else one about to be idle, else a
new one.

Placement owns every environment: it freezes those without work, shuts down those without work for long, too old, or
of a revision that is no more, and makes room when there are too many. Those of provisioned concurrency it opens and
closes for `provisioned`, which says how many there are; they neither idle out nor make room."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ramuda.invoke.freezer import Freezer
from ramuda.invoke.patience import Patience
from ramuda.invoke.pools import Pool, ProvisionedPool
from ramuda.kernel.clock import Clock
from ramuda.kernel.function import FunctionSnapshot, Throttled
from ramuda.runtime.environment import Environment, Observer
from ramuda.runtime.options import Options
from ramuda.runtime.progress import Conclusion
from ramuda.runtime.states import Initialization

FINISHING_WAIT_S = 0.05
"""How long an event waits for an environment that has answered and will ask for the next event in a moment."""
PROVISIONED_WAIT_S = 0.5
"""The same where the wait saves a cold start, which those pay for who provision."""
SWEEP_S = 1.0


class OpenEnvironment(Protocol):
    """`runtime.birth.EnvironmentFactory.open`."""

    async def __call__(
        self, function: FunctionSnapshot, observer: Observer, initialization: Initialization = Initialization.ON_DEMAND
    ) -> Environment: ...


class Placement:
    """`acquire` gives an environment for one invocation. It comes back by itself when the runtime is ready again."""

    def __init__(
        self, open_environment: OpenEnvironment, concluded: Callable[[Conclusion], None], options: Options, clock: Clock
    ) -> None:
        self._open = open_environment
        self._concluded = concluded
        self._options = options
        self._clock = clock
        self._freezer = Freezer(options.freeze_after_s, clock)
        self._patience = Patience(FINISHING_WAIT_S, clock, self.free)
        self._provisioned_patience = Patience(PROVISIONED_WAIT_S, clock, self.free)
        self._pools: dict[str, Pool] = {}
        self._pool_of: dict[Environment, Pool] = {}
        self._count = 0
        self._sweeper: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def stop(self) -> None:
        """Closes every environment; invocations under way fail."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._freezer.stop()
        self._patience.stop()
        self._provisioned_patience.stop()
        self._pools.clear()
        await asyncio.gather(*(environment.close() for environment in self._pool_of), *self._closing)

    def count(self) -> int:
        """Environments alive, those being made included."""
        return self._count

    async def acquire(self, function: FunctionSnapshot, may_make: Callable[[], None]) -> Environment:
        """Raises PortError when no environment can be made, Throttled when there are too many, and whatever `may_make`
        raises when one would have to be made."""
        pool = self._pool(function)
        return await self.find(pool) or await self._make(function, pool, may_make)

    async def find(self, pool: Pool) -> Environment | None:
        """One of the pool that is without work, or will be in a moment."""
        while pool.idle:
            environment = pool.idle.pop()
            if environment.is_idle:
                return environment
        if len(pool.waiters) < len(pool.finishing):
            is_provisioned = isinstance(pool, ProvisionedPool)
            return await (self._provisioned_patience if is_provisioned else self._patience).wait(pool)
        return None

    def retire(self, function_arn: str) -> None:
        """No new work for the function's environments of today's revisions; `function_arn` is unqualified. Those of
        provisioned concurrency stay: their revisions do not change."""
        prefix = f"{function_arn}:"
        for arn in [arn for arn in self._pools if arn.startswith(prefix)]:
            self.retire_pool(self._pools.pop(arn))

    # What `provisioned` asks for as well

    async def open(
        self, function: FunctionSnapshot, pool: Pool, initialization: Initialization = Initialization.ON_DEMAND
    ) -> Environment:
        """A cold environment in the pool. Raises as `acquire`."""
        if self._count >= self._options.environments_max and not self._make_room():
            raise Throttled("ConcurrentInvocationLimitExceeded")
        self._count += 1
        pool.being_made += 1
        observer = Observer(
            answered=lambda environment: pool.finishing.add(environment),
            idle=lambda environment: self.free(pool, environment),
            lost=lambda environment: self.close(pool, environment),
            concluded=self._concluded,
        )
        try:
            environment = await self._open(function, observer, initialization)
        except BaseException:
            self._count -= 1
            raise
        finally:
            pool.being_made -= 1
        pool.all.add(environment)
        self._pool_of[environment] = pool
        return environment

    def free(self, pool: Pool, environment: Environment) -> None:
        """It is without work: somebody waits for it, or it waits for somebody, or it is of no use any more."""
        pool.finishing.discard(environment)
        is_old = self._clock.monotonic() - environment.born_s > self._options.lifetime_s
        if is_old or not pool.keeps(environment):
            self.close(pool, environment)
            return
        while pool.waiters:
            waiter = pool.waiters.popleft()
            if not waiter.done():
                waiter.set_result(environment)
                return
        pool.idle.append(environment)
        self._freezer.later(environment)

    def close(self, pool: Pool, environment: Environment) -> None:
        """Ends it in the background; once."""
        if environment not in pool.all:
            return
        del self._pool_of[environment]
        self._count -= 1
        task = asyncio.get_running_loop().create_task(environment.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        pool.left(environment)

    def discard(self, environment: Environment) -> None:
        """An acquired environment turned out to be unusable."""
        pool = self._pool_of.get(environment)
        if pool is not None:
            self.close(pool, environment)

    def retire_pool(self, pool: Pool) -> None:
        """Its environments end when they are without work."""
        pool.is_retired = True
        for environment in list(pool.idle):
            self.close(pool, environment)

    # Pools

    def _pool(self, function: FunctionSnapshot) -> Pool:
        arn = function.arn
        pool = self._pools.get(arn)
        if pool is not None and pool.revision_id == function.revision_id:
            return pool
        if pool is not None:
            self.retire_pool(pool)
        pool = self._pools[arn] = Pool(function.revision_id)
        return pool

    async def _make(self, function: FunctionSnapshot, pool: Pool, may_make: Callable[[], None]) -> Environment:
        may_make()
        return await self.open(function, pool)

    async def _sweep_forever(self) -> None:
        while True:
            await self._clock.sleep(SWEEP_S)
            self._sweep(self._clock.monotonic())

    def _sweep(self, now_s: float) -> None:
        for arn, pool in list(self._pools.items()):
            for environment in [e for e in pool.idle if self._is_over(e, now_s)]:
                self.close(pool, environment)
            if pool.is_empty:
                del self._pools[arn]

    def _is_over(self, environment: Environment, now_s: float) -> bool:
        return (
            now_s - environment.idle_since_s > self._options.idle_s
            or now_s - environment.born_s > self._options.lifetime_s
        )

    def _make_room(self) -> bool:
        """Closes the environment that was idle longest, if any is idle. Not one of provisioned concurrency."""
        idle = [
            (environment.idle_since_s, pool, environment) for pool in self._pools.values() for environment in pool.idle
        ]
        if not idle:
            return False
        _, pool, environment = min(idle, key=lambda entry: entry[0])
        self.close(pool, environment)
        return True
