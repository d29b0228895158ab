"""The contract of `ports.sandbox.Origin`: an initialised runtime is copied, and copies share nothing."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.errors import InternalError, PortError
from ramuda.kernel.ports.sandbox import Exit, NotCopyable, Origin, RuntimeSpec, Sandbox, SandboxBackend
from ramuda.sandbox import isolated, process
from ramuda.sandbox.guarded import guarded
from ramuda.sandbox.options import Options
from tests.sandboxes import CodeStore, FakeRuntimeApi, assignment, client_folder, lambda_runtime, script_runtime

OPTIONS = Options()
SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
COUNTER = """
import os, random, secrets, ssl, tempfile, threading, time, uuid
started = time.monotonic()
calls = 0
open("/tmp/from-init", "w").write("written in Init")
os.mkdir("/tmp/folder"); os.symlink("../from-init", "/tmp/folder/link")
log = open("/tmp/log", "w"); log.write("init\\n"); log.flush()
code = open(__file__); first = code.read(8)
def handler(event, context):
    global calls
    calls += 1
    return {name: eval(text) for name, text in event.items()}
"""


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("snapshots")


@pytest.fixture(scope="session")
def runtime(folders: Path) -> RuntimeSpec:
    return lambda_runtime(client_folder(folders / "client"))


@pytest.fixture
def code(tmp_path: Path) -> CodeStore:
    return CodeStore(tmp_path)


@pytest.fixture
async def backend(folders: Path, tmp_path: Path) -> AsyncIterator[SandboxBackend]:
    capability = await isolated.examine(OPTIONS)
    if not capability.usable:
        pytest.skip("; ".join(finding.detail for finding in capability.findings if not finding.ok))
    made = guarded(isolated.Backend(OPTIONS, folders / "isolated", tmp_path))
    yield made
    await made.close()


@dataclass
class Lab:
    """Makes origins and copies, each with a Runtime API."""

    backend: SandboxBackend
    code: CodeStore
    runtime: RuntimeSpec
    apis: dict[str, FakeRuntimeApi] = field(default_factory=dict)

    async def origin(self, script: str = COUNTER, **settings: Any) -> Origin:
        """An initialised one, not settled."""
        origin = await self.backend.prepare_origin(self.runtime)
        task_dir = self.code.add({"main.py": script})
        env = {**SNAP_START, **settings.pop("env", {})}
        await origin.assign(assignment(origin, self.runtime, task_dir, env=env, **settings))
        api = FakeRuntimeApi(origin)
        await api.__aenter__()
        self.apis[origin.id] = api
        try:
            await origin.start()
        except NotCopyable:
            del self.apis[origin.id]  # its sockets are closed
            raise
        await api.asked.wait()
        return origin

    async def settled(self, script: str = COUNTER, **settings: Any) -> Origin:
        origin = await self.origin(script, **settings)
        await origin.settle()
        return origin

    async def copy(self, origin: Origin, env: Mapping[str, str] | None = None, **settings: Any) -> Sandbox:
        copy = await origin.copy()
        given = assignment(copy, self.runtime, self.code.root, env={**SNAP_START, **(env or {})}, **settings)
        await copy.assign(given)
        self.apis[copy.id] = await FakeRuntimeApi(copy).__aenter__()
        await copy.start()
        return copy

    async def leave(self, copy: Sandbox) -> None:
        """Its sockets will be closed."""
        await self.apis.pop(copy.id).__aexit__()

    async def ask(self, copy: Sandbox, **expressions: str) -> Any:
        return await self.apis[copy.id].invoke(expressions)


@pytest.fixture
async def lab(backend: SandboxBackend, code: CodeStore, runtime: RuntimeSpec) -> AsyncIterator[Lab]:
    made = Lab(backend=backend, code=code, runtime=runtime)
    yield made
    for api in made.apis.values():
        await api.__aexit__()


async def test_a_copy_goes_on_where_init_ended_with_variables_of_its_own(lab: Lab) -> None:
    origin = await lab.settled(env={"COLOR": "blue"})
    copy = await lab.copy(origin, env={"COLOR": "red"})
    seen = await lab.ask(copy, calls="calls", color="os.environ['COLOR']", age="time.monotonic() - started")
    assert seen["calls"] == 1
    assert seen["color"] == "red"
    assert seen["age"] > 0


async def test_copies_share_neither_memory_nor_tmp_nor_a_file_s_position(lab: Lab) -> None:
    origin = await lab.settled()
    one, other = await lab.copy(origin), await lab.copy(origin)
    for copy in (one, other):
        seen = await lab.ask(
            copy,
            calls="calls",
            log="(log.write('mine\\n'), log.flush(), open('/tmp/log').read())[2]",
            link="open('/tmp/folder/link').read()",
            new="(os.path.exists('/tmp/new'), open('/tmp/new', 'w').close())[0]",
            code="code.read(8)",
        )
        assert seen == {
            "calls": 1,
            "log": "init\nmine\n",
            "link": "written in Init",
            "new": False,
            "code": COUNTER[8:16],
        }


async def test_randomness_is_unique_in_every_copy(lab: Lab) -> None:
    origin = await lab.settled()
    copies = [await lab.copy(origin) for _ in range(3)]
    sources = {
        "random": "random.random()",
        "secrets": "secrets.token_hex()",
        "uuid": "str(uuid.uuid4())",
        "ssl": "ssl.RAND_bytes(16).hex()",
        "name": "tempfile.mktemp()",
    }
    seen = [await lab.ask(copy, **sources) for copy in copies]
    for source in sources:
        assert len({each[source] for each in seen}) == len(copies), source


async def test_a_copy_s_exit_is_told_and_it_is_not_started_again(lab: Lab) -> None:
    origin = await lab.settled()
    exited, killed = await lab.copy(origin), await lab.copy(origin)
    asking = [
        asyncio.ensure_future(lab.ask(exited, end="os._exit(7)")),
        asyncio.ensure_future(lab.ask(killed, end="os.kill(os.getpid(), 9)")),
    ]
    assert await exited.wait() == Exit(code=7)
    assert await killed.wait() == Exit(signal=9)
    for each in asking:
        each.cancel()
    assert await exited.reset() == Exit(code=7)
    await lab.leave(exited)
    with pytest.raises(PortError, match="cannot be started again"):
        await exited.start()


async def test_the_memory_limit_holds_in_a_copy(lab: Lab) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs control groups")
    copy = await lab.copy(await lab.settled(), memory_mib=128)
    asking = asyncio.ensure_future(lab.ask(copy, end="len(bytearray(300 * 2 ** 20))"))
    how = await copy.wait()
    asking.cancel()
    assert how.out_of_memory


async def test_usage_counts_what_init_left_in_memory(lab: Lab) -> None:
    origin = await lab.settled(COUNTER + "ballast = bytearray(b'x') * (50 * 2 ** 20)\n")
    copy = await lab.copy(origin)
    assert await lab.ask(copy, size="len(ballast)") == {"size": 50 * 2**20}
    assert copy.usage().memory_peak_bytes > 50 * 2**20


async def test_a_copy_outlives_its_origin_and_the_origin_ends_after_it(lab: Lab) -> None:
    origin = await lab.settled()
    copy = await lab.copy(origin)
    await lab.leave(origin)
    await origin.kill()
    assert await lab.ask(copy, calls="calls") == {"calls": 1}
    with pytest.raises(InternalError):
        await origin.copy()
    await lab.leave(copy)
    await copy.kill()
    assert (await copy.wait()).signal == 9


async def test_a_copy_can_be_frozen(lab: Lab) -> None:
    copy = await lab.copy(await lab.settled())
    assert await lab.ask(copy, calls="calls") == {"calls": 1}
    copy.pause()
    copy.resume()
    assert await lab.ask(copy, calls="calls") == {"calls": 2}


async def test_an_event_loop_made_in_init_works_in_copies(lab: Lab) -> None:
    script = COUNTER + "import asyncio\nloop = asyncio.new_event_loop()\nloop.run_until_complete(asyncio.sleep(0))\n"
    origin = await lab.settled(script)
    for copy in [await lab.copy(origin), await lab.copy(origin)]:
        wake = "loop.run_until_complete(asyncio.wait_for(loop.run_in_executor(None, lambda: time.sleep(0.2) or 5), 5))"
        seen = await lab.ask(copy, cpu_s="-time.process_time()", answer=wake, cpu_s_then="time.process_time()")
        assert seen["answer"] == 5
        assert seen["cpu_s"] + seen["cpu_s_then"] < 0.1  # it slept meanwhile


async def test_threads_that_end_before_a_fork_are_no_obstacle(lab: Lab) -> None:
    """As OpenBLAS has them, and so numpy."""
    script = COUNTER + (
        "stopped = threading.Event()\nthread = threading.Thread(target=stopped.wait)\nthread.start()\n"
        "os.register_at_fork(before=lambda: (stopped.set(), thread.join()))\n"
    )
    copy = await lab.copy(await lab.settled(script))
    assert await lab.ask(copy, threads="threading.active_count()") == {"threads": 1}


async def test_a_connection_made_in_init_is_closed_in_copies(lab: Lab) -> None:
    script = COUNTER + (
        "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "client = socket.create_connection(server.getsockname())\n"
    )
    copy = await lab.copy(await lab.settled(script))
    assert await lab.ask(copy, read="client.recv(1).decode()") == {"read": ""}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("threading.Thread(target=threading.Event().wait, daemon=True).start()", "it runs 2 threads"),
        ("import subprocess; child = subprocess.Popen(['sleep', '60'])", "other processes run beside it"),
        ("import mmap; shared = mmap.mmap(-1, 4096)", "it has writable shared memory"),
        ("fd = os.memfd_create('x')", "cannot be copied"),
        ("r, w = os.pipe(); os.close(w)", "cannot be copied"),
    ],
)
async def test_what_a_copy_would_share_or_lack_is_told(lab: Lab, script: str, reason: str) -> None:
    origin = await lab.origin(COUNTER + script + "\n")
    with pytest.raises(NotCopyable, match=reason):
        await origin.settle()


async def test_a_python_that_must_be_started_afresh_is_not_copied(lab: Lab) -> None:
    with pytest.raises(NotCopyable, match="started afresh"):
        await lab.origin(env={"PYTHONUTF8": "0"})


async def test_other_runtimes_are_not_copied(backend: SandboxBackend) -> None:
    with pytest.raises(NotCopyable, match="only Python can"):
        await backend.prepare_origin(script_runtime())


async def test_the_process_sandbox_makes_no_copies(tmp_path: Path, runtime: RuntimeSpec) -> None:
    backend = guarded(process.Backend(OPTIONS, tmp_path / "work"))
    with pytest.raises(NotCopyable, match="isolated one does"):
        await backend.prepare_origin(runtime)
    await backend.close()
