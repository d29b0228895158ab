"""What hostile code can do in an environment that was restored from a snapshot: no more than in any other."""

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.ports.sandbox import Origin, RuntimeSpec, Sandbox, SandboxBackend
from ramuda.sandbox import outbound
from ramuda.sandbox.isolated.inside import seccomp
from ramuda.sandbox.options import Options
from tests.sandboxes import CodeStore, FakeRuntimeApi, assignment, client_folder, lambda_runtime
from tests.security.conftest import ATTEMPT

RestoredAttack = Callable[..., Awaitable[Any]]
COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine(), 0)
CLONE = {"x86_64": 56, "aarch64": 220}.get(platform.machine(), 56)
SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
HANDLER = f"""
import json, os, sys
{ATTEMPT}
open("/tmp/from-init", "w").write("x")
def handler(event, context):
    told = []
    exec(event, {{**globals(), "tell": told.append}})
    return told
"""


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> RuntimeSpec:
    return lambda_runtime(client_folder(tmp_path_factory.mktemp("restored") / "client"))


@pytest.fixture
async def origin(backend: SandboxBackend, code: CodeStore, runtime: RuntimeSpec) -> AsyncIterator[Origin]:
    made = await backend.prepare_origin(runtime)
    task_dir = code.add({"main.py": HANDLER})
    await made.assign(assignment(made, runtime, task_dir, env=SNAP_START))
    async with FakeRuntimeApi(made) as api:
        await made.start()
        await api.asked.wait()
        await made.settle()
        yield made


@pytest.fixture
async def restored(
    origin: Origin, code: CodeStore, runtime: RuntimeSpec
) -> AsyncIterator[Callable[..., Awaitable[tuple[Sandbox, FakeRuntimeApi]]]]:
    """Restores another environment of the one snapshot."""
    async with AsyncExitStack() as stack:
        relay = outbound.Outbound(Options())

        async def restore(**settings: Any) -> tuple[Sandbox, FakeRuntimeApi]:
            copy = await origin.copy()
            await copy.assign(assignment(copy, runtime, code.root, env=SNAP_START, **settings))
            api = await stack.enter_async_context(FakeRuntimeApi(copy))
            stack.callback(relay.attach(copy.sockets).stop)
            await copy.start()
            return copy, api

        yield restore


@pytest.fixture
async def attack(restored: Callable[..., Awaitable[tuple[Sandbox, FakeRuntimeApi]]]) -> RestoredAttack:
    """Runs hostile code in a restored environment, and answers the first thing that it tells."""

    async def go(script: str, **settings: Any) -> Any:
        _, api = await restored(**settings)
        return (await api.invoke(script))[0]

    return go


async def test_only_its_own_processes_are_listed(attack: RestoredAttack) -> None:
    seen = await attack("tell([sorted(name for name in os.listdir('/proc') if name.isdigit()), os.getpid()])")
    listed, own = seen
    assert set(listed) == {"1", str(own)}


async def test_neither_it_nor_process_1_has_any_right(attack: RestoredAttack) -> None:
    seen = await attack("""
def rights(pid):
    pairs = (line.split() for line in open(f"/proc/{pid}/status"))
    return {pair[0]: pair[1] for pair in pairs if pair[0].startswith(("Cap", "NoNewPrivs:", "Seccomp:"))}
tell([rights("self"), rights(1), os.getresuid(), os.getresgid(), open("/proc/self/uid_map").read().split()[:1]])
""")
    none = dict.fromkeys(("CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"), "0000000000000000")
    expected = {**none, "NoNewPrivs:": "1", "Seccomp:": "2"}
    assert seen[:2] == [expected, expected]
    assert seen[2:] == [[993] * 3, [990] * 3, ["993"]]


async def test_every_denied_system_call_answers_eperm(attack: RestoredAttack) -> None:
    numbers = {name: pair[COLUMN] for name, pair in seccomp.DENIED.items() if pair[COLUMN] >= 0}
    seen = await attack(f"tell({{name: call(number, 0, 0, 0, 0, 0, 0) for name, number in {numbers!r}.items()}})")
    assert seen == dict.fromkeys(numbers, "EPERM")


async def test_new_namespaces_cannot_be_made_by_any_call(attack: RestoredAttack) -> None:
    seen = await attack(f"""
flags = [0x80, 0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x7e020080]
tell([[call({CLONE}, flag | 17, 0, 0, 0, 0) for flag in flags], call(435, 0, 0), libc.unshare(0x10000000),
      libc.setns(0, 0)])
""")
    assert seen == [["ENOSYS"] * 9, "ENOSYS", -1, -1]


async def test_the_original_cannot_make_namespaces_either(origin: Origin, attack: RestoredAttack) -> None:
    """The filter leaves that call to a tracer. There is none while the function's own code runs."""
    assert await attack(f"tell(call({CLONE}, 0x10000000 | 17, 0, 0, 0, 0))") == "ENOSYS"
    assert (await origin.copy()).id.startswith(origin.id)


