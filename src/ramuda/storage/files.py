"""Content-addressed files and folders: implements `kernel.ports.blobs.BlobStore`.

A thing is made under `.incoming/` on the same disk, synced, made read-only, and renamed to its key: it appears at
once or not at all, also when the power fails. A folder cannot be renamed while it is read-only (its `..` changes, for
which it must be writable), so its last write bit goes after the rename, and a folder counts as stored only without
it. What a crash leaves in `.incoming/` is removed at the next start."""

import ctypes
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ramuda.kernel.errors import PortError

_KEY = re.compile(r"[a-z0-9-]+(?:/[a-z0-9-]+)*")
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_ANY_EXECUTE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
_READ_ONLY, _READ_ONLY_PROGRAM = 0o444, 0o555
_PRIVATE = 0o700


class FileStore:
    """Things under `root`, which is made when it is missing and readable by its owner alone. One process per root."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / ".incoming"
        with _wrapped():
            root.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            _remove(self._incoming)
            self._incoming.mkdir(mode=_PRIVATE)

    def put(self, key: str, data: bytes) -> Path:
        target = self._target(key)
        if self.path(key) is not None:
            return target
        with _wrapped(), self._making() as folder:
            made = folder / "file"
            with made.open("xb") as file:
                file.write(data)
                os.fchmod(file.fileno(), _READ_ONLY)
                file.flush()
                os.fsync(file.fileno())
            _make_parents(target, self._root)
            made.rename(target)
            _sync(target.parent)
        return target

    def get(self, key: str) -> bytes:
        path = self.path(key)
        if path is None:
            raise KeyError(key)
        with _wrapped():
            return path.read_bytes()

    def path(self, key: str) -> Path | None:
        target = self._target(key)
        try:
            mode = target.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if stat.S_ISDIR(mode) and mode & _ANY_WRITE else target

    def put_folder(self, key: str, fill: Callable[[Path], None]) -> Path:
        target = self._target(key)
        if self.path(key) is not None:
            return target
        with _wrapped(), self._making() as folder:
            # A folder that is there is complete but for its last mode bit: a crash, or another thread right now.
            if not target.is_dir():
                made = folder / "folder"
                made.mkdir()
                fill(made)
                _make_read_only(made)
                _sync_tree(made)
                _make_parents(target, self._root)
                _publish(made, target)
            target.chmod(_READ_ONLY_PROGRAM)
            _sync(target)
            _sync(target.parent)
        return target

    def delete(self, key: str) -> None:
        target = self._target(key)
        with _wrapped(), self._making() as folder:
            try:
                if target.is_dir():
                    target.chmod(_PRIVATE)  # from here on it does not count as stored
                target.rename(folder / "deleted")
            except (FileNotFoundError, NotADirectoryError):
                return

    def _target(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key of a blob: {key!r}")
        return self._root / key

    @contextmanager
    def _making(self) -> Iterator[Path]:
        """A folder of `.incoming`, gone with all that is left in it at the end."""
        folder = Path(tempfile.mkdtemp(dir=self._incoming))
        try:
            yield folder
        finally:
            _remove(folder)


@contextmanager
def _wrapped() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise PortError(f"cannot store or read code and payloads: {e}") from e


def _make_parents(target: Path, root: Path) -> None:
    """The folders above `target`, each private and each synced into its own parent."""
    for parent in reversed(target.parents[: len(target.relative_to(root).parts) - 1]):
        if not parent.is_dir():
            parent.mkdir(mode=_PRIVATE, exist_ok=True)
            _sync(parent.parent)


def _publish(made: Path, target: Path) -> None:
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():  # else another thread was first; under the same key lies the same content
            raise


def _make_read_only(top: Path) -> None:
    """Everything below `top`: readable by all, writable by none, programs stay programs. `top` itself follows last."""
    for folder, _, files in os.walk(top, topdown=False):
        for name in files:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode):  # a link has no mode of its own
                os.chmod(path, _READ_ONLY_PROGRAM if mode & _ANY_EXECUTE else _READ_ONLY)
        if folder != str(top):
            os.chmod(folder, _READ_ONLY_PROGRAM)


def _sync_tree(top: Path) -> None:
    """Linux can sync a whole file system at once, which takes a tenth of the time of a sync per file (a package has
    thousands)."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is not None:
        with _opened(top) as descriptor:
            if syncfs(descriptor) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(top))
        return
    for folder, _, files in os.walk(top):
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                _sync(path)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    """A file's content, or a folder's list of names, to the disk."""
    with _opened(path) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _remove(top: Path) -> None:
    """Removes a tree, read-only folders in it too."""
    if not top.exists():
        return
    for folder, _, _ in os.walk(top):
        os.chmod(folder, _PRIVATE)
    shutil.rmtree(top)
