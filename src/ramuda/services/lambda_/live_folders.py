"""Code that is a folder of this machine: an edit runs at the next invocation.

A function made with `S3Bucket` = `Options.live_code_bucket` and `S3Key` = an absolute folder has no archive. At each
invocation the folder is looked at; when anything in it changed, a copy is made that environments then have as
/var/task. So an environment keeps the files it began with, and files that only the developer may read work as well.
Copies share what did not change as hard links. Version control, caches and virtual environments are left out.

A version that is published of such a function follows the folder as `$LATEST` does, and so does every alias: there is
nothing to freeze but a path, and its CodeSha256 is the path's. Whoever wants versions that stay deploys an archive.
Provisioned concurrency is started anew after an edit, once it was seen: the invocation that sees it starts cold.

The check reads names, sizes and times, not contents: some 5 ms for a thousand files. Whoever writes a file and gives it
its old size and time goes unnoticed.

Whoever may write to the folder need not be who may read this machine's files. So its path was resolved when it was
named, and from then on no link is followed, neither on the way to it nor in it, at whatever moment one appears.
"""

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from ramuda.kernel import limits
from ramuda.kernel.ports.blobs import BlobStore
from ramuda.services.lambda_.model import CodeRef
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.rules import refusals

LEFT_OUT = frozenset({".git", ".hg", ".svn", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
ENTRIES_MAX, DEPTH_MAX = 100_000, 100
BYTES_MAX = 4 * limits.UNZIPPED_BYTES
"""Ours: more than Lambda takes as an archive, and no more than a disk has to spare."""
COPY_BYTES = 1 << 20
_CHANGED = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO))
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASSED = _FOLDER | getattr(os, "O_PATH", 0)
"""A folder on the way, which need not be readable."""


class NoFolder(Exception):  # noqa: N818 - told to the caller in AWS's shape
    """The folder is gone, cannot be read, or holds too much."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, link or folder, by its path below the top."""

    path: str
    mode: int
    size: int
    modified_ns: int

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)


@dataclass(frozen=True, slots=True)
class Picture:
    """A folder as it was when it was looked at. `digest` names it: hexadecimal."""

    top: Path
    entries: tuple[Entry, ...]
    digest: str


class LiveFolders:
    """The folders that functions were made with, and the last copy of each."""

    def __init__(self, blobs: BlobStore, options: Options) -> None:
        self._blobs = blobs
        self._bucket = options.live_code_bucket
        self._roots = ["/"] if options.live_code_roots is None else options.live_code_roots
        self._last: dict[str, tuple[Picture, Path]] = {}

    def reference(self, source: Mapping[str, Any]) -> CodeRef | None:
        """What a FunctionCode names, if it names a folder. Raises InvalidParameterValueException for one that is not
        there or may not be taken."""
        if not self._bucket or source.get("S3Bucket") != self._bucket:
            return None
        given = source["S3Key"]
        folder = Path(given) if "\0" not in given else Path()
        if folder.is_absolute():
            folder = folder.resolve()
            # Before it is looked for: who may not have it learns nothing of it.
            if not any(folder.is_relative_to(Path(root).resolve()) for root in self._roots):
                raise refusals.invalid(f"Code may not be taken from the folder {given}.")  # ours
        if not folder.is_absolute() or not folder.is_dir():
            raise refusals.invalid(f"S3Key names no folder of the server's machine: {given}")  # ours
        return CodeRef(
            sha256=hashlib.sha256(str(folder).encode()).hexdigest(), size=0, unzipped_bytes=0, folder=str(folder)
        )

    async def picture(self, folder: str) -> Picture:
        """Raises InvalidParameterValueException when it is gone."""
        try:
            return await asyncio.to_thread(look, Path(folder))
        except NoFolder as e:
            raise refusals.invalid(f"The function's code cannot be read: {e}") from e  # ours

    def put(self, folder: str, picture: Picture) -> Path:
        """A copy, made unless there is one. Blocks."""
        path = self._blobs.put_folder(key_of(picture), partial(copy, picture, before=self._last.get(folder)))
        self._last[folder] = (picture, path)
        return path


