"""How many environments wait, for whom, and when they end."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Boot, RuntimeSpec, Sandbox
from ramuda.runtime.options import Options
from ramuda.runtime.prepared import Attachment, PreparedEnvironments
from ramuda.testing import ManualClock
from tests.unit.runtime.fakes import FakeSandbox, echo

PYTHON = RuntimeSpec(name="python3.11", boot=Boot.FORK, argv=("/usr/bin/python3.11",))
NODE = RuntimeSpec(name="nodejs20.x", boot=Boot.WAIT, argv=("/usr/bin/node",))


class FakeBackend:
    """Implements ports.SandboxBackend."""

    name = "fake"

    def __init__(self) -> None:
        self.made: list[tuple[str, FakeSandbox]] = []
        self.broken = False

    async def prepare(self, runtime: RuntimeSpec) -> Sandbox:
        if self.broken:
            raise PortError("no namespaces here")
        sandbox = FakeSandbox(echo)
        self.made.append((runtime.name, sandbox))
        return sandbox

    async def close(self) -> None:
        pass

    def alive(self, name: str) -> int:
        return sum(1 for made, sandbox in self.made if made == name and "kill" not in sandbox.calls)


class FakePlumbing:
    """Implements prepared.Plumbing; counts what is attached."""

    def __init__(self) -> None:
        self.attached = 0

    async def attach(self, sandbox: Sandbox) -> "FakeAttachment":
        self.attached += 1
        return FakeAttachment(self)


class FakeAttachment:
    """Implements prepared.Attachment."""

    def __init__(self, plumbing: FakePlumbing) -> None:
        self._plumbing = plumbing

    def shut_way_out(self) -> bool:
        return True

    def stop(self) -> None:
        self._plumbing.attached -= 1


class World:
    def __init__(self, **options: float) -> None:
        self.clock = ManualClock()
        self.backend = FakeBackend()
        self.plumbing = FakePlumbing()
        self.prepared = PreparedEnvironments(
            self.backend,
            self.plumbing,
            Options(**options),  # type: ignore[arg-type]
            self.clock,
        )
        self.taken: list[tuple[Sandbox, Attachment]] = []

    async def take(self, spec: RuntimeSpec) -> Sandbox:
        self.taken.append(await self.prepared.take(spec))
        return self.taken[-1][0]

    async def quiet(self, seconds: float = 1.0) -> None:
        """Time in which nobody takes anything."""
        await self.clock.advance(seconds)
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def make_world() -> AsyncIterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(**options: float) -> World:
        worlds.append(World(**options))
        return worlds[-1]

    yield make
    for world in worlds:
        await world.prepared.close()
        for sandbox, attachment in world.taken:
            attachment.stop()
            await sandbox.kill()
        for _, made in world.backend.made:
            made.sockets.runtime_api.close()
        assert world.plumbing.attached == 0
        assert world.backend.alive("python3.11") == world.backend.alive("nodejs20.x") == 0


async def test_a_runtime_that_is_noticed_has_one_waiting(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.prepared.notice(PYTHON)
    await world.quiet()
    assert world.prepared.counts() == {"python3.11": 1}


async def test_what_waits_is_taken_once_and_replaced_when_it_is_quiet(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.prepared.notice(PYTHON)
    await world.quiet()
    waiting = world.backend.made[0][1]
    assert await world.take(PYTHON) is waiting
    assert world.prepared.counts() == {"python3.11": 0}
    assert await world.take(PYTHON) is not waiting
    await world.quiet()
    assert world.prepared.counts() == {"python3.11": 2}, "two were taken within the last minute"


async def test_no_more_wait_than_allowed_and_fewer_when_use_falls(make_world: Callable[..., World]) -> None:
    world = make_world(prepared_max=3)
    await world.prepared.start()
    for _ in range(5):
        await world.take(PYTHON)
    await world.quiet()
    assert world.prepared.counts() == {"python3.11": 3}
    await world.quiet(80)
    assert world.prepared.counts() == {"python3.11": 1}
    await world.quiet(1000)
    assert world.prepared.counts() == {}, "images come and go: each has a count of its own"


async def test_runtimes_do_not_share(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.prepared.notice(PYTHON)
    await world.quiet()
    await world.take(NODE)
    await world.quiet()
    assert world.prepared.counts() == {"python3.11": 1, "nodejs20.x": 1}
    assert [name for name, _ in world.backend.made] == ["python3.11", "nodejs20.x", "nodejs20.x"]


async def test_preparing_can_be_turned_off(make_world: Callable[..., World]) -> None:
    world = make_world(prepared_max=0)
    world.prepared.notice(PYTHON)
    await world.take(PYTHON)
    await world.quiet()
    assert world.prepared.counts() == {"python3.11": 0}
    assert len(world.backend.made) == 1


async def test_a_backend_that_cannot_prepare_tells_the_taker_and_is_not_asked_behind_their_back(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    world.backend.broken = True
    world.prepared.notice(PYTHON)
    await world.quiet()
    with pytest.raises(PortError, match="no namespaces here"):
        await world.take(PYTHON)
    world.backend.broken = False
    await world.take(PYTHON)
    await world.quiet()
    assert world.prepared.counts() == {"python3.11": 2}, "it works again, so it is prepared for again"


async def test_what_was_made_beside_one_that_failed_is_kept(make_world: Callable[..., World]) -> None:
    world = make_world()
    prepare, calls = world.backend.prepare, []

    async def fails_second(runtime: RuntimeSpec) -> Sandbox:
        calls.append(runtime)
        if len(calls) == 4:
            raise PortError("no room")
        return await prepare(runtime)

    world.backend.prepare = fails_second  # type: ignore[method-assign]
    for _ in range(2):
        await world.take(PYTHON)
    await world.quiet()
    assert world.prepared.counts() == {"python3.11": 1}
