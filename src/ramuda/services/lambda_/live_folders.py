"""Code that is a folder of this machine: an edit runs at the next invocation.

A function made with `S3Bucket` = `Options.live_code_bucket` and `S3Key` = an absolute folder has no archive. At each
invocation the folder is looked at; when anything in it changed, a copy is made that environments then have as
/var/task. So an environment keeps the files it began with, and files that only the developer may read work as well.
Copies share what did not change as hard links. Version control, caches and virtual environments are left out.

The check reads names, sizes and times, not contents: some 5 ms for a thousand files. Whoever writes a file and gives it
its old size and time goes unnoticed.
"""

import asyncio
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from ramuda.kernel.ports.blobs import BlobStore
from ramuda.services.lambda_.model import CodeRef
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.rules import refusals

LEFT_OUT = frozenset({".git", ".hg", ".svn", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
ENTRIES_MAX = 100_000


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
        folder = Path(source["S3Key"])
        if not folder.is_absolute() or not folder.is_dir():
            raise refusals.invalid(f"S3Key names no folder of the server's machine: {folder}")  # ours
        folder = folder.resolve()
        if not any(folder.is_relative_to(Path(root).resolve()) for root in self._roots):
            raise refusals.invalid(f"Code may not be taken from the folder {folder}.")  # ours
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
        entries = sorted(islice(_entries(top, ""), ENTRIES_MAX + 1), key=lambda entry: entry.path)
    except OSError as e:
        raise NoFolder(f"{top}: {e.strerror}") from e
    if len(entries) > ENTRIES_MAX:
        raise NoFolder(f"{top} holds more than {ENTRIES_MAX} files")
    told = hashlib.sha256(str(top).encode())
    for entry in entries:
        told.update(f"{entry.path}\0{entry.mode}\0{entry.size}\0{entry.modified_ns}\n".encode())
    return Picture(top, tuple(entries), told.hexdigest())


def copy(picture: Picture, into: Path, *, before: tuple[Picture, Path] | None) -> None:
    """Fills `into` with the files of the picture. `before` is an earlier picture and its copy, whose files are linked
    where they are the same. A file that went meanwhile is left out: the next look sees that."""
    known = {entry.path: entry for entry in before[0].entries} if before is not None else {}
    for entry in picture.entries:
        target = into / entry.path
        if entry.is_folder:
            target.mkdir()
        elif before is not None and known.get(entry.path) == entry and _linked(before[1] / entry.path, target):
            continue
        else:
            _copy_file(picture.top / entry.path, target)


def _entries(top: Path, below: str) -> Iterator[Entry]:
    with os.scandir(top / below) as found:
        for item in found:
            if item.name in LEFT_OUT or item.name.endswith(".pyc"):
                continue
            path = f"{below}/{item.name}" if below else item.name
            status = item.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                yield Entry(path, stat.S_IFDIR, 0, 0)
                yield from _entries(top, path)
            elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                yield Entry(path, status.st_mode, status.st_size, status.st_mtime_ns)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # gone, or too many links to one file
        return False
    return True


def _copy_file(source: Path, target: Path) -> None:
    try:
        shutil.copy2(source, target, follow_symlinks=False)
    except FileNotFoundError:
        return
