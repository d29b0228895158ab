"""The contract of `kernel.ports.sandbox`, on every backend that works on this machine."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ramuda.kernel.errors import InternalError, PortError
from ramuda.kernel.ports.sandbox import Exit, RuntimeSpec, SandboxBackend
from ramuda.sandbox import isolated, process
from ramuda.sandbox.guarded import guarded
from ramuda.sandbox.options import Options
from tests.sandboxes import (
    CodeStore,
    FakeRuntimeApi,
    Reader,
    assignment,
    client_folder,
    lambda_runtime,
    processes_with,
    run,
    script_runtime,
    waiting_runtime,
)

MIB = 1024 * 1024
OPTIONS = Options()


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work folders live on: what a backend caches there costs time to make."""
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="session")
def client(folders: Path) -> Path:
    return client_folder(folders / "client")


@pytest.fixture
def code(tmp_path: Path) -> CodeStore:
    return CodeStore(tmp_path)


@pytest.fixture(params=["isolated", "process"])
async def backend(request: pytest.FixtureRequest, folders: Path, tmp_path: Path) -> AsyncIterator[SandboxBackend]:
    made: SandboxBackend
    if request.param == "isolated":
        capability = await isolated.examine(OPTIONS)
        if not capability.usable:
            pytest.skip("; ".join(finding.detail for finding in capability.findings if not finding.ok))
        made = isolated.Backend(OPTIONS, folders / "isolated", tmp_path)
    else:
        made = process.Backend(OPTIONS, tmp_path / "work")
    safe = guarded(made)
    yield safe
    await safe.close()


async def test_the_runtime_gets_exactly_its_environment_and_starts_in_its_code(
    backend: SandboxBackend, code: CodeStore
) -> None:
    runtime = script_runtime()
    sandbox = await backend.prepare(runtime)
    script = "import json, os\nprint(json.dumps([dict(os.environ), os.listdir('.')]), flush=True)"
    task_dir = code.add({"main.py": script})
    given = assignment(sandbox, runtime, task_dir, env={"COLOR": "blue"})
    await sandbox.assign(given)
    await sandbox.start()
    seen, listing = await Reader(sandbox).json()
    seen.pop("TMPDIR", None)  # where /tmp has another name
    assert set(seen) == set(given.env)
    assert seen["COLOR"] == "blue"
    assert seen["AWS_LAMBDA_RUNTIME_API"] == sandbox.sockets.runtime_address
    assert listing == ["main.py"]
    assert await sandbox.wait() == Exit(code=0)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("sys.exit(3)", Exit(code=3)),
        ("import signal; os.kill(os.getpid(), signal.SIGSEGV)", Exit(signal=signal.SIGSEGV)),
        ("raise SystemExit", Exit(code=0)),
    ],
)
async def test_an_exit_says_how_the_process_ended(
    backend: SandboxBackend, code: CodeStore, script: str, expected: Exit
) -> None:
    sandbox, _ = await run(backend, code, script)
    assert await sandbox.wait() == expected
    assert await sandbox.wait() == expected


async def test_what_a_process_and_its_children_print_arrives_in_order(backend: SandboxBackend, code: CodeStore) -> None:
    script = "os.write(1, b'one\\n'); os.write(2, b'two\\n'); os.system('echo three')"
    sandbox, output = await run(backend, code, script)
    assert [await output.line() for _ in range(3)] == ["one", "two", "three"]
    await sandbox.wait()


async def test_a_function_answers_events_through_its_runtime_api(
    backend: SandboxBackend, code: CodeStore, client: Path
) -> None:
    runtime = lambda_runtime(client)
    sandbox = await backend.prepare(runtime)
    task_dir = code.add({"main.py": "def handler(event, context):\n    return {'twice': event['n'] * 2}"})
    await sandbox.assign(assignment(sandbox, runtime, task_dir))
    async with FakeRuntimeApi(sandbox) as api:
        await sandbox.start()
        assert [await api.invoke({"n": n}) for n in (1, 2, 21)] == [{"twice": 2}, {"twice": 4}, {"twice": 42}]


