"""One layer's tar becomes a folder, and a list of what the folder cannot hold: what the layer takes away.

Nothing is written outside of the folder, whatever the tar says: names may not lead up, links are followed within the
folder only. Devices, pipes, owners, attributes and set-id bits are left out. Times are kept: Python would compile
again what is not as old as its bytecode says.
https://github.com/opencontainers/image-spec/blob/main/layer.md
"""

import os
import stat
import threading
from pathlib import Path

import msgspec

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images import folders
from ramuda.runtime.images.tar import BadTar, Kind, Member, Stream, TarReader

WHITEOUT, OPAQUE, OTHER_MARK = ".wh.", ".wh..wh..opq", ".wh..wh."
READABLE = 0o400
MARKS_MAX = 64 * 1024**2
"""Characters of the paths that a layer takes away or names without having them: all of these are in memory."""
MODES = 0o777


class Marks(msgspec.Struct):
    """Paths in the image. `removed` and `emptied` speak of the layers below. `implied` folders are not in the tar but
    something in them is: a link of a layer below stays in their place. `links` are hard links to files of layers
    below."""

    removed: list[str] = []
    emptied: list[str] = []
    implied: list[str] = []
    links: list[tuple[str, str]] = []


class Budget:
    """What an image may still take up, over all its layers. `stop` ends work in another thread."""

    def __init__(self, *, image_bytes: int, entries: int) -> None:
        self._limits = (image_bytes, entries)
        self.bytes_left = image_bytes
        self.entries_left = entries
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def take(self, count: int) -> None:
        """Raises ImageError when there is not so much left, PortError when the work is to end."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise ImageError(ImageFault.TOO_LARGE, f"the image has more than {self._limits[0]} bytes")
        if self._stopped.is_set():
            raise PortError("unpacking was ended", retryable=True)

    def take_entry(self) -> None:
        self.entries_left -= 1
        if self.entries_left < 0:
            raise ImageError(ImageFault.TOO_LARGE, f"the image has more than {self._limits[1]} files")


def unpack(stream: Stream, tree: Path, budget: Budget) -> Marks:
    """Unpacks a layer into the empty folder `tree`. Raises ImageError for the layer's faults, PortError for the
    machine's."""
    layer = _Layer(str(tree), budget)
    reader = TarReader(stream)
    try:
        for member in reader:
            layer.add(member, reader)
    except BadTar as e:
        raise ImageError(ImageFault.UNSUPPORTED, f"a layer is not a good tar: {e}") from e
    except OSError as e:
        raise folders.told(e, "unpacking a layer") from e
    return layer.marks()


class _Layer:
    def __init__(self, tree: str, budget: Budget) -> None:
        self._tree = tree
        self._budget = budget
        self._implied: dict[str, None] = {}
        self._marks = Marks()
        self._marks_left = MARKS_MAX

    def marks(self) -> Marks:
        self._marks.implied = list(self._implied)
        return self._marks

    def add(self, member: Member, reader: TarReader) -> None:
        self._budget.take_entry()
        parts = folders.parts_of(member.name)
        if not parts:  # the root itself
            self._budget.take(member.size)
            return
        is_whiteout = parts[-1].startswith(WHITEOUT)
        if is_whiteout or member.kind is Kind.OTHER:
            self._budget.take(member.size)  # it will be read, and thrown away
            self._remember(member.name)
            if is_whiteout:
                self._take_away(parts)
            return
        path = os.path.join(self._folder(parts[:-1]), parts[-1])
        match member.kind:
            case Kind.FOLDER:
                self._add_folder(path, member)
            case Kind.FILE:
                folders.remove(path)
                self._add_file(path, member, reader)
            case Kind.SYMLINK:
                folders.remove(path)
                os.symlink(member.link or ".", path)
            case Kind.HARD_LINK:
                self._add_link(path, parts, member)

    def _take_away(self, parts: list[str]) -> None:
        *above, name = parts
        if name == OPAQUE:
            self._marks.emptied.append("/".join(above))
        elif not name.startswith(OTHER_MARK):
            removed = name.removeprefix(WHITEOUT)
            if removed in ("", ".", ".."):
                raise ImageError(ImageFault.UNSUPPORTED, "a layer takes away something without a name")
            self._marks.removed.append("/".join([*above, removed]))

    def _remember(self, *paths: str) -> None:
        self._marks_left -= sum(map(len, paths))
        if self._marks_left < 0:
            raise ImageError(ImageFault.TOO_LARGE, "a layer takes too many files away")

    def _folder(self, parts: list[str]) -> str:
        made: list[str] = []
        folder = folders.inside(self._tree, parts, made)
        assert folder is not None  # what is missing was made
        self._remember(*made)
        self._implied.update(dict.fromkeys(made))
        for _ in made:
            self._budget.take_entry()
        return folder

    def _add_folder(self, path: str, member: Member) -> None:
        if os.path.islink(path) or not os.path.isdir(path):
            folders.remove(path)
            os.mkdir(path)
        os.chmod(path, member.mode & MODES | folders.PRIVATE)
        self._implied.pop(os.path.relpath(path, self._tree), None)

    def _add_file(self, path: str, member: Member, reader: TarReader) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "wb", buffering=0) as file:

            def write(data: bytes) -> None:
                self._budget.take(len(data))
                file.write(data)

            reader.copy(write)
            os.fchmod(fd, member.mode & MODES | READABLE)
            os.utime(fd, (member.mtime_s, member.mtime_s))

    def _add_link(self, path: str, parts: list[str], member: Member) -> None:
        *above, name = folders.parts_of(member.link) or [""]
        folder = folders.inside(self._tree, above, None)
        source = os.path.join(folder, name) if folder is not None and name else None
        folders_name = "/".join(parts)
        if source is None or not os.path.lexists(source):
            self._remember(folders_name, *above, name)
            self._marks.links.append((folders_name, "/".join([*above, name])))
            return
        if stat.S_ISDIR(os.lstat(source).st_mode):
            raise ImageError(ImageFault.UNSUPPORTED, "a layer has a hard link to a folder")
        if source != path:
            folders.remove(path)
            os.link(source, path, follow_symlinks=False)
