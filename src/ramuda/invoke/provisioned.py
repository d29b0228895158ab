"""Provisioned concurrency: environments that are started ahead of invocations, and kept.

Each provisioned version has a pool. What is missing in it is started in the background, Init included, a few at a
time; what dies or grows old is replaced, an old one before it goes. When Init fails before the pool was ever complete,
the pool has failed, as on AWS, and stays so until it is asked for anew. A later failure is tried again, after longer
and longer waits.

https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"""

import asyncio
import logging
from collections.abc import Sequence

from ramuda.invoke import decide
from ramuda.invoke.concurrency import Concurrency
from ramuda.invoke.options import Options
from ramuda.invoke.placement import Placement
from ramuda.invoke.pools import INIT_FAILURE, ProvisionedPool
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.function import Invocation, Throttled
from ramuda.kernel.ports.invoker import Provision, Provisioned
from ramuda.runtime.environment import Environment
from ramuda.runtime.states import Initialization

log = logging.getLogger("ramuda.invoke")

SWEEP_S = 1.0
SHORT_LIFE_S = 10.0
"""One that died younger is not replaced at once: its successor may die as fast."""
RENEW_AHEAD_S = 60.0
"""So long before its life ends, an environment gets a successor (a tenth of its life at most)."""


class ProvisionedConcurrency:
    """`set` says what there shall be; `pool_for` is where an invocation may run."""

    def __init__(
        self, placement: Placement, concurrency: Concurrency, clock: Clock, options: Options, lifetime_s: float
    ) -> None:
        self.pools: dict[str, ProvisionedPool] = {}
        self._placement = placement
        self._concurrency = concurrency
        self._clock = clock
        self._options = options
        self._renew_at_s = lifetime_s - min(RENEW_AHEAD_S, lifetime_s / 10)
        self._sweeper: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    def start(self) -> None:
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def stop(self) -> None:
        """Starts nothing more. The environments are placement's to close."""
        self._is_stopped = True
        tasks = list(self._tasks) + ([self._sweeper] if self._sweeper is not None else [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def set(self, function_arn: str, wanted: Sequence[Provision]) -> None:
        """As `ports.Invoker.provision`."""
        asked = {provision.function.arn: provision for provision in wanted}
        for arn in [arn for arn in self.pools if arn.startswith(f"{function_arn}:")]:
            pool, provision = self.pools[arn], asked.get(arn)
            same = provision is not None and (provision.function.revision_id, provision.qualifier) == (
                pool.revision_id,
                pool.qualifier,
            )
            if not same:
                self._retire(self.pools.pop(arn))
        for arn, provision in asked.items():
            pool = self.pools.get(arn) or ProvisionedPool(provision.function, provision.qualifier, self._changed)
            self.pools[arn] = pool
            self._resize(pool, provision.environments)

    def of_function(self, function_arn: str) -> list[Provisioned]:
        """As `ports.Invoker.provisioned`."""
        return [
            Provisioned(
                qualifier=pool.qualifier,
                version=pool.function.version,
                wanted=pool.wanted,
                allocated=pool.allocated,
                available=pool.available,
                is_complete=pool.is_complete,
                failure=pool.failure,
            )
            for arn, pool in self.pools.items()
            if arn.startswith(f"{function_arn}:")
        ]

    def pool_for(self, invocation: Invocation) -> ProvisionedPool | None:
        pool = self.pools.get(invocation.function.arn)
        return pool if pool is not None and pool.serves(invocation) else None

    def _resize(self, pool: ProvisionedPool, wanted: int) -> None:
        was_enough = pool.is_complete and wanted <= pool.wanted
        pool.wanted = wanted
        pool.failure, pool.failures, pool.again_at_s = None, 0, 0.0
        pool.is_complete = was_enough or len(pool.ready) >= wanted
        self._trim(pool)
        self._changed(pool, None)

    def _retire(self, pool: ProvisionedPool) -> None:
        self._placement.retire_pool(pool)
        if pool.filling is not None:
            pool.filling.cancel()
        pool.wanted = 0
        self._changed(pool, None)

    def _changed(self, pool: ProvisionedPool, lost: Environment | None) -> None:
        """Tells `concurrency` what the pool takes now, and starts what is missing."""
        claimed = pool.allocated
        if claimed != pool.claimed:
            self._concurrency.allocate(pool.function.ref, claimed - pool.claimed)
            pool.claimed = claimed
        now_s = self._clock.monotonic()
        if lost is not None and now_s - lost.born_s < SHORT_LIFE_S:
            pool.again_at_s = now_s + self._options.provision_again_s
        self._tend(pool, now_s)

    # Filling

    async def _sweep_forever(self) -> None:
        while True:
            await self._clock.sleep(SWEEP_S)
            now_s = self._clock.monotonic()
            for pool in list(self.pools.values()):
                self._trim(pool)
                self._tend(pool, now_s)

    def _tend(self, pool: ProvisionedPool, now_s: float) -> None:
        is_due = pool.filling is None and pool.failure is None and now_s >= pool.again_at_s
        if self._is_stopped or pool.is_retired or not is_due or self._missing(pool, now_s) <= 0:
            return
        pool.filling = asyncio.get_running_loop().create_task(self._fill(pool), name=f"provision {pool.function.arn}")
        self._tasks.add(pool.filling)
        pool.filling.add_done_callback(self._tasks.discard)

    def _missing(self, pool: ProvisionedPool, now_s: float) -> int:
        """How many to start: for each that will soon be too old as well."""
        young = sum(now_s - environment.born_s < self._renew_at_s for environment in pool.ready)
        return pool.wanted - young

    async def _fill(self, pool: ProvisionedPool) -> None:
        try:
            while (missing := self._missing(pool, self._clock.monotonic())) > 0 and not pool.is_retired:
                async with asyncio.TaskGroup() as group:
                    together = range(min(missing, self._options.provision_together))
                    starts = [group.create_task(self._start(pool)) for _ in together]
                failures = [failure for start in starts if (failure := start.result())]
                if failures:
                    self._failed(pool, failures[0])
                    return
                pool.failures = 0
                self._trim(pool)
                if pool.again_at_s > self._clock.monotonic():
                    return  # what was started ended at once
        except Exception as e:  # boundary: one pool
            log.exception("provision.broken function=%s", pool.function.arn)
            self._failed(pool, str(e))
        finally:
            pool.filling = None

    async def _start(self, pool: ProvisionedPool) -> str | None:
        """Starts one environment; why not, if not."""
        environment: Environment | None = None
        try:
            environment = await self._placement.open(pool.function, pool, Initialization.PROVISIONED)
            failure = await environment.initialize()
        except (PortError, Throttled) as e:
            log.warning("provision.failed function=%s error=%s", pool.function.arn, e)
            if environment is not None:
                self._placement.close(pool, environment)
            return str(e)
        except BaseException:
            if environment is not None:
                self._placement.close(pool, environment)
            raise
        if failure is not None:
            self._placement.close(pool, environment)
            return INIT_FAILURE
        environment.idle_since_s = self._clock.monotonic()
        pool.join(environment)
        self._placement.free(pool, environment)
        return None

    def _failed(self, pool: ProvisionedPool, failure: str) -> None:
        if failure == INIT_FAILURE and not pool.is_complete:
            log.warning("provision.init_failed function=%s", pool.function.arn)
            pool.failure = failure
            for environment in list(pool.idle):
                self._placement.close(pool, environment)
            return
        options = self._options
        wait_s = decide.back_off_s(options.provision_again_s, pool.failures, options.provision_again_max_s)
        pool.failures += 1
        pool.again_at_s = self._clock.monotonic() + wait_s

    def _trim(self, pool: ProvisionedPool) -> None:
        """Ends the oldest without work while there are too many."""
        for environment in sorted(pool.idle, key=lambda environment: environment.born_s):
            if len(pool.ready) <= pool.wanted:
                return
            self._placement.close(pool, environment)
