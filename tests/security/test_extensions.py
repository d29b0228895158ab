"""A hostile extension: what runs beside the runtime gets no more than the runtime."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel import limits
from ramuda.kernel.ports.sandbox import Program, SandboxBackend
from tests.sandboxes import CodeStore, assignment, script_runtime
from tests.security.conftest import ATTEMPT

Attack = Callable[..., Awaitable[Any]]
SLEEP = "import time\ntime.sleep(60)"


@pytest.fixture
async def beside(backend: SandboxBackend, code: CodeStore, tmp_path: Path) -> AsyncIterator[Attack]:
    """Runs hostile code as an extension, and answers what it prints last, as JSON."""
    ends: list[int] = []

    async def go(script: str, **env: str) -> Any:
        runtime = script_runtime()
        sandbox = await backend.prepare(runtime)
        opt = code.add({"extensions/hostile": f"#!/usr/bin/env python3\nimport json, os\n{ATTEMPT}\n{script}"})
        (opt / "extensions" / "hostile").chmod(0o755)
        task = code.add({"main.py": SLEEP})
        given = assignment(sandbox, runtime, task, opt_dir=opt, env={"FUNCTIONS_OWN": "secret"})
        await sandbox.assign(given)
        await sandbox.start()
        reading, writing = os.pipe()
        ends.append(reading)
        path = dict(runtime.environment)["PATH"]
        program = Program(argv=("/opt/extensions/hostile",), env={"PATH": path, **env}, output=writing)
        ended = await sandbox.start_beside(program)
        os.close(writing)
        said = b""
        while piece := await asyncio.to_thread(os.read, reading, 65536):
            said += piece
        await ended
        return json.loads(said.splitlines()[-1])

    yield go
    for fd in ends:
        os.close(fd)


async def test_an_extension_is_the_functions_user_without_privileges(beside: Attack) -> None:
    ids, capabilities, privileges, mount, ptrace, root = await beside(
        "status = dict(line.split(':', 1) for line in open('/proc/self/status').read().splitlines())\n"
        "caps = [status[n].strip() for n in status if n.startswith('Cap')]\n"
        "print(json.dumps([os.getresuid() + os.getresgid(), caps,\n"
        "  status['NoNewPrivs'].strip(), call(165, b'none', b'/tmp', b'tmpfs', 0, 0), call(101, 16, 1, 0, 0),\n"
        "  attempt(lambda: os.setuid(0))]))"
    )
    assert ids == [limits.SANDBOX_UID] * 3 + [limits.SANDBOX_GID] * 3
    assert set(capabilities) == {"0" * 16}
    assert privileges == "1"
    assert (mount, ptrace) == ("EPERM", "EPERM")
    assert root in ("EPERM", "EINVAL"), "there is no such user in its namespace"


async def test_an_extension_has_its_own_environment_and_no_descriptor_but_the_standard_ones(beside: Attack) -> None:
    variables, fds, limit = await beside(
        "import resource\nfds = sorted(int(n) for n in os.listdir('/proc/self/fd'))\n"
        "print(json.dumps([dict(os.environ), fds, resource.getrlimit(resource.RLIMIT_NOFILE)]))",
        MINE="1",
    )
    variables.pop("PATH")
    variables.pop("LC_CTYPE", None)  # Python's own
    assert variables == {"MINE": "1"}
    assert fds == [0, 1, 2, 3], "the last is the folder that is being listed"
    assert limit == [limits.OPEN_FILES, limits.OPEN_FILES]


async def test_an_extension_sees_its_functions_files_and_processes_and_nobody_elses(beside: Attack) -> None:
    written, roots, processes, killed = await beside(
        "names = []\n"
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    names.append(attempt(lambda: open(f'/proc/{pid}/cmdline').read().split(chr(0))[-2]))\n"
        "print(json.dumps([[attempt(lambda: open(p, 'w') and 'written') for p in\n"
        "    ('/var/task/x', '/opt/x', '/x', '/opt/extensions/hostile')],\n"
        "  sorted(os.listdir('/')), sorted(names), attempt(lambda: os.kill(1, 9))]))"
    )
    assert written == ["EROFS"] * 4
    assert "home" not in roots
    assert set(processes) <= {"/var/task/main.py", "/opt/extensions/hostile"}
    assert killed in (None, "EPERM"), "process 1 does not hear it"


async def test_an_extension_lives_in_the_namespaces_of_its_sandbox(beside: Attack) -> None:
    kinds = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    inside, refused = await beside(
        f"kinds = {kinds!r}\n"
        "print(json.dumps([[os.readlink(f'/proc/self/ns/{kind}') for kind in kinds],\n"
        "  attempt(lambda: socket.create_connection(('127.0.0.1', 22), timeout=5) and 'reached')]))"
    )
    outside = [os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]
    shared = {kind for kind, here, there in zip(kinds, outside, inside, strict=True) if here == there}
    assert shared <= {"cgroup", "user"}
    assert refused == "ECONNREFUSED"
