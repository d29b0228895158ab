"""One invocation from "may it run?" to its metrics."""

import asyncio

import pytest

from ramuda.invoke.options import Options as InvokeOptions
from ramuda.kernel.function import Success, Throttled
from tests.unit.invoke.world import Gate, World, create, running
from tests.unit.runtime.fakes import invocation, snapshot

FUNCTION = (("FunctionName", "f"),)
ALIAS = (*FUNCTION, ("Resource", "f:live"))


async def test_a_function_that_grows_too_fast_is_throttled_and_counts_nothing(worlds: list[World]) -> None:
    gate = Gate()
    world = await create(worlds, World(gate, invoke_options=InvokeOptions(scaling_environments=1)))
    first = asyncio.ensure_future(world.invoker.invoke(invocation(snapshot(), b"1")))
    await world.settled()
    with pytest.raises(Throttled) as refused:
        await world.invoker.invoke(invocation(snapshot()))
    assert refused.value.reason == "ConcurrentInvocationLimitExceeded"
    assert (running(world), world.recorder.values("Throttles", FUNCTION)) == (1, [1])
    gate.open.set()
    assert await first == Success(payload=b"1")
    await world.settled()
    await world.invoker.invoke(invocation(snapshot()))
    await world.clock.advance(10)
    assert running(world) == 0


async def test_only_synchronous_callers_are_told_to_slow_down(worlds: list[World]) -> None:
    world = await create(worlds, World(concurrency=1))
    for _ in range(10):
        await world.invoker.invoke(invocation(snapshot()))
    with pytest.raises(Throttled) as refused:
        await world.invoker.invoke(invocation(snapshot()))
    assert (refused.value.reason, refused.value.retry_after_s) == ("FunctionInvocationRateLimitExceeded", 1)
    await world.invoker.invoke(invocation(snapshot(), is_async=True))


async def test_what_two_versions_of_an_alias_do_is_told_apart(worlds: list[World]) -> None:
    world = await create(worlds, World())
    for version in ("1", "2", "2"):
        await world.invoker.invoke(invocation(snapshot(version=version), qualifier="live", is_weighted=True))
        await world.settled()
    for version, times in (("1", 1), ("2", 2)):
        dimensions = (*ALIAS, ("ExecutedVersion", version))
        for metric in ("Invocations", "Errors", "Throttles", "Duration"):
            assert len(world.recorder.values(metric, dimensions)) == times
    assert world.recorder.values("Invocations", ALIAS) == [1, 1, 1]
    await world.invoker.invoke(invocation(snapshot(version="1"), qualifier="live"))
    assert len(world.recorder.values("Invocations", (*ALIAS, ("ExecutedVersion", "1")))) == 1


async def test_a_reservation_is_claimed_whether_it_is_used_or_not(worlds: list[World]) -> None:
    world = await create(worlds, World())
    world.invoker.concurrency.reserve("000000000000", "us-east-1", "g", 7)
    await world.invoker.invoke(invocation(snapshot()))
    assert world.recorder.values("ClaimedAccountConcurrency", ()) == [8]
    assert world.recorder.values("UnreservedConcurrentExecutions", ()) == [1]
    await world.invoker.invoke(invocation(snapshot(reserved_concurrency=5)))
    assert world.recorder.values("UnreservedConcurrentExecutions", ()) == [1], "it runs within its reservation"


async def test_a_function_that_is_gone_leaves_no_count_behind(worlds: list[World]) -> None:
    world = await create(worlds, World())
    await world.invoker.invoke(invocation(snapshot()))
    await world.settled()
    world.invoker.forget(snapshot().ref.arn)
    assert world.invoker.concurrency.region("000000000000", "us-east-1").shares == {}
