"""Control groups: what both versions of Linux's interface have in common, and which one is here.

Every server has one group of its own, named so that a later server can tell whether its owner still lives, and in
it one group a sandbox. A version 1 hierarchy per controller and the unified version 2 are alike to the rest of the
house: a `Groups` makes a `Group`, whose files stay open, so that freezing or limiting costs one system call.
"""

import contextlib
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

CPU_QUOTA_MIN_US = 1000  # the kernel's floor
ROOT = Path("/sys/fs/cgroup")
PARENT = "ramuda"
_numbers = itertools.count()


class Group(Protocol):
    """One sandbox's control group. `limits_memory` and `freezes` tell what it can do here."""

    @property
    def limits_memory(self) -> bool: ...

    @property
    def freezes(self) -> bool: ...

    def entrances(self) -> list[int]:
        """Newly opened cgroup.procs files: a process that writes "0" to each is in. The caller closes them."""
        ...

    def limit_memory(self, mib: int) -> None: ...

    def limit_cpu(self, vcpus: float | None) -> None:
        """None: no limit."""
        ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def oom_kills(self) -> int:
        """Processes that the memory limit has killed so far."""
        ...

    def oom_event(self) -> int | None:
        """An eventfd that becomes readable when the limit is about to kill, None where the kernel kills the whole
        group by itself. Closed by `remove`."""
        ...

    def remove(self) -> bool:
        """Whether it is gone; False while a dying process is still in it."""
        ...


class Groups(Protocol):
    """Makes groups. `lacks` names the controllers that are missing here."""

    @property
    def lacks(self) -> tuple[str, ...]: ...

    def create(self, name: str) -> Group: ...

    def close(self) -> None:
        """Removes the server's own, by then empty, group."""
        ...


def owner_name() -> str:
    """A new name that tells this process from all that ever ran on this machine: pid namespace, pid, start time."""
    return f"{_pid_namespace()}-{os.getpid()}-{_started(os.getpid())}-{next(_numbers)}"


def is_stale(name: str) -> bool:
    """Whether a server's group belongs to a server of this pid namespace that runs no more."""
    match name.split("-"):
        case [namespace, pid, started, _]:
            return namespace == _pid_namespace() and pid.isdecimal() and _started(int(pid)) != started
        case _:
            return False


def remove_stale(parents: list[Path]) -> None:
    """Ends what crashed servers left in their groups, and removes these. `parents` holds servers' groups, one a
    controller."""
    stale = [child for parent in parents for child in _children(parent) if is_stale(child.name)]
    groups = [*(inner for outer in stale for inner in _children(outer)), *stale]
    for group in groups:
        for line in _lines(group / "cgroup.procs"):
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(line), signal.SIGKILL)
        with contextlib.suppress(OSError):
            _thaw(group)
    for group in groups:
        with contextlib.suppress(OSError):
            group.rmdir()  # one whose process is still dying is removed by the next server


def _thaw(group: Path) -> None:
    """In version 1 nobody dies of a signal while it is frozen; in version 2 SIGKILL goes through."""
    state = group / "freezer.state"
    if state.exists():
        state.write_text("THAWED")


def write(fd: int, value: object) -> None:
    os.write(fd, str(value).encode())


def counter(text: bytes, key: bytes) -> int:
    """The number after `key` in a file of `key number` lines."""
    for line in text.splitlines():
        name, _, value = line.partition(b" ")
        if name == key:
            return int(value)
    return 0


def cpu_quota_us(vcpus: float, period_us: int) -> int:
    return max(CPU_QUOTA_MIN_US, round(period_us * vcpus))


def _children(parent: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from [entry for entry in parent.iterdir() if entry.is_dir()]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _pid_namespace() -> str:
    return os.readlink("/proc/self/ns/pid").strip("pid:[]")


def _started(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]  # proc(5): field 22, counted from after the name
