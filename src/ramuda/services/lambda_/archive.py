"""Zip archives from users: untrusted input, read so that nothing outside the target folder is ever touched.

What an archive may hold: regular files, folders, and symbolic links that stay inside the archive or point to a place
the sandbox has (`/var/task`, `/opt`, `/tmp`, `/var/runtime`, `/var/lang`). Everything else is refused with AWS's one
sentence for broken archives: absolute names, `..`, links out of the archive, names that pass through a link or a
file, devices, encrypted entries, methods other than stored and deflate. Links are written and never followed. Only
the executable bits of permissions are kept, since every file ends up readable by all and writable by none.

A bomb cannot do harm: the size of the central directory is looked at before it is parsed, declared sizes before
anything is unpacked, and what really comes out is counted. Limits: 262,144,000 bytes unzipped as AWS; 65,535 entries,
which is ours (the ZIP format's own without ZIP64).
"""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from ramuda.kernel import limits
from ramuda.kernel.errors import RamudaError

ENTRIES_MAX = 65_535
DIRECTORY_BYTES_MAX = 8 * limits.MIB  # 65,535 entries with names of 80 bytes
LINK_BYTES_MAX = 4095  # PATH_MAX without its NUL
NAME_BYTES_MAX = 255  # NAME_MAX of Linux file systems
SANDBOX_PLACES = ("/var/task", "/opt", "/tmp", "/var/runtime", "/var/lang")  # noqa: S108 - places inside the sandbox
CHUNK_BYTES = 256 * 1024

# What zipfile raises for archives that are not what they say: it validates little and lets lower layers fail.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)

Kind: TypeAlias = Literal["file", "folder", "link"]


class BadArchive(RamudaError):  # noqa: N818 - a verdict on input
    """The archive cannot be unpacked safely, or at all. The message says why, for our log; callers answer AWS's
    sentence."""


