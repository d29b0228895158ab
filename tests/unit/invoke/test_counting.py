"""What invocations that never began, or whose function went meanwhile, leave in the counts."""

import asyncio
from typing import Any

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.function import RestoreFailed
from ramuda.runtime.environment import Environment
from tests.unit.invoke.world import Gate, World, create, running
from tests.unit.runtime.fakes import invocation, snapshot

FUNCTION = (("FunctionName", "f"),)


class Failing(World):
    """Opens no environment."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def open(self, *_: Any, **__: Any) -> Environment:
        raise self.error


async def test_a_failed_restore_is_one_invocation_and_one_error(worlds: list[World]) -> None:
    world = await create(worlds, Failing(RestoreFailed("error", "Runtime.AfterRestoreError")))
    with pytest.raises(RestoreFailed):
        await world.invoker.invoke(invocation(snapshot()))
    for metric, values in (("Invocations", [1]), ("Errors", [1]), ("Throttles", [0]), ("Duration", [])):
        assert world.recorder.values(metric, FUNCTION) == values
    assert (running(world), world.invoker.placement.count()) == (0, 0)


async def test_what_the_platform_could_not_start_is_no_invocation(worlds: list[World]) -> None:
    world = await create(worlds, Failing(PortError("no room")))
    with pytest.raises(PortError):
        await world.invoker.invoke(invocation(snapshot()))
    for metric in ("Invocations", "Errors", "Throttles"):
        assert world.recorder.values(metric, FUNCTION) == []
    assert (running(world), world.invoker.placement.count()) == (0, 0)


async def test_a_function_deleted_while_it_runs_leaves_no_count_behind(worlds: list[World]) -> None:
    gate = Gate()
    world = await create(worlds, World(gate))
    answer = asyncio.ensure_future(world.invoker.invoke(invocation(snapshot(), b"1")))
    await world.settled()
    world.invoker.forget(snapshot().ref.arn)
    gate.open.set()
    await answer
    await world.settled()
    assert running(world) == 0
    assert world.recorder.values("Invocations", FUNCTION) == [1]
    world.invoker.forget(snapshot().ref.arn)
    assert world.invoker.concurrency.region("000000000000", "us-east-1").shares == {}
    assert world.invoker.placement.count() == 0
