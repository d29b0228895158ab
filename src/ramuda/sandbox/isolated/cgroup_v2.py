"""Control groups version 2: one unified hierarchy.

As root the servers' groups are below /sys/fs/cgroup/ramuda. Else they are below the group this process is in, when
it is delegated (`systemd-run --user -p Delegate=yes`): a group with processes cannot have limited children, so the
server moves itself into a leaf of its own first, and only when nobody else is in that group.

Source: https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

import contextlib
import os
from pathlib import Path

from ramuda.sandbox.isolated import cgroup
from ramuda.sandbox.options import Options

CONTROLLERS = ("memory", "cpu", "pids")
LEAF = "ramuda-server"
MIB = 1024 * 1024


class Groups:
    """Raises OSError when there is no hierarchy that this process may divide."""

    def __init__(
        self, options: Options, root: Path = cgroup.ROOT, membership: Path = Path("/proc/self/cgroup")
    ) -> None:
        self._options = options
        base = root if os.access(root / "cgroup.subtree_control", os.W_OK) else _own_group(root, membership)
        _divide(base)
        parent = base / cgroup.PARENT
        parent.mkdir(exist_ok=True)
        _enable(parent)
        cgroup.remove_stale([parent])
        self._parent = parent / cgroup.owner_name()
        self._parent.mkdir(exist_ok=True)
        enabled = _enable(self._parent)
        self.lacks = tuple(name for name in CONTROLLERS if name not in enabled)

    def create(self, name: str) -> "Group":
        return Group(self._parent / name, self._options, self.lacks)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._parent.rmdir()


class Group:
    def __init__(self, folder: Path, options: Options, lacks: tuple[str, ...]) -> None:
        self._folder = folder
        self._period_us = options.cpu_period_us
        self._has_memory = "memory" not in lacks
        folder.mkdir()
        if "pids" not in lacks:
            (folder / "pids.max").write_text(str(options.pids_max))
        if self._has_memory:
            (folder / "memory.oom.group").write_text("1")
        self._freezer = os.open(folder / "cgroup.freeze", os.O_WRONLY)
        self._quota = os.open(folder / "cpu.max", os.O_WRONLY) if "cpu" not in lacks else None
        self._events = os.open(folder / "memory.events", os.O_RDONLY) if self._has_memory else None

    @property
    def limits_memory(self) -> bool:
        return self._has_memory

    @property
    def freezes(self) -> bool:
        return True

    def entrances(self) -> list[int]:
        return [os.open(self._folder / "cgroup.procs", os.O_WRONLY)]

    def limit_memory(self, mib: int) -> None:
        if not self._has_memory:
            return
        (self._folder / "memory.max").write_text(str(mib * MIB))
        with contextlib.suppress(FileNotFoundError):  # a kernel without swap
            (self._folder / "memory.swap.max").write_text("0")

    def limit_cpu(self, vcpus: float | None) -> None:
        if self._quota is not None:
            quota = "max" if vcpus is None else cgroup.cpu_quota_us(vcpus, self._period_us)
            cgroup.write(self._quota, f"{quota} {self._period_us}")

    def freeze(self) -> None:
        cgroup.write(self._freezer, 1)

    def thaw(self) -> None:
        cgroup.write(self._freezer, 0)

    def oom_kills(self) -> int:
        return cgroup.counter(os.pread(self._events, 4096, 0), b"oom_kill") if self._events is not None else 0

    def oom_event(self) -> int | None:
        return None

    def remove(self) -> bool:
        for fd in (self._freezer, self._quota, self._events):
            if fd is not None and fd >= 0:
                os.close(fd)
        self._freezer, self._quota, self._events = -1, None, None
        try:
            self._folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


def _own_group(root: Path, membership: Path) -> Path:
    for line in membership.read_text().splitlines():
        hierarchy, _, path = line.split(":", 2)
        if hierarchy == "0":
            return root / path.lstrip("/")
    raise FileNotFoundError("this process is in no version 2 group")


def _divide(base: Path) -> None:
    """Makes room for children with limits: leaves `base` when it is not the hierarchy's root."""
    try:
        _enable(base)
    except OSError:
        if set((base / "cgroup.procs").read_text().split()) != {str(os.getpid())}:
            raise
        (base / LEAF).mkdir(exist_ok=True)
        (base / LEAF / "cgroup.procs").write_text(str(os.getpid()))
        _enable(base)


def _enable(folder: Path) -> list[str]:
    """Lets the folder's children have what controllers there are; which these are."""
    available = (folder / "cgroup.controllers").read_text().split()
    wanted = [name for name in CONTROLLERS if name in available]
    if not wanted:
        raise FileNotFoundError(f"{folder} offers none of the controllers {', '.join(CONTROLLERS)}")
    (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))
    return wanted
