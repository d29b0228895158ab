"""Environments that are started ahead, kept, replaced, and used before others are made."""

import asyncio

import pytest

from ramuda.invoke.options import Options as InvokeOptions
from ramuda.kernel.function import Success, Throttled
from ramuda.kernel.ports.invoker import Provision, Provisioned
from ramuda.kernel.ports.sandbox import Exit
from ramuda.runtime.states import Initialization
from tests.unit.invoke.world import Gate, World, create
from tests.unit.runtime.fakes import FakeSandbox, echo, invocation, snapshot

ARN = snapshot().ref.arn
V1 = snapshot(version="1")
QUICK = InvokeOptions(provision_together=2)


class Mortal:
    """A runtime that exits without work once `die` is set."""

    def __init__(self) -> None:
        self.die = asyncio.Event()

    async def __call__(self, sandbox: FakeSandbox) -> Exit:
        waiting = asyncio.ensure_future(sandbox.client().next())
        await self.die.wait()
        waiting.cancel()
        return Exit(code=1)


async def fails_in_init(sandbox: FakeSandbox) -> Exit:
    return Exit(code=1)


def provision(world: World, environments: int, qualifier: str = "1", **changes: object) -> None:
    function = snapshot(version="1", **changes)
    world.invoker.provision(ARN, [Provision(function=function, qualifier=qualifier, environments=environments)])


def state(world: World) -> Provisioned:
    (found,) = world.invoker.provisioned(ARN)
    return found


async def until_available(world: World, environments: int) -> None:
    while state(world).available != environments:
        await asyncio.sleep(0)
    await world.settled()


def initializations(world: World) -> list[Initialization]:
    return [environment.initialization for environment in world.environments]


def values(world: World, name: str, *dimensions: tuple[str, str]) -> list[float]:
    return world.recorder.values(name, dimensions)


async def test_environments_are_started_before_anyone_invokes(worlds: list[World]) -> None:
    world = await create(worlds, World(invoke_options=QUICK))
    provision(world, 3)
    assert state(world) == Provisioned(
        qualifier="1", version="1", wanted=3, allocated=0, available=0, is_complete=False
    )
    await until_available(world, 3)
    assert state(world) == Provisioned(qualifier="1", version="1", wanted=3, allocated=3, available=3, is_complete=True)
    assert initializations(world) == [Initialization.PROVISIONED] * 3
    outcome = await world.invoker.invoke(invocation(V1, b"1", qualifier="1"))
    assert outcome == Success(payload=b"1")
    assert len(world.made) == 3


async def test_they_are_frozen_and_neither_idle_out_nor_make_room(worlds: list[World]) -> None:
    world = await create(worlds, World(idle_s=10.0, environments_max=2))
    provision(world, 1)
    await until_available(world, 1)
    await world.clock.advance(100)
    assert world.made[0].calls[-1] == "pause"
    for function in (snapshot(), snapshot(version="2")):
        await world.invoker.invoke(invocation(function))
        await world.settled()
    assert [sandbox.calls[-1] for sandbox in world.made[:2]] == ["pause", "kill"]
    assert state(world).available == 1


async def test_when_nothing_can_make_room_nothing_more_is_started(worlds: list[World]) -> None:
    world = await create(worlds, World(environments_max=1))
    provision(world, 1)
    await until_available(world, 1)
    with pytest.raises(Throttled) as refused:
        await world.invoker.invoke(invocation(snapshot()))
    assert refused.value.reason == "ConcurrentInvocationLimitExceeded"
    assert values(world, "Throttles", ("FunctionName", "f")) == [1]
    assert world.invoker.concurrency.share(snapshot().ref).running == 0


async def test_what_is_beyond_them_runs_on_demand(worlds: list[World]) -> None:
    gate = Gate()
    world = await create(worlds, World(gate))
    provision(world, 1)
    await until_available(world, 1)
    both = [asyncio.ensure_future(world.invoker.invoke(invocation(V1, b"1", qualifier="1"))) for _ in range(2)]
    await world.settled()
    gate.open.set()
    await asyncio.gather(*both)
    assert initializations(world) == [Initialization.PROVISIONED, Initialization.ON_DEMAND]
    resource = (("FunctionName", "f"), ("Resource", "f:1"))
    assert values(world, "ProvisionedConcurrencyInvocations", *resource) == [1]
    assert values(world, "ProvisionedConcurrencySpilloverInvocations", *resource) == [1]
    assert values(world, "ProvisionedConcurrentExecutions", *resource) == [1]
    assert values(world, "ProvisionedConcurrencyUtilization", *resource) == [1]
    assert values(world, "ConcurrentExecutions", ("FunctionName", "f")) == [1, 2]
    assert values(world, "UnreservedConcurrentExecutions") == [1], "what runs on provisioned concurrency is not in it"
    assert values(world, "ClaimedAccountConcurrency") == [1, 2], "the allocated one, and the one on demand"


