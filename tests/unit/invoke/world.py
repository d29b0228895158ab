"""An invoker whose environments are fakes."""

import asyncio

from ramuda.invoke.options import Options as InvokeOptions
from ramuda.invoke.sync import SyncInvoker
from ramuda.kernel.function import FunctionSnapshot
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.sandbox import Assignment, Boot, Exit, RuntimeSpec
from ramuda.runtime.environment import Environment, Observer
from ramuda.runtime.options import Options
from ramuda.runtime.states import Initialization
from ramuda.testing import ManualClock
from tests.unit.invoke.fakes import MemoryRecorder
from tests.unit.runtime.fakes import FakeSandbox, MemoryStream, RuntimeBehaviour, echo, snapshot

SPEC = RuntimeSpec(name="python3.11", boot=Boot.EXEC, argv=("/x",))


class World:
    """An invoker whose environments are fakes; `made` holds their sandboxes."""

    def __init__(
        self,
        behaviour: RuntimeBehaviour = echo,
        *,
        concurrency: int = 1000,
        invoke_options: InvokeOptions | None = None,
        **options: float,
    ) -> None:
        self.clock = ManualClock()
        self.options = Options(**options)  # type: ignore[arg-type]
        self.behaviour = behaviour
        self.made: list[FakeSandbox] = []
        self.environments: list[Environment] = []
        self.recorder = MemoryRecorder()
        self.invoker = SyncInvoker(
            self.open, self.recorder, self.clock, self.options, concurrency, invoke_options=invoke_options
        )

    async def open(
        self, function: FunctionSnapshot, observer: Observer, initialization: Initialization = Initialization.ON_DEMAND
    ) -> Environment:
        sandbox = FakeSandbox(self.behaviour, self.behaviour)
        self.made.append(sandbox)
        environment = Environment(
            function=function,
            runtime=ProvidedRuntime(identifier="python3.11", spec=SPEC, runtime_version="python:3.11.v1"),
            sandbox=sandbox,
            stop_plumbing=lambda: None,
            stream=MemoryStream(),
            clock=self.clock,
            options=self.options,
            observer=observer,
            born_s=self.clock.monotonic(),
            initialization=initialization,
        )
        self.environments.append(environment)
        await environment.open(
            Assignment(
                function_arn=function.arn,
                task_dir=function.task_dir,
                opt_dir=None,
                handler="h",
                env={},
                memory_mib=128,
                tmp_mib=512,
                vcpus=1,
            )
        )
        return environment

    async def settled(self) -> None:
        """Lets answered environments ask for their next event, and closed ones end."""
        for _ in range(200):
            await asyncio.sleep(0)


class Gate:
    """A runtime that answers only while it is `open`."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        while True:
            request_id, event = await client.next()
            await self.open.wait()
            await client.call("POST", f"invocation/{request_id}/response", event.body)


def running(world: "World") -> int:
    """Invocations of the function `snapshot()` that are counted now."""
    return world.invoker.concurrency.share(snapshot().ref).running


async def create(worlds: list[World], world: World) -> World:
    worlds.append(world)
    await world.invoker.start()
    return world