class TooLarge(RamudaError):  # noqa: N818 - a verdict on input
    """Unpacked, the archive would be larger than allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as the archive declares it. `mode` is the Unix mode, 0 when the archive carries none."""

    name: str
    mode: int = 0
    size: int = 0
    is_encrypted: bool = False
    method: int = zipfile.ZIP_DEFLATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What one entry becomes. `index` is its place in the archive; `path` is relative and clean."""

    index: int
    path: PurePosixPath
    kind: Kind
    executable_bits: int = 0


def plan(entries: Iterable[Entry], *, limit_bytes: int = limits.UNZIPPED_BYTES) -> list[Item]:
    """What to write, in order; of entries with one name the last one wins. Pure. Raises BadArchive and TooLarge."""
    items: dict[PurePosixPath, Item] = {}
    declared_bytes = 0
    for index, entry in enumerate(entries):
        if index >= ENTRIES_MAX:
            raise BadArchive(f"more than {ENTRIES_MAX} entries")
        declared_bytes += entry.size
        if declared_bytes >= limit_bytes:
            raise TooLarge(f"{declared_bytes} bytes declared")
        item = _item(index, entry)
        if item is None:
            continue
        known = items.pop(item.path, None)
        if known is not None and known.kind != item.kind:
            raise BadArchive(f"{entry.name!r} is there as {known.kind} and as {item.kind}")
        items[item.path] = item
    _refuse_paths_through_files(items)
    return list(items.values())


def link_stays_inside(path: PurePosixPath, target: str) -> bool:
    """Whether a link at `path` (relative to the archive's root) leads to a place inside the archive, or one that the
    sandbox has."""
    if not target or "\0" in target or len(target.encode(errors="surrogateescape")) > LINK_BYTES_MAX:
        return False
    steps = PurePosixPath(target)
    if steps.is_absolute():
        inside = any(steps.is_relative_to(place) for place in SANDBOX_PLACES)
        return inside and ".." not in steps.parts
    depth = len(path.parts) - 1
    for step in steps.parts:
        depth += -1 if step == ".." else 1
        if depth < 0:
            return False
    return True


def measure(data: bytes, *, limit_bytes: int = limits.UNZIPPED_BYTES) -> int:
    """The declared size of everything in the archive; raises like `unpack`, but writes nothing and does not read file
    contents."""
    with _open(data) as archive:
        entries = [_entry(info) for info in archive.infolist()]
        plan(entries, limit_bytes=limit_bytes)
        return sum(entry.size for entry in entries)


def unpack(data: bytes, folder: Path, *, limit_bytes: int = limits.UNZIPPED_BYTES) -> int:
    """Unpacks into the empty `folder`; returns the bytes written. Raises BadArchive or TooLarge; parts stay behind."""
    with _open(data) as archive:
        infos = archive.infolist()
        items = plan(map(_entry, infos), limit_bytes=limit_bytes)
        room_bytes = limit_bytes
        links: list[tuple[Path, str]] = []
        made = {folder}
        for item in items:
            target = folder.joinpath(*item.path.parts)
            _make_folders(target if item.kind == "folder" else target.parent, made)
            try:
                if item.kind == "file":
                    room_bytes -= _write(archive, infos[item.index], target, item.executable_bits, room_bytes)
                elif item.kind == "link":
                    links.append((target, _read_link(archive, infos[item.index], item.path)))
            except _BROKEN as e:
                raise BadArchive(f"{item.path}: {e}") from e
        for target, points_to in links:  # last, so that nothing was ever written through one
            target.symlink_to(points_to)
    return limit_bytes - room_bytes


def _open(data: bytes) -> zipfile.ZipFile:
    if _directory_bytes(data) > DIRECTORY_BYTES_MAX:
        raise BadArchive("the central directory is too large")
    try:
        return zipfile.ZipFile(BytesIO(data))
    except _BROKEN as e:
        raise BadArchive(str(e)) from e
    except OSError as e:  # a seek to where nothing is, by an offset that lies
        raise BadArchive(str(e)) from e


def _directory_bytes(data: bytes) -> int:
    """The size of the central directory as its end record says (APPNOTE 4.3.16, and 4.3.14 for ZIP64)."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if end < 0 or len(data) < end + 22:
        raise BadArchive("no end of central directory")
    size: int = struct.unpack_from("<L", data, end + 12)[0]
    if data[end - 20 : end - 16] != b"PK\x06\x07":
        return size
    record: int = struct.unpack_from("<Q", data, end - 12)[0]
    if record + 56 > len(data):
        raise BadArchive("the ZIP64 end record is not there")
    return max(size if size != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", data, record + 40)[0]))


def _entry(info: zipfile.ZipInfo) -> Entry:
    is_unix = info.create_system == 3  # APPNOTE 4.4.2.2
    mode = info.external_attr >> 16 if is_unix else 0
    if info.filename.endswith("/") and not stat.S_IFMT(mode):
        mode |= stat.S_IFDIR
    return Entry(
        name=info.filename,
        mode=mode,
        size=info.file_size,
        is_encrypted=bool(info.flag_bits & 0x1),
        method=info.compress_type,
    )


def _item(index: int, entry: Entry) -> Item | None:
    path = _clean_path(entry.name)
    kind = _kind(entry)
    if path is None:
        if kind != "folder":
            raise BadArchive(f"{entry.name!r} names nothing")
        return None  # the root itself, "./"
    if entry.is_encrypted:
        raise BadArchive(f"{entry.name!r} is encrypted")
    if entry.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadArchive(f"{entry.name!r} is compressed by method {entry.method}")
    return Item(index=index, path=path, kind=kind, executable_bits=entry.mode & 0o111)


def _clean_path(name: str) -> PurePosixPath | None:
    """The name as a relative path without `.` and empty parts; None for the root."""
    if name.startswith("/"):
        raise BadArchive(f"{name!r} is absolute")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    for part in parts:
        if part == ".." or "\0" in part or len(part.encode(errors="surrogateescape")) > NAME_BYTES_MAX:
            raise BadArchive(f"{name!r} is no name for a file")
    path = PurePosixPath(*parts)
    if len(str(path).encode(errors="surrogateescape")) > LINK_BYTES_MAX // 2:  # leaves room for the folder it goes into
        raise BadArchive("a name is too long")
    return path if parts else None


def _kind(entry: Entry) -> Kind:
    match stat.S_IFMT(entry.mode):
        case 0 | stat.S_IFREG if not entry.name.endswith("/"):
            return "file"
        case stat.S_IFDIR | 0:
            return "folder"
        case stat.S_IFLNK if not entry.name.endswith("/"):
            return "link"
        case _:
            raise BadArchive(f"{entry.name!r} has mode {entry.mode:o}")


def _refuse_paths_through_files(items: dict[PurePosixPath, Item]) -> None:
    folders_seen: set[PurePosixPath] = set()
    for path in items:
        for parent in path.parents:
            if parent in folders_seen:
                break
            above = items.get(parent)
            if above is not None and above.kind != "folder":
                raise BadArchive(f"{path} lies below the {above.kind} {parent}")
            folders_seen.add(parent)


def _make_folders(folder: Path, made: set[Path]) -> None:
    if folder not in made:
        folder.mkdir(parents=True, exist_ok=True)
        made.add(folder)


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, executable_bits: int, room_bytes: int) -> int:
    written = 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with archive.open(info) as source, os.fdopen(os.open(target, flags, 0o644 | executable_bits), "wb") as sink:
        while chunk := source.read(CHUNK_BYTES):
            written += len(chunk)
            if written >= room_bytes:
                raise TooLarge("what came out is larger than what was declared")
            sink.write(chunk)
    return written


def _read_link(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: PurePosixPath) -> str:
    with archive.open(info) as source:
        target = source.read(LINK_BYTES_MAX + 1).decode()
    if not link_stays_inside(path, target):
        raise BadArchive(f"the link {path} leads out of the archive")
    return target
