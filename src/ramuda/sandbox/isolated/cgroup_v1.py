"""Control groups version 1: one hierarchy a controller, below /sys/fs/cgroup/<controller>/ramuda/<server>/<sandbox>.

Source: https://docs.kernel.org/admin-guide/cgroup-v1/index.html
"""

import contextlib
import os
import struct
from pathlib import Path

from ramuda.sandbox.isolated import cgroup
from ramuda.sandbox.options import Options

CONTROLLERS = ("memory", "cpu", "cpuacct", "pids", "freezer")
EFD_FLAGS = os.EFD_CLOEXEC | os.EFD_NONBLOCK
MIB = 1024 * 1024


class Groups:
    """Raises OSError when no controller can be used."""

    def __init__(self, options: Options, root: Path = cgroup.ROOT) -> None:
        self._options = options
        folders = {name: root / name for name in CONTROLLERS if (root / name / "cgroup.procs").exists()}
        merged = {folder.resolve(): name for name, folder in reversed(folders.items())}  # cpu and cpuacct may be one
        owner = cgroup.owner_name()
        self._parents = {name: folder / cgroup.PARENT / owner for folder, name in merged.items()}
        self.lacks = tuple(name for name in ("memory", "cpu", "pids", "freezer") if name not in folders)
        cgroup.remove_stale([parent.parent for parent in self._parents.values()])
        for parent in self._parents.values():
            parent.mkdir(parents=True, exist_ok=True)
        if not self._parents:
            raise FileNotFoundError("no version 1 controller is mounted")

    def create(self, name: str) -> "Group":
        return Group({controller: parent / name for controller, parent in self._parents.items()}, self._options)

    def close(self) -> None:
        for parent in self._parents.values():
            with contextlib.suppress(OSError):
                parent.rmdir()


class Group:
    def __init__(self, folders: dict[str, Path], options: Options) -> None:
        self._folders = folders
        self._period_us = options.cpu_period_us
        self._freezer: int | None = None
        self._quota: int | None = None
        self._oom_control: int | None = None
        self._event: int | None = None
        for folder in folders.values():
            folder.mkdir()
        if "pids" in folders:
            (folders["pids"] / "pids.max").write_text(str(options.pids_max))
        if "freezer" in folders:
            self._freezer = os.open(folders["freezer"] / "freezer.state", os.O_WRONLY)
        if "cpu" in folders:
            (folders["cpu"] / "cpu.cfs_period_us").write_text(str(self._period_us))
            self._quota = os.open(folders["cpu"] / "cpu.cfs_quota_us", os.O_WRONLY)
        if "memory" in folders:
            self._oom_control = os.open(folders["memory"] / "memory.oom_control", os.O_RDONLY)

    @property
    def limits_memory(self) -> bool:
        return "memory" in self._folders

    @property
    def freezes(self) -> bool:
        return "freezer" in self._folders

    def entrances(self) -> list[int]:
        return [os.open(folder / "cgroup.procs", os.O_WRONLY) for folder in self._folders.values()]

    def limit_memory(self, mib: int) -> None:
        if "memory" not in self._folders:
            return
        folder = self._folders["memory"]
        (folder / "memory.limit_in_bytes").write_text(str(mib * MIB))
        with contextlib.suppress(FileNotFoundError):  # a kernel that does not account for swap
            (folder / "memory.memsw.limit_in_bytes").write_text(str(mib * MIB))

    def limit_cpu(self, vcpus: float | None) -> None:
        if self._quota is not None:
            cgroup.write(self._quota, -1 if vcpus is None else cgroup.cpu_quota_us(vcpus, self._period_us))

    def freeze(self) -> None:
        if self._freezer is not None:
            cgroup.write(self._freezer, "FROZEN")

    def thaw(self) -> None:
        if self._freezer is not None:
            cgroup.write(self._freezer, "THAWED")

    def oom_kills(self) -> int:
        return cgroup.counter(os.pread(self._oom_control, 4096, 0), b"oom_kill") if self._oom_control is not None else 0

    def oom_event(self) -> int | None:
        """Version 1 kills one process, be it a child of the runtime: who hears this ends the others, as version 2
        does."""
        if self._oom_control is None:
            return None
        self._event = os.eventfd(0, EFD_FLAGS)
        control = self._folders["memory"] / "cgroup.event_control"
        control.write_text(f"{self._event} {self._oom_control}")
        return self._event

    def remove(self) -> bool:
        for fd in (self._freezer, self._quota, self._oom_control, self._event):
            if fd is not None:
                os.close(fd)
        self._freezer = self._quota = self._oom_control = self._event = None
        for folder in self._folders.values():
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True


def consume(event: int) -> None:
    """Makes the eventfd wait for the next event."""
    with contextlib.suppress(BlockingIOError):
        struct.unpack("Q", os.read(event, 8))
