"""The environments of one function version in one revision: those that come with demand, and those provisioned."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from ramuda.invoke.rates import Rate
from ramuda.kernel.function import FunctionSnapshot, Invocation
from ramuda.runtime.environment import Environment
from ramuda.runtime.states import State

INIT_FAILURE = "FUNCTION_ERROR_INIT_FAILURE"  # recorded: StatusReason


class Pool:
    """Environments made on demand. What leaves `all` is closed; `idle` is a stack, so that a few stay warm."""

    def __init__(self, revision_id: str) -> None:
        self.revision_id = revision_id
        self.all: set[Environment] = set()
        self.idle: list[Environment] = []
        self.finishing: set[Environment] = set()
        self.waiters: deque[asyncio.Future[Environment | None]] = deque()
        self.being_made = 0
        self.is_retired = False

    @property
    def is_empty(self) -> bool:
        return not self.all and not self.waiters and not self.being_made

    def keeps(self, environment: Environment) -> bool:
        """Whether an environment of the pool that is without work stays."""
        return not self.is_retired

    def left(self, environment: Environment) -> None:
        """It is closed now."""
        self.all.discard(environment)
        self.finishing.discard(environment)
        if environment in self.idle:
            self.idle.remove(environment)


class ProvisionedPool(Pool):
    """`wanted` environments that are started ahead and stay, for those who invoke `function` through `qualifier`, an
    alias or the version itself.

    `ready` have done their Init. `join` and `left` tell `changed` of it, with the environment that left."""

    def __init__(self, function: FunctionSnapshot, qualifier: str, changed: "Changed") -> None:
        super().__init__(function.revision_id)
        self.function = function
        self.qualifier = qualifier
        self.wanted = 0
        self.ready: set[Environment] = set()
        self.running = 0
        self.requests = Rate()
        self.claimed = 0
        self.failure: str | None = None
        self.is_complete = False
        self.filling: asyncio.Task[None] | None = None
        self.failures = 0
        self.again_at_s = 0.0
        self._changed = changed

    @property
    def available(self) -> int:
        return min(len(self.ready), self.wanted)

    @property
    def allocated(self) -> int:
        """What is taken from the function's or the account's concurrency for it."""
        return self.wanted if self.is_complete and not self.is_retired else self.available

    def serves(self, invocation: Invocation) -> bool:
        """A configuration of an alias is for those who invoke through it, one of a version for all of that version."""
        return (
            self.qualifier in (invocation.qualifier, invocation.function.version)
            and self.revision_id == invocation.function.revision_id
        )

    def keeps(self, environment: Environment) -> bool:
        """One whose runtime is gone is replaced rather than started again within an invocation. When there are too
        many, the oldest goes."""
        if self.is_retired or self.failure is not None or environment.state is not State.IDLE:
            return False
        return len(self.ready) <= self.wanted or environment is not min(self.ready, key=lambda ready: ready.born_s)

    def join(self, environment: Environment) -> None:
        """It has done its Init."""
        self.ready.add(environment)
        self.is_complete = self.is_complete or len(self.ready) >= self.wanted
        self._changed(self, None)

    def left(self, environment: Environment) -> None:
        super().left(environment)
        if environment in self.ready:
            self.ready.discard(environment)
            self._changed(self, environment)


Changed: TypeAlias = Callable[[ProvisionedPool, Environment | None], None]