async def test_no_descriptor_of_the_original_or_of_what_copied_it_is_left(attack: RestoredAttack) -> None:
    """/proc/net lists the sockets of the environment's own network: a foreign one would be missing there."""
    seen = await attack("""
listed = os.open("/proc/self/fd", os.O_RDONLY)
links = [attempt(lambda: os.readlink("/proc/self/fd/" + fd)) for fd in os.listdir(listed) if int(fd) != listed]
own = "".join(open("/proc/net/" + name).read() for name in ("unix", "tcp"))
tell([sorted(link.partition(":")[0] for link in links if link != "ENOENT" and not link.startswith("socket:")),
      [link[8:-1] in own for link in links if link.startswith("socket:")]])
""")
    assert seen[0] == ["/dev/null", "pipe", "pipe"]
    assert all(seen[1])


async def test_environments_of_one_snapshot_share_no_files_and_no_pipe(attack: RestoredAttack) -> None:
    script = "open('/tmp/mine', 'x').close(); tell([sorted(os.listdir('/tmp')), os.readlink('/proc/self/fd/1')])"
    one, other = await attack(script), await attack(script)
    assert one[0] == other[0] == ["from-init", "mine"]
    assert one[1] != other[1]


async def test_environments_of_one_snapshot_cannot_signal_each_other(
    restored: Callable[..., Awaitable[tuple[Sandbox, FakeRuntimeApi]]],
) -> None:
    (_, one), (_, other) = await restored(), await restored()
    seen = (await one.invoke("import signal\ntell([attempt(lambda: os.kill(n, 0)) for n in range(4, 5000)])"))[0]
    assert set(seen) == {"ESRCH"}
    assert (await other.invoke("tell('still here')"))[0] == "still here"


async def test_a_connection_to_where_the_runtime_api_is_reaches_the_own_one(
    restored: Callable[..., Awaitable[tuple[Sandbox, FakeRuntimeApi]]],
) -> None:
    (_, one), (_, other) = await restored(), await restored()
    script = """
with socket.create_connection(("127.0.0.1", 9001)) as connection:
    connection.sendall(b"POST /mine HTTP/1.1\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    connection.recv(10)
tell(attempt(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect("\\0ramuda-restore")))
"""
    await asyncio.gather(one.answer(), one.invoke(script))
    assert "/mine" in one.paths
    assert "/mine" not in other.paths


async def test_the_host_s_own_services_are_not_reached(attack: RestoredAttack) -> None:
    seen = await attack("""
def connect(address):
    with socket.socket() as made:
        made.settimeout(5)
        made.connect(address)
        return made.recv(1).decode()
tell([attempt(lambda: connect(("169.254.169.254", 80))), [name for _, name in socket.if_nameindex()]])
""")
    assert seen[0] in ("", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH")
    assert seen[1] == ["lo"]


async def test_the_root_is_read_only_and_old_mounts_cannot_be_uncovered(attack: RestoredAttack) -> None:
    seen = await attack("""
paths = ("/x", "/var/task/x", "/usr/x", "/etc/x", "/run/x", "/proc/sys/kernel/hostname")
tell([[attempt(lambda: open(path, "w").close()) for path in paths], libc.umount2(b"/tmp", 0), libc.umount2(b"/proc", 2),
      os.path.exists("/run/ramuda")])
""")
    assert set(seen[0]) <= {"EROFS", "EACCES", "EPERM"}
    assert seen[1:] == [-1, -1, False]


async def test_a_fork_bomb_stays_in_its_environment(attack: RestoredAttack) -> None:
    if os.geteuid() != 0:
        pytest.skip("without control groups processes are not limited")
    seen = await attack(
        """
count = 0
try:
    while True:
        if os.fork() == 0:
            import signal
            signal.pause()
        count += 1
except OSError as error:
    tell([count, errno.errorcode[error.errno]])
""",
        memory_mib=2048,
    )
    assert seen == [1022, "EAGAIN"]


async def test_limits_cannot_be_raised(attack: RestoredAttack) -> None:
    seen = await attack("""
import resource
def raise_limit(which):
    try:
        resource.setrlimit(which, (4096, 4096)); return "raised"
    except (ValueError, OSError) as error:
        return type(error).__name__
tell([raise_limit(resource.RLIMIT_NOFILE), raise_limit(resource.RLIMIT_CORE), attempt(lambda: os.nice(-5))])
""")
    assert seen == ["ValueError", "ValueError", "EPERM"]


async def test_nothing_is_left_when_origin_and_copies_have_ended(
    backend: SandboxBackend, code: CodeStore, runtime: RuntimeSpec
) -> None:
    if os.geteuid() != 0:
        pytest.skip("without control groups there is nothing to look at")
    made = await backend.prepare_origin(runtime)
    await made.assign(assignment(made, runtime, code.add({"main.py": HANDLER}), env=SNAP_START))
    async with FakeRuntimeApi(made) as api:
        await made.start()
        await api.asked.wait()
        await made.settle()
    copy = await made.copy()
    assert {path.name for path in groups_of(made)} == {made.id, copy.id}
    await backend.close()
    assert groups_of(made) == []


def groups_of(origin: Origin) -> list[Path]:
    """The control groups of a snapshot and its copies."""
    found = Path("/sys/fs/cgroup").glob(f"**/ramuda/*-{os.getpid()}-*/{origin.id}*")
    return [path for path in found if path.name == origin.id or path.name.startswith(f"{origin.id}.")]
