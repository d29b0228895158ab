"""What is remembered of functions goes with them."""

from ramuda.kernel.function import FunctionRef, Success
from tests.unit.invoke.conftest import worlds
from tests.unit.invoke.world import World
from tests.unit.lambda_.harness import Lambda
from tests.unit.runtime.fakes import invocation, snapshot

__all__ = ["worlds"]

MANY = 60


async def test_functions_that_come_and_go_leave_nothing_in_the_api_s_memory(lambda_: Lambda) -> None:
    room = lambda_.service.room
    for i in range(MANY):
        name = f"f{i}"
        await lambda_.create(name)
        await lambda_("CreateFunctionUrlConfig", FunctionName=name, AuthType="NONE")
        await lambda_("PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=1)
        await lambda_("Invoke", FunctionName=name, InvocationType="Event")
        await room.events.drained()
        await lambda_("DeleteFunction", FunctionName=name)
    await room.provisioning.settled()
    catalog, provisioning = room.catalog, room.provisioning
    left = (catalog._routes, catalog._known, catalog._live, provisioning._known, provisioning._tasks)
    assert [len(each) for each in left] == [0, 0, 0, 0, 0]
    assert room.events._held_bytes == room.events._backlog_bytes == 0
    assert len(room.urls._keys) == len(room.urls._known) == 0
    assert len(room.transitions._tasks) == 0


async def test_functions_that_come_and_go_leave_nothing_in_the_invoker(worlds: list[World]) -> None:
    world = World()
    worlds.append(world)
    await world.invoker.start()
    for i in range(MANY):
        function = snapshot(ref=FunctionRef(account="1", region="r", name=f"f{i}"), tracing_active=True)
        assert isinstance(await world.invoker.invoke(invocation(function)), Success)
        await world.settled()
        world.invoker.forget(function.ref.arn)
        await world.settled()
    invoker = world.invoker
    left = (
        invoker._lines,
        invoker._seats,
        invoker.tracing._samplers,
        invoker.placement._pools,
        invoker.provisioning.pools,
    )
    assert [len(each) for each in left] == [0, 0, 0, 0, 0]
    assert invoker.concurrency.region("1", "r").shares == {}
    assert invoker.placement.count() == 0