async def test_a_handler_that_cannot_be_imported_is_reported_and_ends_the_process(
    backend: SandboxBackend, code: CodeStore, client: Path
) -> None:
    runtime = lambda_runtime(client)
    sandbox = await backend.prepare(runtime)
    await sandbox.assign(assignment(sandbox, runtime, code.add({"main.py": "import nothing_of_that_name"})))
    async with FakeRuntimeApi(sandbox) as api:
        await sandbox.start()
        path, body = await api.answer()
        assert path == "/2018-06-01/runtime/init/error"
        assert body["errorType"] == "Runtime.ImportModuleError"
        assert body["errorMessage"] == "Unable to import module 'main': No module named 'nothing_of_that_name'"
        assert await sandbox.wait() == Exit(code=1)


async def test_a_waiting_runtime_reads_its_assignment_from_descriptor_three(
    backend: SandboxBackend, code: CodeStore
) -> None:
    runtime = waiting_runtime()
    sandbox = await backend.prepare(runtime)
    task_dir = code.add({"main.py": "import os; print(os.environ['COLOR'], flush=True)"})
    given = assignment(sandbox, runtime, task_dir, env={"COLOR": "red"})
    await sandbox.assign(given)
    await sandbox.start()
    output = Reader(sandbox)
    assert await output.line() == "red"
    assert await sandbox.wait() == Exit(code=0)
    await sandbox.reset()
    await sandbox.start()
    assert await output.line() == "red"


async def test_a_waiting_runtime_starts_afresh_when_its_variables_are_read_at_start(
    backend: SandboxBackend, code: CodeStore
) -> None:
    runtime = waiting_runtime()
    sandbox = await backend.prepare(runtime)
    task_dir = code.add({"main.py": "import sys; print(sys.flags.dont_write_bytecode, sys.flags.optimize, flush=True)"})
    await sandbox.assign(assignment(sandbox, runtime, task_dir, env={"PYTHONOPTIMIZE": "2"}))
    await sandbox.start()
    assert await Reader(sandbox).line() == "1 2"


async def test_a_wrapper_starts_the_runtime_with_the_command_as_its_arguments(
    backend: SandboxBackend, code: CodeStore
) -> None:
    runtime = script_runtime()
    sandbox = await backend.prepare(runtime)
    wrapper = '#!/bin/sh\necho "wrapped $#"\nWRAPPED=yes exec "$@"\n'
    task_dir = code.add({"wrapper": wrapper, "main.py": "import os; print(os.environ['WRAPPED'], flush=True)"})
    await sandbox.assign(assignment(sandbox, runtime, task_dir, exec_wrapper="/var/task/wrapper"))
    await sandbox.start()
    output = Reader(sandbox)
    assert [await output.line(), await output.line()] == ["wrapped 4", "yes"]


async def test_a_program_that_is_not_there_ends_with_127_and_says_so(backend: SandboxBackend, code: CodeStore) -> None:
    runtime = RuntimeSpec(name="missing", boot=script_runtime().boot, argv=("/var/task/bootstrap",))
    sandbox = await backend.prepare(runtime)
    await sandbox.assign(assignment(sandbox, runtime, code.add({"other": ""})))
    await sandbox.start()
    assert (await Reader(sandbox).line()).endswith("/bootstrap: No such file or directory")
    assert await sandbox.wait() == Exit(code=127)


async def test_layers_are_seen_in_opt(backend: SandboxBackend, code: CodeStore, client: Path) -> None:
    runtime = lambda_runtime(client)
    sandbox = await backend.prepare(runtime)
    layer = code.add({"python/layered.py": "VALUE = 'from the layer'"})
    task_dir = code.add({"main.py": "import layered\ndef handler(event, context):\n    return layered.VALUE"})
    await sandbox.assign(assignment(sandbox, runtime, task_dir, opt_dir=layer))
    async with FakeRuntimeApi(sandbox) as api:
        await sandbox.start()
        assert await api.invoke({}) == "from the layer"