async def test_one_client_that_calls_again_and_again_stays_on_them(worlds: list[World]) -> None:
    world = await create(worlds, World(invoke_options=InvokeOptions(requests_per_concurrency=1000)))
    provision(world, 1)
    await until_available(world, 1)
    for n in range(20):
        assert await world.invoker.invoke(invocation(V1, b"%d" % n, qualifier="1")) == Success(payload=b"%d" % n)
    assert len(world.made) == 1
    assert values(world, "ProvisionedConcurrencySpilloverInvocations", ("FunctionName", "f")) == []


async def test_an_event_waits_longer_for_them_than_it_would_for_others(worlds: list[World]) -> None:
    go_on = asyncio.Event()

    async def lingers(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        while True:
            request_id, event = await client.next()
            await client.call("POST", f"invocation/{request_id}/response", event.body)
            await go_on.wait()

    world = await create(worlds, World(lingers))
    provision(world, 1)
    await until_available(world, 1)
    for function, qualifier, waits in ((V1, "1", True), (snapshot(), None, False)):
        await world.invoker.invoke(invocation(function, qualifier=qualifier))
        made = len(world.made)
        second = asyncio.ensure_future(world.invoker.invoke(invocation(function, b"2", qualifier=qualifier)))
        await world.settled()
        await world.clock.advance(0.1)
        await world.settled()
        assert (len(world.made) == made) is waits
        if waits:
            go_on.set()
        assert await second == Success(payload=b"2")
        go_on.clear()
    assert values(world, "ProvisionedConcurrencySpilloverInvocations", ("FunctionName", "f")) == []


async def test_an_aliass_are_for_those_who_invoke_through_it(worlds: list[World]) -> None:
    world = await create(worlds, World())
    provision(world, 1, "live")
    await until_available(world, 1)
    await world.invoker.invoke(invocation(V1, qualifier="live"))
    assert len(world.made) == 1
    await world.settled()
    await world.invoker.invoke(invocation(V1, qualifier="1"))
    assert initializations(world) == [Initialization.PROVISIONED, Initialization.ON_DEMAND]


async def test_a_versions_are_for_aliases_of_it_as_well(worlds: list[World]) -> None:
    world = await create(worlds, World())
    provision(world, 1)
    await until_available(world, 1)
    await world.invoker.invoke(invocation(V1, qualifier="live"))
    assert initializations(world) == [Initialization.PROVISIONED]


async def test_a_reservation_that_is_all_provisioned_leaves_nothing_for_other_versions(worlds: list[World]) -> None:
    world = await create(worlds, World())
    world.invoker.concurrency.reserve("000000000000", "us-east-1", "f", 1)
    provision(world, 1, reserved_concurrency=1)
    await until_available(world, 1)
    with pytest.raises(Throttled) as refused:
        await world.invoker.invoke(invocation(snapshot(reserved_concurrency=1)))
    assert refused.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    await world.invoker.invoke(invocation(snapshot(version="1", reserved_concurrency=1), qualifier="1"))
    world.invoker.provision(ARN, [])
    await world.settled()
    await world.invoker.invoke(invocation(snapshot(reserved_concurrency=1)))


async def test_one_that_dies_is_replaced_by_one_that_is_started_ahead(worlds: list[World]) -> None:
    mortal = Mortal()
    world = await create(worlds, World(mortal))
    provision(world, 1)
    await until_available(world, 1)
    await world.clock.advance(60)
    world.behaviour = echo
    mortal.die.set()
    while len(world.made) == 1:
        await asyncio.sleep(0)
    await until_available(world, 1)
    assert initializations(world) == [Initialization.PROVISIONED] * 2
    assert world.made[0].calls[-1] == "kill"


async def test_one_that_dies_young_is_replaced_after_a_moment(worlds: list[World]) -> None:
    mortal = Mortal()
    world = await create(worlds, World(mortal))
    provision(world, 1)
    await until_available(world, 1)
    world.behaviour = echo
    mortal.die.set()
    while "kill" not in world.made[0].calls:
        await asyncio.sleep(0)
    await world.settled()
    assert len(world.made) == 1
    await world.clock.advance(3)
    await until_available(world, 1)
    assert len(world.made) == 2


async def test_an_init_that_fails_is_told_and_not_tried_until_it_is_asked_for_anew(worlds: list[World]) -> None:
    world = await create(worlds, World(fails_in_init, invoke_options=QUICK))
    provision(world, 3)
    while state(world).failure is None:
        await asyncio.sleep(0)
    await world.clock.advance(1000)
    assert state(world) == Provisioned(
        qualifier="1",
        version="1",
        wanted=3,
        allocated=0,
        available=0,
        is_complete=False,
        failure="FUNCTION_ERROR_INIT_FAILURE",
    )
    assert len(world.made) == 2, "those that were started together"
    assert world.invoker.placement.count() == 0
    world.behaviour = echo
    provision(world, 3)
    await until_available(world, 3)
    assert state(world).failure is None


async def test_an_init_that_fails_later_is_tried_again_after_longer_and_longer_waits(worlds: list[World]) -> None:
    world = await create(worlds, World())
    provision(world, 1)
    await until_available(world, 1)
    await world.clock.advance(60)
    world.behaviour = fails_in_init
    world.invoker.placement.discard(world.environments[0])
    await world.settled()
    for elapsed_s, made in ((0.5, 2), (1.5, 3), (1.0, 3), (2.0, 4)):
        await world.clock.advance(elapsed_s)
        await world.settled()
        assert len(world.made) == made
    assert (state(world).failure, state(world).available, state(world).allocated) == (None, 0, 1)
    provision(world, 1)
    assert state(world).is_complete, "asked for once more, it is what it was"
    world.behaviour = echo
    await world.clock.advance(10)
    await until_available(world, 1)


async def test_an_old_one_is_replaced_before_it_goes(worlds: list[World]) -> None:
    world = await create(worlds, World(lifetime_s=1000.0))
    provision(world, 1)
    await until_available(world, 1)
    await world.clock.advance(930)
    assert len(world.made) == 1
    await world.clock.advance(20)
    await world.settled()
    assert [sandbox.calls[-1] for sandbox in world.made] == ["kill", "pause"]
    assert state(world).available == 1


async def test_more_and_fewer_can_be_asked_for(worlds: list[World]) -> None:
    world = await create(worlds, World(invoke_options=QUICK))
    provision(world, 1)
    await until_available(world, 1)
    provision(world, 3)
    assert (state(world).is_complete, state(world).available) == (False, 1)
    await until_available(world, 3)
    provision(world, 2)
    assert (state(world).is_complete, state(world).available) == (True, 2)
    await world.settled()
    assert world.invoker.placement.count() == 2


async def test_an_alias_that_moves_ends_those_of_its_old_version_when_they_are_free(worlds: list[World]) -> None:
    gate = Gate()
    world = await create(worlds, World(gate))
    provision(world, 1, "live")
    await until_available(world, 1)
    busy = asyncio.ensure_future(world.invoker.invoke(invocation(V1, b"1", qualifier="live")))
    await world.settled()
    moved = Provision(function=snapshot(version="2"), qualifier="live", environments=1)
    world.invoker.provision(ARN, [moved])
    await until_available(world, 1)
    assert [(p.version, p.available) for p in world.invoker.provisioned(ARN)] == [("2", 1)]
    assert world.invoker.concurrency.share(V1.ref).provisioned == 1
    gate.open.set()
    await busy
    await world.settled()
    assert world.made[0].calls[-1] == "kill"


async def test_an_update_of_the_function_leaves_them_alone(worlds: list[World]) -> None:
    world = await create(worlds, World())
    provision(world, 1)
    await until_available(world, 1)
    world.invoker.forget(ARN)
    await world.settled()
    await world.invoker.invoke(invocation(V1, qualifier="1"))
    assert len(world.made) == 1


async def test_a_version_made_anew_under_the_same_number_does_not_run_in_those_of_the_old_one(
    worlds: list[World],
) -> None:
    world = await create(worlds, World())
    provision(world, 1)
    await until_available(world, 1)
    await world.invoker.invoke(invocation(snapshot(version="1", revision_id="r2"), qualifier="1"))
    assert initializations(world) == [Initialization.PROVISIONED, Initialization.ON_DEMAND]
    world.invoker.provision(ARN, [])
    await world.settled()
    assert world.made[0].calls[-1] == "kill"


async def test_stopping_ends_what_is_being_started(worlds: list[World]) -> None:
    async def never_ready(sandbox: FakeSandbox) -> Exit:
        await asyncio.Event().wait()
        return Exit(code=0)

    world = await create(worlds, World(never_ready))
    provision(world, 2)
    await world.settled()
    await world.invoker.stop()
    assert [sandbox.calls[-1] for sandbox in world.made] == ["kill", "kill"]
