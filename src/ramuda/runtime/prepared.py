"""Environments started before anyone asks.

Most of a cold start does not depend on whose code will run: sandbox, interpreter, runtime client. A few sandboxes
per runtime are kept ready; taking one makes another in the background. They are never shared: each becomes one
function's, once. How many are kept follows use: as many as were taken within the last minute, at least one, at most
`Options.prepared_max`, and none for a runtime that nobody used for `prepared_idle_s`."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable
from typing import Protocol

from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import RuntimeSpec, Sandbox, SandboxBackend
from ramuda.runtime.options import Options

log = logging.getLogger("ramuda.runtime")

USE_WINDOW_S = 60.0
REFILL_DELAY_S = 0.25
"""Refilling waits until nobody was given one for so long: on a small machine it would compete with the very starts that
took them."""
REFILL_TOGETHER = 2
SWEEP_S = 10.0


class Plumbing(Protocol):
    """What the platform serves inside a sandbox besides the Runtime API: its AWS endpoint, the way out, DNS."""

    async def attach(self, sandbox: Sandbox) -> "Attachment":
        """Serves the sandbox's other sockets."""
        ...


class Attachment(Protocol):
    """What is served inside one sandbox."""

    def shut_way_out(self) -> bool:
        """The function reaches the platform's endpoint and nothing else. False where that cannot be kept."""
        ...

    def stop(self) -> None:
        """Serves it no more."""
        ...


class Pool:
    """The prepared sandboxes of one runtime."""

    def __init__(self, spec: RuntimeSpec) -> None:
        self.spec = spec
        self.ready: deque[tuple[Sandbox, Attachment]] = deque()
        self.taken_s: deque[float] = deque()
        self.used_s = 0.0
        self.given_s = 0.0
        self.being_given = 0
        self.refill: asyncio.Task[None] | None = None
        self.failed = False

    def target(self, now_s: float, options: Options) -> int:
        """How many to keep."""
        while self.taken_s and self.taken_s[0] < now_s - USE_WINDOW_S:
            self.taken_s.popleft()
        if options.prepared_max == 0 or self.failed or now_s - self.used_s > options.prepared_idle_s:
            return 0
        is_image = self.spec.root is not None and not self.spec.argv
        least = 0 if is_image else 1  # a runtime serves many functions, a function's image only its own
        return min(max(len(self.taken_s), least), options.prepared_max)


class PreparedEnvironments:
    """`take` gives a sandbox, ready or made now; `notice` says that a runtime will be wanted."""

    def __init__(self, backend: SandboxBackend, plumbing: Plumbing, options: Options, clock: Clock) -> None:
        self._backend = backend
        self._plumbing = plumbing
        self._options = options
        self._clock = clock
        self._pools: dict[RuntimeSpec, Pool] = {}
        self._is_closed = False
        self._sweeper: asyncio.Task[None] | None = None

    def counts(self) -> dict[str, int]:
        """Ready sandboxes by runtime name."""
        return {pool.spec.name: len(pool.ready) for pool in self._pools.values()}

    def notice(self, spec: RuntimeSpec) -> None:
        """A function of this runtime was deployed or invoked."""
        self._pool(spec).used_s = self._clock.monotonic()
        self._refill(spec)

    async def take(self, spec: RuntimeSpec) -> tuple[Sandbox, Attachment]:
        """A sandbox ready for `assign`, and what is served in it. Raises PortError."""
        pool = self._pool(spec)
        pool.used_s = self._clock.monotonic()
        pool.taken_s.append(pool.used_s)
        pool.being_given += 1
        try:
            if pool.ready:
                return pool.ready.popleft()
            return await self._make(spec)
        finally:
            pool.being_given -= 1
            pool.given_s = self._clock.monotonic()
            self._refill(spec)

    async def start(self) -> None:
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def _sweep_forever(self) -> None:
        while True:
            await self._clock.sleep(SWEEP_S)
            await self._sweep(self._clock.monotonic())

    async def _sweep(self, now_s: float) -> None:
        """Ends what is kept beyond its target, and forgets runtimes (each image is one) that nobody uses."""
        for spec, pool in list(self._pools.items()):
            while len(pool.ready) > pool.target(now_s, self._options):
                await _dispose(*pool.ready.popleft())
            is_unused = pool.refill is None and not pool.being_given and not pool.ready
            if is_unused and now_s - pool.used_s > max(self._options.prepared_idle_s, USE_WINDOW_S):
                del self._pools[spec]

    async def close(self) -> None:
        self._is_closed = True
        tasks = [pool.refill for pool in self._pools.values() if pool.refill is not None]
        if self._sweeper is not None:
            tasks.append(self._sweeper)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        ready = [pair for pool in self._pools.values() for pair in pool.ready]
        self._pools.clear()
        await asyncio.gather(*(_dispose(*pair) for pair in ready))

    def _pool(self, spec: RuntimeSpec) -> Pool:
        pool = self._pools.get(spec)
        if pool is None:
            pool = self._pools[spec] = Pool(spec)
        return pool

    async def _make(self, spec: RuntimeSpec) -> tuple[Sandbox, Attachment]:
        sandbox = await self._backend.prepare(spec)
        self._pool(spec).failed = False
        try:
            return sandbox, await self._plumbing.attach(sandbox)
        except BaseException:
            await sandbox.kill()
            raise

    def _refill(self, spec: RuntimeSpec) -> None:
        pool = self._pools[spec]
        if not self._is_closed and self._options.prepared_max and pool.refill is None:
            pool.refill = asyncio.get_running_loop().create_task(self._keep_full(pool))

    async def _keep_full(self, pool: Pool) -> None:
        try:
            while True:
                quiet_s = self._clock.monotonic() - pool.given_s
                if pool.being_given or quiet_s < REFILL_DELAY_S:
                    await self._clock.sleep(max(REFILL_DELAY_S - quiet_s, REFILL_DELAY_S / 5))
                    continue
                missing = pool.target(self._clock.monotonic(), self._options) - len(pool.ready)
                if missing <= 0:
                    return
                makes: list[Awaitable[tuple[Sandbox, Attachment]]] = [
                    self._make(pool.spec) for _ in range(min(missing, REFILL_TOGETHER))
                ]
                made = await asyncio.gather(*makes, return_exceptions=True)
                pool.ready.extend(one for one in made if not isinstance(one, BaseException))
                for one in made:
                    if isinstance(one, BaseException):
                        raise one
        except PortError as e:
            pool.failed = (
                True  # whoever needs one gets the error itself; no point in trying again and again behind their back
            )
            log.warning("prepare.failed runtime=%s error=%s", pool.spec.name, e)
        finally:
            pool.refill = None


async def _dispose(sandbox: Sandbox, attachment: Attachment) -> None:
    attachment.stop()
    await sandbox.kill()