ECHO = """
import socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
connection = socket.create_connection((host, int(port)))
while data := connection.recv(1):
    connection.sendall(data)
"""


async def test_a_paused_sandbox_does_nothing_until_it_is_resumed(backend: SandboxBackend, code: CodeStore) -> None:
    sandbox, _ = await run(backend, code, ECHO)
    connection = await accept(sandbox.sockets.runtime_api)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, b"a")
    assert await loop.sock_recv(connection, 9) == b"a"
    sandbox.pause()
    await loop.sock_sendall(connection, b"b")
    answer = loop.create_task(loop.sock_recv(connection, 9))
    done, _ = await asyncio.wait([answer], timeout=0.2)
    assert not done
    sandbox.resume()
    assert await answer == b"b"
    connection.close()


async def test_a_paused_sandbox_can_be_reset_and_killed(backend: SandboxBackend, code: CodeStore) -> None:
    sandbox, output = await run(backend, code, "tell('up')\nwhile True: pass")
    await output.json()
    sandbox.pause()
    assert await sandbox.reset() == Exit(signal=signal.SIGKILL)
    await sandbox.start()
    await output.json()
    sandbox.pause()
    await sandbox.kill()
    assert await sandbox.wait() == Exit(signal=signal.SIGKILL)


LEAVES_A_CHILD = """
import signal, subprocess, tempfile
path = os.path.join(tempfile.gettempdir(), "kept")
tell(open(path).read() if os.path.exists(path) else None)
open(path, "w").write("still here")
child = subprocess.Popen([sys.executable, "-c", "import signal; print('child', flush=True); signal.pause()"])
tell("up")
signal.pause()
"""


async def test_a_reset_ends_every_process_and_keeps_the_files_of_tmp(backend: SandboxBackend, code: CodeStore) -> None:
    mark = f"mark-{os.urandom(8).hex()}"
    sandbox, output = await run(backend, code, LEAVES_A_CHILD, env={"MARK": mark})
    assert await output.json() is None
    assert {await output.line(), await output.line()} == {'"up"', "child"}
    assert len(processes_with(mark)) == 2
    assert await sandbox.reset() == Exit(signal=signal.SIGKILL)
    assert processes_with(mark) == []
    await sandbox.start()
    assert await output.json() == "still here"
    await sandbox.kill()
    assert processes_with(mark) == []


async def test_a_reset_with_grace_lets_the_runtime_end_itself(backend: SandboxBackend, code: CodeStore) -> None:
    script = "import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); tell('up'); signal.pause()"
    sandbox, output = await run(backend, code, script)
    await output.json()
    assert await sandbox.reset(grace_s=5) == Exit(code=7)


async def test_a_reset_after_the_process_ended_tells_how_it_did(backend: SandboxBackend, code: CodeStore) -> None:
    sandbox, _ = await run(backend, code, "sys.exit(5)")
    assert await sandbox.wait() == Exit(code=5)
    assert await sandbox.reset() == Exit(code=5)


async def test_who_waits_before_the_start_hears_of_the_end(backend: SandboxBackend, code: CodeStore) -> None:
    runtime = script_runtime()
    sandbox = await backend.prepare(runtime)
    await sandbox.assign(assignment(sandbox, runtime, code.add({"main.py": "import sys; sys.exit(4)"})))
    waiting = asyncio.get_running_loop().create_task(sandbox.wait())
    await sandbox.start()
    assert await waiting == Exit(code=4)


async def test_memory_beyond_the_limit_kills_and_says_so(backend: SandboxBackend, code: CodeStore) -> None:
    script = "tell('up')\nheld = []\nwhile True: held.append(bytearray(os.urandom(1) * 1048576))"
    sandbox, output = await run(backend, code, script, memory_mib=128)
    await output.json()
    assert await sandbox.wait() == Exit(signal=signal.SIGKILL, out_of_memory=True)
    await sandbox.reset()
    await sandbox.start()
    assert await output.json() == "up"


