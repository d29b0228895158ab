"""The guard around every backend."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from ramuda.kernel.errors import InternalError, PortError
from ramuda.kernel.ports.sandbox import Assignment, Boot, Exit, RuntimeSpec, Sandbox, SandboxBackend, Sockets, Usage
from ramuda.sandbox.guarded import guarded

SPEC = RuntimeSpec(name="r", boot=Boot.EXEC, argv=("/program",))
GIVEN = Assignment(
    function_arn="arn", task_dir=Path("/t"), opt_dir=None, handler="h", env={}, memory_mib=128, tmp_mib=512, vcpus=0.1
)


class Recording:
    """A sandbox that notes its calls; `failing` names one that raises, `hanging` one that waits for `proceed`."""

    def __init__(self, failing: str = "", hanging: str = "") -> None:
        self.calls: list[str] = []
        self.failing = failing
        self.hanging = hanging
        self.proceed = asyncio.Event()
        self.id = "r-1"
        self.output = -1
        self.sockets = cast(Sockets, None)

    async def _note(self, call: str) -> None:
        self.calls.append(call)
        if call == self.hanging:
            await self.proceed.wait()
        if call == self.failing:
            raise PortError(f"{call} failed")

    async def assign(self, assignment: Assignment) -> None:
        await self._note("assign")

    async def start(self) -> None:
        await self._note("start")

    def limit_cpu(self) -> None:
        self.calls.append("limit_cpu")

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    async def wait(self) -> Exit:
        return Exit(code=0)

    async def reset(self, grace_s: float = 0.0) -> Exit:
        await self._note("reset")
        return Exit(code=0)

    async def kill(self) -> None:
        await self._note("kill")

    def usage(self) -> Usage:
        return Usage(memory_peak_bytes=1)


class One:
    name = "one"

    def __init__(self, sandbox: Recording) -> None:
        self.sandbox = sandbox
        self.is_closed = False

    async def prepare(self, runtime: RuntimeSpec) -> Sandbox:
        return self.sandbox

    async def close(self) -> None:
        self.is_closed = True


async def prepared(inner: Recording) -> Sandbox:
    backend: SandboxBackend = One(inner)
    return await guarded(backend).prepare(SPEC)


async def test_calls_in_order_reach_the_backend() -> None:
    inner = Recording()
    sandbox = await prepared(inner)
    await sandbox.assign(GIVEN)
    await sandbox.start()
    sandbox.limit_cpu()
    sandbox.pause()
    sandbox.resume()
    sandbox.pause()
    await sandbox.reset()
    await sandbox.start()
    await sandbox.kill()
    assert inner.calls == [
        *("assign", "start", "limit_cpu", "pause", "resume", "pause", "resume", "reset", "start", "kill")
    ]


async def test_calls_out_of_order_raise_and_change_nothing() -> None:
    inner = Recording()
    sandbox = await prepared(inner)
    for call in (sandbox.start, sandbox.wait, sandbox.reset):
        with pytest.raises(InternalError):
            await call()
    for plain in (sandbox.pause, sandbox.resume, sandbox.limit_cpu):
        with pytest.raises(InternalError):
            plain()
    await sandbox.assign(GIVEN)
    with pytest.raises(InternalError, match="assign of sandbox r-1, which is assigned"):
        await sandbox.assign(GIVEN)
    await sandbox.start()
    with pytest.raises(InternalError):
        await sandbox.start()
    assert inner.calls == ["assign", "start"]


@pytest.mark.parametrize("call", ["assign", "start", "reset"])
async def test_a_sandbox_whose_step_fails_is_killed(call: str) -> None:
    inner = Recording(failing=call)
    sandbox = await prepared(inner)
    steps = {"assign": lambda: sandbox.assign(GIVEN), "start": sandbox.start, "reset": sandbox.reset}
    for name, step in steps.items():
        if name == call:
            with pytest.raises(PortError, match=f"{call} failed"):
                await step()
            break
        await step()
    assert inner.calls[-2:] == [call, "kill"]
    with pytest.raises(InternalError):
        await sandbox.start()


async def test_a_sandbox_whose_start_is_cancelled_is_killed() -> None:
    inner = Recording(hanging="start")
    sandbox = await prepared(inner)
    await sandbox.assign(GIVEN)
    starting = asyncio.get_running_loop().create_task(sandbox.start())
    while "start" not in inner.calls:
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert inner.calls == ["assign", "start", "kill"]


async def test_a_kill_during_a_step_wins() -> None:
    inner = Recording(hanging="assign")
    sandbox = await prepared(inner)
    assigning = asyncio.get_running_loop().create_task(sandbox.assign(GIVEN))
    while "assign" not in inner.calls:
        await asyncio.sleep(0)
    with pytest.raises(InternalError, match="start of sandbox r-1 during its assign"):
        await sandbox.start()
    await sandbox.kill()
    inner.proceed.set()
    with pytest.raises(PortError, match="killed meanwhile"):
        await assigning


async def test_kill_runs_once_and_survives_its_callers_cancellation() -> None:
    inner = Recording(hanging="kill")
    sandbox = await prepared(inner)
    first = asyncio.get_running_loop().create_task(sandbox.kill())
    while not inner.calls:
        await asyncio.sleep(0)
    first.cancel()
    inner.proceed.set()
    await sandbox.kill()
    assert inner.calls == ["kill"]


async def test_closing_kills_what_lives_and_ends_the_backend() -> None:
    inner = Recording()
    backend = One(inner)
    safe = guarded(backend)
    await safe.prepare(SPEC)
    await safe.close()
    assert inner.calls == ["kill"]
    assert backend.is_closed
    with pytest.raises(InternalError):
        await safe.prepare(SPEC)