def key_of(picture: Picture) -> str:
    """The blob of a copy."""
    return f"live/{picture.digest}"


def look(top: Path) -> Picture:
    """Raises NoFolder."""
    try:
        with _opened(top) as fd:
            entries = sorted(islice(_entries(fd, "", 0), ENTRIES_MAX + 1), key=lambda entry: entry.path)
    except OSError as e:
        raise NoFolder(f"{top}: {e.strerror}") from e
    if len(entries) > ENTRIES_MAX:
        raise NoFolder(f"{top} holds more than {ENTRIES_MAX} files")
    if sum(entry.size for entry in entries) > BYTES_MAX:
        raise NoFolder(f"{top} holds more than {BYTES_MAX} bytes")
    told = hashlib.sha256(os.fsencode(top))
    for entry in entries:
        told.update(os.fsencode(f"{entry.path}\0{entry.mode}\0{entry.size}\0{entry.modified_ns}\n"))
    return Picture(top, tuple(entries), told.hexdigest())


def copy(picture: Picture, into: Path, *, before: tuple[Picture, Path] | None) -> None:
    """Fills `into` with the files of the picture. `before` is an earlier picture and its copy, whose files are linked
    where they are the same. A file that went meanwhile is left out: the next look sees that."""
    known = {entry.path: entry for entry in before[0].entries} if before is not None else {}
    with _opened(picture.top) as top:
        for entry in picture.entries:
            target = into / entry.path
            if entry.is_folder:
                target.mkdir()
            elif before is not None and known.get(entry.path) == entry and _linked(before[1] / entry.path, target):
                continue
            else:
                _copy_entry(top, entry, target)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """A folder by a path in which nothing may be a link. Raises OSError."""
    fd = os.open("/", _PASSED)
    try:
        for part in folder.parts[1:-1]:
            fd = _below(fd, part, _PASSED)
        fd = _below(fd, folder.name or ".", _FOLDER)
        yield fd
    finally:
        os.close(fd)


def _below(fd: int, name: str, flags: int) -> int:
    """In place of `fd`, which is closed, a folder in it. Raises OSError; then `fd` is still open."""
    folder = os.open(name, flags, dir_fd=fd)
    os.close(fd)
    return folder


def _entries(fd: int, below: str, depth: int) -> Iterator[Entry]:
    if depth > DEPTH_MAX:
        raise NoFolder(f"{below[:80]}... is too deep")
    with os.scandir(fd) as found:
        for item in found:
            if item.name in LEFT_OUT or item.name.endswith(".pyc"):
                continue
            path = f"{below}/{item.name}" if below else item.name
            status = item.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                yield Entry(path, stat.S_IFDIR, 0, 0)
                inner = os.open(item.name, _FOLDER, dir_fd=fd)
                try:
                    yield from _entries(inner, path, depth + 1)
                finally:
                    os.close(inner)
            elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                yield Entry(path, status.st_mode, status.st_size, status.st_mtime_ns)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # gone, or too many links to one file
        return False
    return True


def _copy_entry(top: int, entry: Entry, target: Path) -> None:
    """What is no longer what it was seen to be is left out."""
    *above, name = entry.path.split("/")
    try:
        folder = os.dup(top)
        try:
            for part in above:
                folder = _below(folder, part, _PASSED)
            if stat.S_ISLNK(entry.mode):
                target.symlink_to(os.readlink(name, dir_fd=folder))
            else:
                _copy_file(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder), entry, target)
        finally:
            os.close(folder)
    except OSError as e:
        if e.errno not in _CHANGED:
            raise


def _copy_file(fd: int, entry: Entry, target: Path) -> None:
    with open(fd, "rb", buffering=0) as source:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return
        with target.open("xb") as file:
            left = entry.size
            while left and (data := source.read(min(left, COPY_BYTES))):
                left -= len(data)
                file.write(data)
        target.chmod(stat.S_IMODE(entry.mode) & 0o777)
        os.utime(target, ns=(entry.modified_ns, entry.modified_ns))