async def test_memory_of_a_child_counts_and_the_whole_sandbox_ends(backend: SandboxBackend, code: CodeStore) -> None:
    hungry = "held = bytearray(b'x' * 400 * 1048576); import signal; signal.pause()"
    script = f"import signal, subprocess; subprocess.Popen([sys.executable, '-c', {hungry!r}]); signal.pause()"
    sandbox, _ = await run(backend, code, script, memory_mib=128)
    assert await sandbox.wait() == Exit(signal=signal.SIGKILL, out_of_memory=True)


async def test_usage_is_the_peak_of_the_runtimes_process(backend: SandboxBackend, code: CodeStore) -> None:
    script = "held = bytearray(b'x' * 100 * 1048576); del held; tell('freed'); import signal; signal.pause()"
    sandbox, output = await run(backend, code, script, memory_mib=512)
    await output.json()
    assert 200 * MIB <= sandbox.usage().memory_peak_bytes <= 260 * MIB  # the literal and its copy
    await sandbox.kill()
    assert sandbox.usage().memory_peak_bytes >= 200 * MIB


async def test_killing_ends_every_process_once_and_for_all(backend: SandboxBackend, code: CodeStore) -> None:
    mark = f"mark-{os.urandom(8).hex()}"
    sandbox, output = await run(backend, code, LEAVES_A_CHILD, env={"MARK": mark})
    await output.json()
    await asyncio.gather(sandbox.kill(), sandbox.kill())
    await sandbox.kill()
    assert processes_with(mark) == []
    assert sandbox.sockets.runtime_api.fileno() == -1
    with pytest.raises(OSError):
        os.fstat(sandbox.output)
    with pytest.raises(InternalError):
        await sandbox.start()


async def test_closing_the_backend_ends_all_sandboxes(backend: SandboxBackend, code: CodeStore) -> None:
    mark = f"mark-{os.urandom(8).hex()}"
    script = "tell('up'); import signal; signal.pause()"
    running = [await run(backend, code, script, env={"MARK": mark}) for _ in range(3)]
    for _, output in running:
        await output.json()
    assert len(processes_with(mark)) == 3
    await backend.close()
    assert processes_with(mark) == []
    with pytest.raises(InternalError):
        await backend.prepare(script_runtime())


async def test_sandboxes_can_be_made_at_once_and_have_nothing_in_common(
    backend: SandboxBackend, code: CodeStore
) -> None:
    script = "import tempfile; tell(os.listdir(tempfile.gettempdir())); open(tempfile.gettempdir() + '/x', 'w')"
    running = await asyncio.gather(*(run(backend, code, script) for _ in range(5)))
    assert [await output.json() for _, output in running] == [[]] * 5
    assert len({sandbox.id for sandbox, _ in running}) == 5
    for sandbox, _ in running:
        assert await sandbox.wait() == Exit(code=0)


async def test_code_that_is_not_there_is_refused_and_the_sandbox_is_gone(
    backend: SandboxBackend, code: CodeStore
) -> None:
    runtime = script_runtime()
    sandbox = await backend.prepare(runtime)

    async def attempt() -> None:
        await sandbox.assign(assignment(sandbox, runtime, code.root / "absent"))
        await sandbox.start()

    with pytest.raises(PortError):
        await attempt()
    assert sandbox.sockets.runtime_api.fileno() == -1


async def test_open_files_are_limited(backend: SandboxBackend, code: CodeStore) -> None:
    script = """
import resource
files = []
try:
    while True: files.append(os.dup(0))
except OSError as error:
    limits = [resource.getrlimit(each) for each in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)]
    tell([max(files), error.errno, *limits])
"""
    _, output = await run(backend, code, script)
    assert await output.json() == [1023, errno.EMFILE, [1024, 1024], [0, 0]]


async def accept(listening: socket.socket) -> socket.socket:
    listening.setblocking(False)
    connection, _ = await asyncio.get_running_loop().sock_accept(listening)
    return connection
