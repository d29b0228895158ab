"""Snapshots that are dropped while they are made, and while others wait for them."""

import asyncio
from collections.abc import Callable

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Exit
from tests.unit.runtime.fakes import FakeSandbox
from tests.unit.runtime.test_snapshots import QUIET, FakeOrigin, Lab, initialised, lab, version

__all__ = ["lab"]


async def test_whoever_waits_for_a_snapshot_that_is_forgotten_is_told_so(lab: Callable[..., Lab]) -> None:
    it = lab()
    began = asyncio.Event()

    async def slow(sandbox: FakeSandbox) -> Exit:
        began.set()
        return await asyncio.get_running_loop().create_future()

    it.init = slow
    waiting = asyncio.gather(
        it.snapshots.snapshot(version()), it.snapshots.restore(version(), QUIET), return_exceptions=True
    )
    await began.wait()
    it.snapshots.forget(version().ref.arn)
    told = await waiting
    assert [type(each) for each in told] == [PortError, PortError]
    assert it.snapshots.count() == 0


async def test_a_caller_who_gives_up_does_not_end_the_snapshot_of_the_others(lab: Callable[..., Lab]) -> None:
    it = lab()
    began, gate = asyncio.Event(), asyncio.Event()

    async def slow(sandbox: FakeSandbox) -> Exit:
        began.set()
        await gate.wait()
        return await initialised(sandbox)

    it.init = slow
    first, second = (asyncio.ensure_future(it.restored(version())) for _ in range(2))
    await began.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    await second
    assert len(it.origins) == 1


async def test_a_runtime_that_ends_before_its_first_copy_is_a_failure_and_no_cancellation(
    lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    it = lab()
    settling = asyncio.Event()

    async def settles_never(origin: FakeOrigin) -> None:
        settling.set()
        await asyncio.get_running_loop().create_future()

    with monkeypatch.context() as patch:
        patch.setattr(FakeOrigin, "settle", settles_never)
        making = asyncio.ensure_future(it.snapshots.snapshot(version()))
        await settling.wait()
        it.origins[0].process.cancel()  # type: ignore[union-attr]
        with pytest.raises(PortError):
            await making
    assert (await it.snapshots.snapshot(version())).is_optimized
