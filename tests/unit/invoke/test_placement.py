"""Which environment gets an invocation, and what becomes of those without work."""

import asyncio

import pytest

from ramuda.kernel.function import FunctionRef, FunctionSnapshot, Streamed, Success, Throttled
from ramuda.kernel.ports.sandbox import Exit
from ramuda.runtime.environment import Environment, Observer
from ramuda.runtime.states import Initialization
from tests.unit.invoke.world import World, create, running
from tests.unit.runtime.fakes import FakeSandbox, echo, invocation, snapshot


async def test_one_environment_serves_one_invocation_after_another(worlds: list[World]) -> None:
    world = await create(worlds, World())
    for n in range(20):
        assert await world.invoker.invoke(invocation(snapshot(), b"%d" % n)) == Success(payload=b"%d" % n)
    assert len(world.made) == 1


async def test_simultaneous_invocations_get_an_environment_each(worlds: list[World]) -> None:
    world = await create(worlds, World())
    outcomes = await asyncio.gather(*(world.invoker.invoke(invocation(snapshot(), b"%d" % n)) for n in range(5)))
    assert outcomes == [Success(payload=b"%d" % n) for n in range(5)]
    assert len(world.made) == 5


async def test_another_function_version_and_revision_get_environments_of_their_own(worlds: list[World]) -> None:
    world = await create(worlds, World())
    other = FunctionRef(account="000000000000", region="us-east-1", name="g")
    for function in (snapshot(), snapshot(ref=other), snapshot(version="1"), snapshot(revision_id="r2")):
        await world.invoker.invoke(invocation(function))
        await world.settled()
    assert len(world.made) == 4
    assert [sandbox.calls[-1] for sandbox in world.made] == ["kill", "limit_cpu", "limit_cpu", "limit_cpu"], (
        "the old revision's environment is shut down"
    )


