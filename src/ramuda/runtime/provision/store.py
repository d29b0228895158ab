"""Installed folders, by key. A folder appears complete or not at all, whoever else installs at the same time.

A key names its content (versions, a digest of what goes in), so a folder is never changed once it is there. A lock file
per key keeps other processes waiting while one installs; the kernel gives it back when that process dies.
"""

import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ramuda.kernel.errors import PortError

LOCK_TURN_S = 0.1
STAGING = ".staging-"


class Store:
    """Folders below `root`. All methods block."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._is_stopped = threading.Event()

    def stop(self) -> None:
        """Whoever waits for another process to install something waits no longer."""
        self._is_stopped.set()

    def find(self, key: str) -> Path | None:
        """The installed folder, if it is there."""
        folder = self.root / key
        return folder if folder.is_dir() else None

    def ensure(self, key: str, fill: Callable[[Path], None]) -> Path:
        """The folder; if it is not there, `fill` puts its content into an empty one, which then becomes it. What
        `fill` raises is raised here, and nothing stays behind."""
        found = self.find(key)
        if found is not None:
            return found
        self.root.mkdir(parents=True, exist_ok=True)
        with self._locked(key):
            return self.find(key) or self._install(key, fill)

    def _install(self, key: str, fill: Callable[[Path], None]) -> Path:
        for left in self.root.glob(f"{STAGING}{key}-*"):  # of a process that died; we hold its lock
            shutil.rmtree(left, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=f"{STAGING}{key}-", dir=self.root))
        try:
            fill(staging)
            _make_readable(staging)
            folder = self.root / key
            staging.rename(folder)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        return folder

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        with (self.root / f".lock-{key}").open("w") as file:
            while not _lock_nowait(file.fileno()):
                if self._is_stopped.wait(LOCK_TURN_S):
                    raise PortError(f"{key} is being installed by another process; no longer waiting for it")
            yield


def _lock_nowait(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def link_tree(source: Path, target: Path) -> None:
    """Copies a folder without copying its bytes where the file system allows it. `target` may exist."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in os.scandir(source):
        if entry.is_dir(follow_symlinks=False):
            link_tree(Path(entry.path), target / entry.name)
        else:
            link_file(Path(entry.path), target / entry.name)


def link_file(source: Path, target: Path) -> None:
    """A hard link; a copy where another file system, or a mode that keeps functions from reading, forbids one."""
    try:
        if source.is_symlink() or source.stat().st_mode & 0o444 == 0o444:
            os.link(source, target, follow_symlinks=False)
            return
    except OSError:
        pass
    shutil.copy2(source, target, follow_symlinks=False)


def _make_readable(root: Path) -> None:
    """Functions run as another user. A file that may be a hard link is left alone when it is readable already."""
    for folder, _, files in os.walk(root):
        os.chmod(folder, 0o755)  # noqa: S103 - readable is the point, and only its owner writes
        for name in files:
            path = Path(folder, name)
            if path.is_symlink():
                continue
            mode = path.stat().st_mode
            if mode & 0o444 != 0o444:
                path.chmod(0o755 if mode & 0o100 else 0o644)
