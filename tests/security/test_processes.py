"""What a function can do to other processes, to the kernel, and to the machine's resources."""

import asyncio
import os
import platform
import signal
from collections.abc import Awaitable, Callable

import pytest

from ramuda.kernel.ports.sandbox import Exit, Sandbox
from ramuda.sandbox.isolated.inside import seccomp, template
from tests.sandboxes import Reader
from tests.security.conftest import Attack

Start = Callable[..., Awaitable[tuple[Sandbox, Reader]]]
COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine(), 0)


async def test_only_its_own_processes_are_listed(attack: Attack) -> None:
    seen = await attack("tell([sorted(name for name in os.listdir('/proc') if name.isdigit()), os.getpid()])")
    assert seen == [["2"], 2]


async def test_init_can_neither_be_seen_nor_signalled_nor_traced(attack: Attack) -> None:
    seen = await attack("""
import signal
reads = [attempt(lambda: os.listdir("/proc/1/" + name)) for name in ("fd", "task", "ns")]
reads += [attempt(lambda: open("/proc/1/" + name).read()) for name in ("mem", "environ", "maps", "cmdline")]
numbers = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP, signal.SIGCHLD)
signals = [attempt(lambda: os.kill(1, number)) for number in numbers]
tell([reads, signals, libc.ptrace(16, 1, 0, 0)])
""")
    reads, signals, traced = seen
    assert set(reads) == {"ENOENT"}
    assert set(signals) <= {"EPERM", None}  # as its own user, without root, a signal is sent, and process 1 ignores it
    assert traced == -1


async def test_the_sandbox_outlives_every_signal_that_a_function_can_send(start: Start) -> None:
    script = """
import signal
for number in range(1, 65):
    attempt(lambda: os.kill(1, number))
attempt(lambda: os.kill(-1, 0))
tell("still here")
"""
    sandbox, output = await start(script)
    assert await output.json() == "still here"
    assert await sandbox.wait() == Exit(code=0)
    await sandbox.reset()
    await sandbox.start()
    assert await output.json() == "still here"


async def test_every_denied_system_call_answers_eperm(attack: Attack) -> None:
    numbers = {name: pair[COLUMN] for name, pair in seccomp.DENIED.items() if pair[COLUMN] >= 0}
    seen = await attack(f"tell({{name: call(number, 0, 0, 0, 0, 0, 0) for name, number in {numbers!r}.items()}})")
    assert seen == dict.fromkeys(numbers, "EPERM")


async def test_new_namespaces_cannot_be_made_by_any_call(attack: Attack) -> None:
    clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
    seen = await attack(f"""
flags = [0x80, 0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]
tell([[call({clone}, flag | 17, 0, 0, 0, 0) for flag in flags], call(435, 0, 0), libc.unshare(0x10000000),
      libc.setns(0, 0)])
""")
    assert seen == [["EPERM"] * 8, "ENOSYS", -1, -1]


async def test_sockets_of_unneeded_families_cannot_be_opened(attack: Attack) -> None:
    seen = await attack("""
families = {"packet": (17, 3, 0), "vsock": (40, 1, 0), "alg": (38, 5, 0), "netfilter": (16, 3, 12), "audit": (16, 3, 9),
            "bluetooth": (31, 3, 1), "raw": (2, 3, 1), "ping": (2, 2, 1)}
tell({name: attempt(lambda: socket.socket(*arguments).close()) for name, arguments in families.items()})
""")
    unsupported = dict.fromkeys(("packet", "vsock", "alg", "netfilter", "audit", "bluetooth"), "EAFNOSUPPORT")
    assert seen == {**unsupported, "raw": "EPERM", "ping": "EACCES"}


async def test_what_programs_need_still_works(attack: Attack) -> None:
    seen = await attack("""
import multiprocessing.connection, tempfile, threading, uuid
thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
left, right = socket.socketpair(); left.send(b"x")
tell([subprocess.run(["/bin/echo", "child"], capture_output=True).stdout.decode(), right.recv(1).decode(),
      [name for _, name in socket.if_nameindex()], os.path.exists(tempfile.mkdtemp()), len(os.urandom(8)),
      socket.gethostbyname("localhost"), __import__("pwd").getpwuid(os.getuid()).pw_name])
""")
    assert seen == ["child\n", "x", ["lo"], True, 8, "127.0.0.1", "sbx_user1051"]


