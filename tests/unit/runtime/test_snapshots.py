"""When snapshots are made, what is restored from them, and when they end. A coroutine plays the runtime."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.function import FunctionSnapshot, LoggingConfig, RestoreFailed, Success
from ramuda.kernel.ids import RandomIds
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.credentials import Credentials
from ramuda.kernel.ports.sandbox import Assignment, Boot, Exit, NotCopyable, RuntimeSpec
from ramuda.kernel.ports.snapshots import Snapshotted
from ramuda.runtime.environment import Environment, Observer
from ramuda.runtime.options import Options
from ramuda.runtime.snapshots import Furnishing, Snapshots
from ramuda.runtime.states import Initialization
from ramuda.testing import ManualClock
from tests.unit.runtime.fakes import FakeSandbox, MemoryStream, RuntimeBehaviour, echo, invocation, snapshot

SPEC = RuntimeSpec(name="python3.13", boot=Boot.FORK, argv=("python",))
QUIET = Observer(answered=lambda _: None, idle=lambda _: None, lost=lambda _: None, concluded=lambda _: None)


async def initialised(sandbox: FakeSandbox) -> Exit:
    """Init that ends in `restore/next`, which is never answered."""
    reader, writer = await sandbox.client().open()
    writer.write(b"GET /2018-06-01/runtime/restore/next HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.read()
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def fails_in_init(sandbox: FakeSandbox) -> Exit:
    await sandbox.client().call(
        "POST", "init/error", b"{}", Lambda_Runtime_Function_Error_Type="Runtime.ImportModuleError"
    )
    return Exit(code=1)


async def fails_after_restore(sandbox: FakeSandbox) -> Exit:
    body = b'{"errorMessage": "no database"}'
    error_type = "Runtime.AfterRestoreError"
    await sandbox.client().call("POST", "restore/error", body, Lambda_Runtime_Function_Error_Type=error_type)
    return Exit(code=65)


async def hangs(sandbox: FakeSandbox) -> Exit:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


class FakeOrigin(FakeSandbox):
    """Implements ports.Origin; its copies run `behaviour`."""

    def __init__(self, init: RuntimeBehaviour, behaviour: RuntimeBehaviour, obstacle: str = "") -> None:
        super().__init__(init)
        self.behaviour = behaviour
        self.obstacle = obstacle
        self.copies: list[FakeSandbox] = []
        self.is_broken = False

    async def settle(self) -> None:
        self.calls.append("settle")
        if self.obstacle:
            raise NotCopyable(self.obstacle)

    async def copy(self) -> FakeSandbox:
        if self.is_broken:
            raise PortError("the copy ended")
        self.copies.append(FakeSandbox(self.behaviour))
        return self.copies[-1]


class Attachment:
    def shut_way_out(self) -> bool:
        return True

    def stop(self) -> None:
        pass


class Lab:
    """Implements SandboxBackend, Plumbing, RuntimeCatalogue and Furnisher: everything around `Snapshots`."""

    name = "fake"

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.options = Options(**options)
        self.origins: list[FakeOrigin] = []
        self.environments: list[Environment] = []
        self.streams: list[MemoryStream] = []
        self.furnished: list[Furnishing] = []
        self.init: RuntimeBehaviour = initialised
        self.behaviour: RuntimeBehaviour = echo
        self.obstacle = ""
        self.snapshots = Snapshots(
            backend=self,  # type: ignore[arg-type]  # no `prepare`: nothing is prepared here
            plumbing=self,
            catalogue=self,
            furnisher=self,
            clock=self.clock,
            ids=RandomIds(),
            options=self.options,
        )

    async def prepare_origin(self, runtime: RuntimeSpec) -> FakeOrigin:
        self.origins.append(FakeOrigin(self.init, self.behaviour, self.obstacle))
        return self.origins[-1]

    async def attach(self, sandbox: object) -> Attachment:
        return Attachment()

    async def provide(self, identifier: str) -> ProvidedRuntime:
        return ProvidedRuntime(identifier=identifier, spec=SPEC, runtime_version="python:3.13.v1", note="")

    def credentials(self, function: FunctionSnapshot, duration_s: int | None = None) -> Credentials:
        return Credentials(
            access_key_id=f"ASIA{len(self.environments)}", secret_access_key="s", session_token="t", expires_at_s=0.0
        )

    async def furnish(self, furnishing: Furnishing) -> Environment:
        self.streams.append(MemoryStream())
        self.furnished.append(furnishing)
        environment = Environment(
            function=furnishing.function,
            runtime=furnishing.runtime,
            sandbox=furnishing.sandbox,
            stop_plumbing=lambda: None,
            stream=self.streams[-1],
            clock=self.clock,
            options=self.options,
            observer=furnishing.observer,
            born_s=furnishing.born_s,
            initialization=Initialization.SNAP_START,
            snap_start=furnishing.snap_start,
        )
        self.environments.append(environment)
        given = Assignment(
            function_arn=furnishing.function.arn,
            task_dir=furnishing.function.task_dir,
            opt_dir=None,
            handler="app.handler",
            env={},
            memory_mib=128,
            tmp_mib=512,
            vcpus=0.07,
        )
        await environment.open(given)
        return environment

    async def restored(self, function: FunctionSnapshot) -> Environment:
        return await self.snapshots.restore(function, QUIET)

    async def close(self) -> None:
        await self.snapshots.close()
        for environment in self.environments:
            await environment.close()
        for origin in self.origins:
            for copy in origin.copies:
                if "kill" not in copy.calls:
                    await copy.kill()
                copy.sockets.runtime_api.close()


@pytest.fixture
async def lab() -> AsyncIterator[Callable[..., Lab]]:
    made: list[Lab] = []

    def make(**options: Any) -> Lab:
        made.append(Lab(**{"restored_ahead": 0, **options}))
        return made[-1]

    yield make
    for each in made:
        await each.close()


def version(number: str = "1", **changes: object) -> FunctionSnapshot:
    return snapshot(version=number, revision_id=f"r{number}", runtime="python3.13", snap_start=True, **changes)


async def test_init_runs_once_and_every_environment_is_a_copy(lab: Callable[..., Lab]) -> None:
    it = lab()
    assert await it.snapshots.snapshot(version()) == Snapshotted(is_optimized=True)
    (origin,) = it.origins
    assert origin.calls == ["assign", "start", "limit_cpu", "settle"]
    for _ in range(2):
        environment = await it.restored(version())
        answer = await environment.invoke(invocation(version(), b'"x"'))
        assert isinstance(answer, Success)
        assert answer.payload == b'"x"'
    assert len(it.origins) == 1
    assert len(origin.copies) == 2
    tokens = {furnishing.snap_start.token for furnishing in it.furnished}
    assert len(tokens) == 3


async def test_those_who_come_while_a_snapshot_is_made_wait_for_that_one(lab: Callable[..., Lab]) -> None:
    it = lab()
    environments = await asyncio.gather(*(it.restored(version()) for _ in range(3)))
    assert len(it.origins) == 1
    assert len(environments) == 3


async def test_the_log_tells_of_restores_and_what_they_cost(lab: Callable[..., Lab]) -> None:
    it = lab()
    environment = await it.restored(version())
    await environment.invoke(invocation(version()))
    await it.close()
    made, restored = (stream.events for stream in it.streams)
    assert made[0].startswith("INIT_START Runtime Version: python:3.13.v1\t")
    assert made[1] == "INIT_REPORT Init Duration: 0.00 ms\tPhase: snap-start\t\n"
    assert restored[0].startswith("RESTORE_START Runtime Version: python:3.13.v1\t")
    assert restored[1] == "RESTORE_REPORT Restore Duration: 0.00 ms\t\n"
    assert restored[-1].endswith("\tRestore Duration: 0.00 ms\tBilled Restore Duration: 0 ms\t\n")


async def test_a_failing_init_is_the_answer_and_leaves_nothing(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.init = fails_in_init
    told = await it.snapshots.snapshot(version())
    sentence = "Function initialization failed while its snapshot was made: Runtime.ImportModuleError"
    assert told == Snapshotted(failure=("Runtime.ImportModuleError", sentence))
    assert "kill" in it.origins[0].calls
    with pytest.raises(RestoreFailed) as failed:
        await it.restored(version())
    assert failed.value.stage == "snapshot"


async def test_an_init_beyond_its_limit_times_out(lab: Callable[..., Lab]) -> None:
    it = lab(ahead_init_timeout_s=0.01)
    it.init = hangs
    told = await it.snapshots.snapshot(version(timeout_s=0))
    sentence = "Function initialization timed out while its snapshot was made."
    assert told == Snapshotted(failure=("Sandbox.Timedout", sentence))


async def test_what_cannot_be_copied_is_said_in_the_log(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.obstacle = "it runs 2 threads"
    assert await it.snapshots.snapshot(version()) == Snapshotted()
    expected = "WARN SnapStart: no snapshot can be made of this function, which starts cold: it runs 2 threads.\n"
    assert it.streams[0].events[-1] == expected
    with pytest.raises(NotCopyable):
        await it.restored(version())


async def test_a_failing_hook_ends_the_restore(lab: Callable[..., Lab]) -> None:
    it = lab()
    it.behaviour = fails_after_restore
    environment = await it.restored(version())
    with pytest.raises(RestoreFailed) as failed:
        await environment.invoke(invocation(version()))
    assert (failed.value.stage, str(failed.value)) == ("error", "Runtime.AfterRestoreError")
    expected = "RESTORE_REPORT Restore Duration: 0.00 ms\tStatus: error\tError Type: Runtime.AfterRestoreError\t\n"
    assert it.streams[-1].events[-1] == expected


async def test_hooks_beyond_the_limit_time_out(lab: Callable[..., Lab]) -> None:
    it = lab(restore_timeout_s=0.01)
    it.behaviour = hangs
    environment = await it.restored(version())
    with pytest.raises(RestoreFailed) as failed:
        await environment.invoke(invocation(version()))
    assert failed.value.stage == "timeout"
    assert it.streams[-1].events[-1].endswith("\tStatus: timeout\tError Type: Sandbox.Timedout\t\n")


async def test_a_restored_environment_that_fails_is_lost_and_not_started_again(lab: Callable[..., Lab]) -> None:
    it = lab()
    lost: list[Environment] = []

    async def exits(sandbox: FakeSandbox) -> Exit:
        await sandbox.client().next()
        return Exit(code=1)

    it.behaviour = exits
    told = asyncio.Event()
    observer = Observer(
        answered=lambda _: None,
        idle=lambda _: None,
        lost=lambda e: (lost.append(e), told.set()),
        concluded=lambda _: None,
    )
    environment = await it.snapshots.restore(version(), observer)
    await environment.invoke(invocation(version()))
    await told.wait()
    assert lost == [environment]


async def test_a_snapshot_whose_process_ended_is_made_again(lab: Callable[..., Lab]) -> None:
    it = lab()
    await it.restored(version())
    it.origins[0].process.cancel()  # type: ignore[union-attr]
    while it.snapshots.count():
        await asyncio.sleep(0)
    await it.restored(version())
    assert len(it.origins) == 2
    assert "kill" in it.origins[0].calls


async def test_an_origin_that_makes_no_copies_any_more_is_replaced(lab: Callable[..., Lab]) -> None:
    it = lab()
    await it.restored(version())
    it.origins[0].is_broken = True
    await it.restored(version())
    assert len(it.origins) == 2


async def test_json_logs_have_the_events_of_a_restore(lab: Callable[..., Lab]) -> None:
    it = lab()
    function = version(logging=LoggingConfig(group="g", json_format=True, system_level="INFO"))
    environment = await it.restored(function)
    await environment.invoke(invocation(function))
    await environment.close()
    events = [json.loads(line) for line in it.streams[-1].events]
    assert [event["type"] for event in events] == [
        "platform.restoreStart",
        "platform.restoreReport",
        "platform.start",
        "platform.report",
    ]
    assert events[1]["record"] == {"status": "success", "metrics": {"durationMs": 0.0}}
    assert events[3]["record"]["metrics"]["restoreDurationMs"] == 0.0


async def test_the_snapshot_longest_not_used_makes_room(lab: Callable[..., Lab]) -> None:
    it = lab(snapshots_max=2)
    for number in ("1", "2", "1", "3"):
        await it.restored(version(number))
        await it.clock.advance(1)
    assert it.snapshots.count() == 2
    await it.restored(version("1"))
    assert len(it.origins) == 3
    await it.restored(version("2"))
    assert len(it.origins) == 4


async def test_a_copy_is_made_ahead_and_the_next_when_that_was_taken(lab: Callable[..., Lab]) -> None:
    it = lab(restored_ahead=1)
    await it.snapshots.snapshot(version())
    (origin,) = it.origins
    assert len(origin.copies) == 1
    await it.restored(version())
    assert len(origin.copies) == 1
    await it.clock.advance(1)
    while len(origin.copies) < 2:
        await asyncio.sleep(0)
    assert "assign" not in origin.copies[1].calls


async def test_what_is_forgotten_ends(lab: Callable[..., Lab]) -> None:
    it = lab(restored_ahead=1)
    for number in ("1", "2"):
        await it.snapshots.snapshot(version(number))
    it.snapshots.forget(version().ref.arn, "1")
    assert it.snapshots.count() == 1
    it.snapshots.forget(version().ref.arn)
    await it.snapshots.close()
    assert all("kill" in origin.calls for origin in it.origins)
    assert all("kill" in copy.calls for origin in it.origins for copy in origin.copies)


async def test_credentials_are_given_for_the_environment_s_own_token_only(lab: Callable[..., Lab]) -> None:
    it = lab()
    await it.restored(version())
    snap_start = it.furnished[-1].snap_start
    sandbox = it.origins[0].copies[0]
    ask = b"GET /2021-04-23/credentials HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n"
    refused = await sandbox.client().raw(ask % b"another")
    assert refused.status == 403
    given = await sandbox.client().raw(ask % snap_start.token.encode())
    assert given.status == 200
    assert given.body == (
        b'{"AccessKeyId":"ASIA2","SecretAccessKey":"s","Token":"t","Expiration":"1970-01-01T00:00:00Z"}'
    )
    variables = snap_start.variables({"AWS_SESSION_TOKEN": "t", "AWS_REGION": "r"}, "127.0.0.1:9001")
    assert variables == {
        "AWS_REGION": "r",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9001/2021-04-23/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": snap_start.token,
    }