async def test_forgetting_a_function_ends_idle_environments_now_and_busy_ones_when_done(worlds: list[World]) -> None:
    go_on = asyncio.Event()

    async def slow(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        while True:
            request_id, event = await client.next()
            if event.body == b'"slow"':
                await go_on.wait()
            await client.call("POST", f"invocation/{request_id}/response", event.body)

    world = await create(worlds, World(slow))
    busy = asyncio.ensure_future(world.invoker.invoke(invocation(snapshot(), b'"slow"')))
    await world.settled()
    await world.invoker.invoke(invocation(snapshot(), b"1"))
    await world.settled()
    world.invoker.forget(snapshot().ref.arn)
    await world.settled()
    assert [sandbox.calls[-1] for sandbox in world.made] == ["limit_cpu", "kill"]
    go_on.set()
    assert await busy == Success(payload=b'"slow"')
    await world.settled()
    assert [sandbox.calls[-1] for sandbox in world.made] == ["kill", "kill"]


async def test_an_environment_without_work_is_shut_down_after_its_time(worlds: list[World]) -> None:
    world = await create(worlds, World(idle_s=100.0))
    await world.invoker.invoke(invocation(snapshot()))
    await world.settled()
    await world.clock.advance(99)
    await world.settled()
    assert "kill" not in world.made[0].calls
    await world.clock.advance(3)
    await world.settled()
    assert world.made[0].calls[-1] == "kill"
    assert world.invoker.placement.count() == 0


async def test_an_environment_that_takes_long_to_make_is_not_forgotten(worlds: list[World]) -> None:
    world = await create(worlds, World())
    go_on = asyncio.Event()
    open_at_once = world.open

    async def open_slowly(
        function: FunctionSnapshot, observer: Observer, initialization: Initialization = Initialization.ON_DEMAND
    ) -> Environment:
        await go_on.wait()
        return await open_at_once(function, observer, initialization)

    world.invoker.placement._open = open_slowly  # type: ignore[method-assign]
    invoked = asyncio.ensure_future(world.invoker.invoke(invocation(snapshot())))
    await world.clock.advance(5)
    go_on.set()
    await invoked
    await world.settled()
    world.invoker.forget(snapshot().ref.arn)
    await world.settled()
    assert world.made[0].calls[-1] == "kill"
    assert world.invoker.placement.count() == 0


async def test_the_longest_idle_environment_makes_room(worlds: list[World]) -> None:
    world = await create(worlds, World(environments_max=2))
    for version in ("1", "2", "3"):
        await world.invoker.invoke(invocation(snapshot(version=version)))
        await world.settled()
        await world.clock.advance(1)
    assert [sandbox.calls[-1] for sandbox in world.made] == ["kill", "pause", "pause"]


async def test_throttled_requests_are_counted_as_such_only(worlds: list[World]) -> None:
    world = await create(worlds, World(concurrency=1))
    await world.invoker.invoke(invocation(snapshot(), qualifier="live"))
    await world.settled()
    with pytest.raises(Throttled):
        await world.invoker.invoke(invocation(snapshot(reserved_concurrency=0)))
    of_function = (("FunctionName", "f"),)
    assert world.recorder.values("Invocations", of_function) == [1]
    assert world.recorder.values("Errors", of_function) == [0]
    assert world.recorder.values("Throttles", of_function) == [0, 1]
    assert world.recorder.values("ConcurrentExecutions", of_function) == [1]
    assert world.recorder.values("Invocations", (("FunctionName", "f"), ("Resource", "f:live"))) == [1]
    assert world.recorder.values("Throttles", ()) == [0, 1]
    assert len(world.recorder.values("Duration", of_function)) == 1


async def test_a_streamed_invocation_counts_until_the_function_is_done(worlds: list[World]) -> None:
    async def streams(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, _ = await client.next()
        await client.call(
            "POST", f"invocation/{request_id}/response", b"abc", Lambda_Runtime_Function_Response_Mode="streaming"
        )
        await client.next()
        return Exit(code=0)

    world = await create(worlds, World(streams))
    outcome = await world.invoker.invoke(invocation(snapshot(), wants_stream=True))
    assert isinstance(outcome, Streamed)
    assert running(world) == 1
    assert [piece async for piece in outcome.chunks] == [b"abc"]
    assert running(world) == 0


async def test_a_streamed_answer_that_nobody_reads_counts_no_longer_than_its_function(worlds: list[World]) -> None:
    async def streams(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        while True:
            request_id, _ = await client.next()
            mode = {"Lambda_Runtime_Function_Response_Mode": "streaming"}
            await client.call("POST", f"invocation/{request_id}/response", b"abc", **mode)

    world = await create(worlds, World(streams))
    outcome = await world.invoker.invoke(invocation(snapshot(), wants_stream=True))
    assert isinstance(outcome, Streamed)
    await outcome.chunks.aclose()  # type: ignore[attr-defined]  # what the gateway does when the client is gone
    while running(world):
        await asyncio.sleep(0)
    assert world.recorder.values("Invocations", (("FunctionName", "f"),)) == [1]


async def test_an_environment_whose_runtime_ended_without_work_is_given_to_one_at_a_time(worlds: list[World]) -> None:
    end = asyncio.Event()

    async def ends_when_idle(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, event = await client.next()
        await client.call("POST", f"invocation/{request_id}/response", event.body)
        waiting = asyncio.ensure_future(client.next())
        await end.wait()
        waiting.cancel()
        return Exit(code=1)

    world = await create(worlds, World(ends_when_idle))
    await world.invoker.invoke(invocation(snapshot(), b"1"))
    await world.settled()
    world.behaviour = echo
    world.made[0].behaviours[:] = [echo]
    end.set()
    while "reset" not in world.made[0].calls:
        await asyncio.sleep(0)
    await world.settled()
    outcomes = await asyncio.gather(
        *(world.invoker.invoke(invocation(snapshot(), b"%d" % n, request_id=str(n))) for n in range(2))
    )
    assert outcomes == [Success(payload=b"0"), Success(payload=b"1")]
    assert len(world.made) == 2
