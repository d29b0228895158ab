"""What runs beside the runtime, on every backend that works on this machine."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from ramuda.kernel.errors import InternalError
from ramuda.kernel.ports.sandbox import Exit, NotLaunched, Program, Sandbox, SandboxBackend
from tests.contract.test_sandbox import backend, code, folders  # noqa: F401 - fixtures
from tests.sandboxes import CodeStore, Reader, assignment, script_runtime

SLEEP = "import time\ntime.sleep(60)"


class Extensions:
    """A folder for /opt, and a pipe for what its programs print."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "opt"
        (self.folder / "extensions").mkdir(parents=True)
        self.reading, self.writing = os.pipe()
        os.fchmod(self.writing, 0o666)

    def add(self, name: str, text: str, mode: int = 0o755) -> None:
        path = self.folder / "extensions" / name
        path.write_text(text)
        path.chmod(mode)

    def program(self, name: str, **env: str) -> Program:
        return Program(argv=(f"/opt/extensions/{name}",), env={"PATH": "/usr/bin:/bin", **env}, output=self.writing)

    async def line(self) -> str:
        return (await asyncio.to_thread(os.read, self.reading, 4096)).decode()

    def close(self) -> None:
        os.close(self.reading)
        os.close(self.writing)


@pytest.fixture
def extensions(tmp_path: Path) -> "Extensions":
    return Extensions(tmp_path)


async def sandbox_of(backend: SandboxBackend, code: CodeStore, extensions: Extensions) -> Sandbox:  # noqa: F811
    runtime = script_runtime()
    sandbox = await backend.prepare(runtime)
    given = assignment(sandbox, runtime, code.add({"main.py": SLEEP}), opt_dir=extensions.folder)
    await sandbox.assign(given)
    return sandbox


async def test_a_program_starts_before_the_runtime_with_its_own_environment_and_tells_how_it_ended(
    backend: SandboxBackend,  # noqa: F811
    code: CodeStore,  # noqa: F811
    extensions: Extensions,
) -> None:
    extensions.add("one", '#!/bin/sh\necho "$COLOR" > /dev/stdout\nexit 7\n')
    sandbox = await sandbox_of(backend, code, extensions)
    ended = await sandbox.start_beside(extensions.program("one", COLOR="blue"))
    await sandbox.start()
    assert await extensions.line() == "blue\n"
    assert await ended == Exit(code=7)
    extensions.close()


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [("#!/bin/sh\n", 0o644, "EACCES"), ("#!/no/such/interpreter\n", 0o755, "ENOENT"), ("\0\1\2\3", 0o755, "ENOEXEC")],
)
async def test_what_cannot_be_executed_is_told_and_the_sandbox_goes_on(
    backend: SandboxBackend,  # noqa: F811
    code: CodeStore,  # noqa: F811
    extensions: Extensions,
    text: str,
    mode: int,
    reason: str,
) -> None:
    extensions.add("bad", text, mode)
    extensions.add("good", "#!/bin/sh\necho here\n")
    sandbox = await sandbox_of(backend, code, extensions)
    with pytest.raises(NotLaunched) as refused:
        await sandbox.start_beside(extensions.program("bad"))
    assert refused.value.reason == reason
    await sandbox.start_beside(extensions.program("good"))
    assert await extensions.line() == "here\n"
    extensions.close()


async def test_a_reset_ends_programs_beside_a_runtime_that_was_never_started_and_starts_work_again(
    backend: SandboxBackend,  # noqa: F811
    code: CodeStore,  # noqa: F811
    extensions: Extensions,
) -> None:
    extensions.add("waits", "#!/bin/sh\nexec sleep 60\n")
    sandbox = await sandbox_of(backend, code, extensions)
    ended = await sandbox.start_beside(extensions.program("waits"))
    await sandbox.reset()
    assert await ended == Exit(signal=signal.SIGKILL)
    ended = await sandbox.start_beside(extensions.program("waits"))
    await sandbox.start()
    await sandbox.kill()
    assert await ended == Exit(signal=signal.SIGKILL)
    extensions.close()


async def test_the_runtime_can_be_ended_alone(
    backend: SandboxBackend,  # noqa: F811
    code: CodeStore,  # noqa: F811
    extensions: Extensions,
) -> None:
    extensions.add("waits", "#!/bin/sh\necho up\nexec sleep 60\n")
    sandbox = await sandbox_of(backend, code, extensions)
    ended = await sandbox.start_beside(extensions.program("waits"))
    await sandbox.start()
    assert await extensions.line() == "up\n"
    sandbox.signal_runtime(signal.SIGKILL)
    assert await sandbox.wait() == Exit(signal=signal.SIGKILL)
    assert not asyncio.ensure_future(ended).done()
    await sandbox.kill()
    assert await ended == Exit(signal=signal.SIGKILL)
    extensions.close()


async def test_nothing_runs_beside_a_runtime_before_the_sandbox_is_a_functions(
    backend: SandboxBackend,  # noqa: F811
    extensions: Extensions,
) -> None:
    sandbox = await backend.prepare(script_runtime())
    with pytest.raises(InternalError, match=r"start_beside of sandbox .* which is prepared"):
        await sandbox.start_beside(extensions.program("one"))
    with pytest.raises(InternalError, match="signal_runtime of sandbox"):
        sandbox.signal_runtime(signal.SIGTERM)
    with pytest.raises(InternalError, match="socket of sandbox"):
        await sandbox.socket()
    extensions.close()


async def test_the_server_reaches_what_listens_inside(
    backend: SandboxBackend,  # noqa: F811
    code: CodeStore,  # noqa: F811
    extensions: Extensions,
) -> None:
    runtime = script_runtime()
    sandbox = await backend.prepare(runtime)
    script = (
        "import socket\ns = socket.create_server(('127.0.0.1', 0))\nprint(s.getsockname()[1], flush=True)\n"
        "c, _ = s.accept()\nc.sendall(b'hello')\nc.close()\n"
    )
    await sandbox.assign(assignment(sandbox, runtime, code.add({"main.py": script})))
    await sandbox.start()
    port = int(await Reader(sandbox).json())
    made = await sandbox.socket()
    loop = asyncio.get_running_loop()
    await loop.sock_connect(made, ("127.0.0.1", port))
    assert await loop.sock_recv(made, 100) == b"hello"
    made.close()
