"""What a process that is to be copied can do to whoever copies it: it is stopped, but its signals, its relatives and
its memory were hostile before."""

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="copies are made on x86_64 only")

BEGIN = """
import ctypes, mmap, os, select, signal, sys, time
from ramuda.sandbox.isolated.inside import seccomp, snapshot_fork, snapshot_trace, syscalls
ANY_ACCESS = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
libc = ctypes.CDLL(None, use_errno=True)
alive, says_alive = os.pipe()
waiting, _ = os.pipe()

def confined():
    os.close(alive)
    syscalls.no_new_privileges()
    syscalls.install_filter(seccomp.program(copied=True))

def new_user():
    return libc.syscall(56, syscalls.CLONE_NEWUSER | 17, 0, 0, 0, 0)

def told(limit_ms=10_000):
    # What the processes that got away say; nothing when the last of them has ended.
    os.close(says_alive)
    poll = select.poll()
    poll.register(alive, select.POLLIN | select.POLLHUP)
    return os.read(alive, 100) if poll.poll(limit_ms) else b"they live"
"""

BEGINS_NAMESPACES_WHILE_IT_IS_HELD = """
hostile = os.fork()
if hostile == 0:
    confined()
    while (pid := new_user()) < 0:  # there is no tracer yet
        pass
    if pid == 0:
        os.write(says_alive, b"with rights")
        time.sleep(60)
    os.read(waiting, 1)
tracer = os.fork()
if tracer == 0:
    os.close(says_alive)
    try:
        snapshot_trace.hold(hostile)
    except OSError:
        os._exit(3)
    os._exit(0)
refused = os.waitstatus_to_exitcode(os.waitpid(tracer, 0)[1])
print(refused, os.waitstatus_to_exitcode(os.waitpid(hostile, 0)[1]), told())
"""

KILLS_ITS_TRACER = """
hostile = os.fork()
if hostile == 0:
    confined()
    os.read(waiting, 1)
    os.write(says_alive, b"with rights")
    time.sleep(60)
tracer = os.fork()
if tracer == 0:
    os.close(says_alive)
    held = snapshot_trace.hold(hostile)
    held.copy(syscalls.CLONE_NEWUSER | 17)
    os.kill(os.getpid(), signal.SIGKILL)
print(os.waitstatus_to_exitcode(os.waitpid(tracer, 0)[1]), os.waitstatus_to_exitcode(os.waitpid(hostile, 0)[1]), told())
"""

CHANGES_THE_INSTRUCTION = """
code = mmap.mmap(-1, 4096, mmap.MAP_SHARED, ANY_ACCESS)
code.write(bytes.fromhex("0f05c3"))  # syscall; ret
address = ctypes.addressof(ctypes.c_char.from_buffer(code))
buffer = ctypes.create_string_buffer(8)
hostile = os.fork()
if hostile == 0:
    confined()
    setup = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, ANY_ACCESS)
    setup.write(b"\\x31\\xc0" + b"\\x48\\xb9" + address.to_bytes(8, "little") + b"\\xff\\xe1")  # read by way of `code`
    ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_long)(
        ctypes.addressof(ctypes.c_char.from_buffer(setup)))(waiting, ctypes.addressof(buffer), 1)
    os.write(says_alive, b"with rights")
    time.sleep(60)
tracer = os.fork()
if tracer == 0:
    os.close(says_alive)
    held = snapshot_trace.hold(hostile)
    copied = held.copy(syscalls.CLONE_NEWUSER | 17)
    code[0:2] = b"\\x90\\x90"  # what its sibling, which shares this memory, does
    try:
        snapshot_fork._take_privileges(copied, os.open(f"/proc/{copied.pid}", os.O_RDONLY))
    except OSError:
        os._exit(3)
    copied.release(result=1)
    held.release()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(tracer, 0)[1]), os.waitstatus_to_exitcode(os.waitpid(hostile, 0)[1]), told())
"""


def printed(script: str) -> str:
    ended = subprocess.run([sys.executable, "-c", BEGIN + script], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_a_process_that_makes_namespaces_while_it_is_held_ends_with_all_it_made() -> None:
    assert printed(BEGINS_NAMESPACES_WHILE_IT_IS_HELD) == "3 -9 b''"


def test_a_copy_whose_maker_was_killed_ends_before_it_can_use_its_rights() -> None:
    assert printed(KILLS_ITS_TRACER) == "-9 -9 b''"


def test_a_copy_that_did_not_really_give_up_its_rights_is_not_let_go() -> None:
    """Its system calls were instructions that another process had changed meanwhile."""
    assert printed(CHANGES_THE_INSTRUCTION) == "3 -9 b''"