async def test_a_fork_bomb_stays_in_its_sandbox_and_dies_with_it(start: Start) -> None:
    if os.geteuid() != 0:
        pytest.skip("without control groups processes are not limited")
    script = """
count = 0
try:
    while True:
        if os.fork() == 0:
            import signal
            signal.pause()
        count += 1
except OSError as error:
    tell([count, errno.errorcode[error.errno]])
import signal
signal.pause()
"""
    sandbox, output = await start(script, memory_mib=2048)
    assert await output.json() == [1023, "EAGAIN"]
    assert await sandbox.reset() == Exit(signal=signal.SIGKILL)
    await sandbox.kill()


async def test_a_bomb_of_all_children_is_ended_by_kill(start: Start) -> None:
    sandbox, output = await start("tell('lit')\nwhile True: attempt(os.fork)", memory_mib=1024)
    assert await output.json() == "lit"
    async with asyncio.timeout(10):
        await sandbox.kill()
    assert await sandbox.wait() == Exit(signal=signal.SIGKILL)


async def test_only_standard_descriptors_are_inherited(attack: Attack) -> None:
    seen = await attack("""
listed = os.open("/proc/self/fd", os.O_RDONLY)
names = [fd for fd in os.listdir(listed) if int(fd) != listed]
links = {fd: attempt(lambda: os.readlink("/proc/self/fd/" + fd)) for fd in names}
tell({fd: link for fd, link in links.items() if link != "ENOENT"})  # but the one that listed them
""")
    assert set(seen) == {"0", "1", "2"}
    assert seen["0"] == "/dev/null"
    assert seen["1"] == seen["2"]
    assert seen["1"].startswith("pipe:")


async def test_environment_and_memory_hold_nothing_of_the_server(attack: Attack) -> None:
    os.environ["RAMUDA_TEST_SECRET"] = "do-not-leak-this-value"
    try:
        seen = await attack("""
leaks = [name for name in ("environ", "cmdline") if b"do-not-" + b"leak" in open("/proc/self/" + name, "rb").read()]
tell([leaks, "RAMUDA_TEST_SECRET" in os.environ])
""")
    finally:
        del os.environ["RAMUDA_TEST_SECRET"]
    assert seen == [[], False]


async def test_limits_cannot_be_raised(attack: Attack) -> None:
    seen = await attack("""
import resource
def raise_limit(which):
    try:
        resource.setrlimit(which, (4096, 4096)); return "raised"
    except (ValueError, OSError) as error:
        return type(error).__name__
tell([raise_limit(resource.RLIMIT_NOFILE), raise_limit(resource.RLIMIT_CORE), attempt(lambda: os.nice(-5)),
      attempt(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))])
""")
    assert seen == ["ValueError", "ValueError", "EPERM", "EPERM"]


async def test_what_the_kernel_counts_by_user_is_not_shared_between_functions(start: Start) -> None:
    if os.geteuid() != 0:
        pytest.skip("without root all functions are one user to the kernel")
    script = """
count = 0
while libc.inotify_init() >= 0: count += 1
tell([count > 0, os.getresuid(), os.stat("/tmp").st_uid])
import signal
signal.pause()
"""
    for _ in range(2):
        _, output = await start(script)
        assert await output.json() == [True, [993] * 3, 993]


async def test_standard_output_can_be_opened_by_name(start: Start) -> None:
    _, output = await start("open('/dev/stdout', 'w').write('out\\n'); open('/dev/stderr', 'w').write('err\\n')")
    assert [await output.line(), await output.line()] == ["out", "err"]


async def test_functions_are_what_the_kernel_ends_first_when_the_machine_has_no_memory(attack: Attack) -> None:
    assert await attack("tell(open('/proc/self/oom_score_adj').read())") == f"{template.OOM_SCORE}\n"


async def test_sockets_of_rare_families_and_protocols_load_no_kernel_module(attack: Attack) -> None:
    families = [3, 15, 17, 21, 29, 30, 31, 38, 40, 44]  # AX.25, key, packet, RDS, CAN, TIPC, Bluetooth, ALG, VSOCK, XDP
    seen = await attack(f"""
def refusal(work, *arguments): return attempt(lambda: work(*arguments) and "made")
tell([{{refusal(work, family, socket.SOCK_STREAM) for family in {families!r} for work in
       (socket.socket, socket.socketpair)}},
      {{refusal(socket.socket, socket.AF_INET, kind, protocol) for kind in (1, 2, 5) for protocol in
       (33, 115, 132, 262)}}].__repr__())
""")
    assert seen == "[{'EAFNOSUPPORT'}, {'EPROTONOSUPPORT'}]"
