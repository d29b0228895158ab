"""The safety wrapper around every backend: calls in order, clean-up always.

A call out of the order that `kernel.ports.sandbox` lays down raises InternalError and changes nothing. A sandbox
whose `assign` or `start` fails, or is cancelled, is killed. `kill` runs once however often and however early it is
called, is not undone by the caller's cancellation, and takes no longer than KILL_LIMIT_S. A backend therefore need
not repeat these checks.
"""

import asyncio
import socket
from collections.abc import Awaitable
from enum import Enum

from ramuda.kernel.errors import InternalError, PortError
from ramuda.kernel.ports.sandbox import (
    Assignment,
    Exit,
    Origin,
    Program,
    RuntimeSpec,
    Sandbox,
    SandboxBackend,
    Sockets,
    Usage,
)

KILL_LIMIT_S = 15.0
"""Beyond this something in the kernel hangs (a dead disk below /tmp); the caller is not held up any longer."""


class State(Enum):
    PREPARED = "prepared"
    ASSIGNED = "assigned"
    STARTED = "started"
    PAUSED = "paused"
    KILLED = "killed"


def guarded(backend: SandboxBackend) -> SandboxBackend:
    """The same backend, made safe."""
    return _GuardedBackend(backend)


class _GuardedBackend:
    def __init__(self, backend: SandboxBackend) -> None:
        self._backend = backend
        self._alive: set[_GuardedSandbox] = set()
        self._is_closed = False

    @property
    def name(self) -> str:
        return self._backend.name

    async def prepare(self, runtime: RuntimeSpec) -> Sandbox:
        if self._is_closed:
            raise InternalError("prepare after close")
        sandbox = _GuardedSandbox(await self._backend.prepare(runtime), self._alive)
        if self._is_closed:
            await sandbox.kill()
            raise PortError("the sandbox backend was closed meanwhile")
        return sandbox

    async def prepare_origin(self, runtime: RuntimeSpec) -> Origin:
        if self._is_closed:
            raise InternalError("prepare_origin after close")
        origin = _GuardedOrigin(await self._backend.prepare_origin(runtime), self._alive)
        if self._is_closed:
            await origin.kill()
            raise PortError("the sandbox backend was closed meanwhile")
        return origin

    async def close(self) -> None:
        self._is_closed = True
        await asyncio.gather(*(sandbox.kill() for sandbox in list(self._alive)), return_exceptions=True)
        await self._backend.close()


class _GuardedSandbox:
    def __init__(self, inner: Sandbox, alive: "set[_GuardedSandbox]") -> None:
        self._inner = inner
        self._state = State.PREPARED
        self._busy: str | None = None
        self._killing: asyncio.Task[None] | None = None
        self._alive = alive
        alive.add(self)

    @property
    def id(self) -> str:
        return self._inner.id

    @property
    def sockets(self) -> Sockets:
        return self._inner.sockets

    @property
    def output(self) -> int:
        return self._inner.output

    @property
    def frames(self) -> int | None:
        return self._inner.frames

    async def assign(self, assignment: Assignment) -> None:
        self._require("assign", State.PREPARED)
        self._busy = "assign"
        try:
            await self._inner.assign(assignment)
        except BaseException:
            await self.kill()
            raise
        finally:
            self._busy = None
        self._become(State.ASSIGNED)

    async def start(self) -> None:
        self._require("start", State.ASSIGNED)
        self._busy = "start"
        try:
            await self._inner.start()
        except BaseException:
            await self.kill()
            raise
        finally:
            self._busy = None
        self._become(State.STARTED)

    def limit_cpu(self) -> None:
        self._require("limit_cpu", State.STARTED, State.PAUSED)
        self._inner.limit_cpu()

    def pause(self) -> None:
        self._require("pause", State.STARTED)
        self._inner.pause()
        self._state = State.PAUSED

    def resume(self) -> None:
        self._require("resume", State.PAUSED)
        self._inner.resume()
        self._state = State.STARTED

    async def wait(self) -> Exit:
        if self._state is State.PREPARED:
            raise InternalError(f"wait for sandbox {self.id}, which has no function yet")
        return await self._inner.wait()

    async def start_beside(self, program: Program) -> Awaitable[Exit]:
        self._require("start_beside", State.ASSIGNED, State.STARTED)
        return await self._inner.start_beside(program)

    def signal_runtime(self, number: int) -> None:
        self._require("signal_runtime", State.STARTED, State.PAUSED)
        self._inner.signal_runtime(number)

    async def socket(self) -> socket.socket:
        self._require("socket", State.ASSIGNED, State.STARTED, State.PAUSED)
        return await self._inner.socket()

    async def reset(self, grace_s: float = 0.0) -> Exit:
        self._require("reset", State.ASSIGNED, State.STARTED, State.PAUSED)
        if self._state is State.PAUSED:
            self.resume()
        self._busy = "reset"
        try:
            result = await self._inner.reset(grace_s)
        except BaseException:
            await self.kill()
            raise
        finally:
            self._busy = None
        self._become(State.ASSIGNED)
        return result

    async def kill(self) -> None:
        if self._killing is None:
            self._state = State.KILLED
            self._killing = asyncio.create_task(self._kill_once())
        await asyncio.shield(self._killing)

    def usage(self) -> Usage:
        return self._inner.usage()

    async def _kill_once(self) -> None:
        try:
            async with asyncio.timeout(KILL_LIMIT_S):
                await self._inner.kill()
        except TimeoutError:
            raise PortError(f"sandbox {self.id} did not end within {KILL_LIMIT_S:g} s") from None
        finally:
            self._alive.discard(self)

    def _become(self, state: State) -> None:
        if self._state is State.KILLED:
            raise PortError(f"sandbox {self.id} was killed meanwhile")
        self._state = state

    def _require(self, call: str, *allowed: State) -> None:
        if self._busy is not None:
            raise InternalError(f"{call} of sandbox {self.id} during its {self._busy}")
        if self._state not in allowed:
            raise InternalError(f"{call} of sandbox {self.id}, which is {self._state.value}")


class _GuardedOrigin(_GuardedSandbox):
    def __init__(self, inner: Origin, alive: set[_GuardedSandbox]) -> None:
        super().__init__(inner, alive)
        self._origin = inner

    async def settle(self) -> None:
        self._require("settle", State.STARTED)
        await self._origin.settle()
        self._become(State.PAUSED)

    async def copy(self) -> Sandbox:
        self._require("copy", State.PAUSED)
        made = _GuardedSandbox(await self._origin.copy(), self._alive)
        if self._state is State.KILLED:
            await made.kill()
            raise PortError(f"sandbox {self.id} was killed meanwhile")
        return made
