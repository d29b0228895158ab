"""Layers, each a folder, become one: the image's root file system.

Files are hard links to those of the layers, so a root takes up folders only. On top lie the places where a sandbox
mounts what every function has (`sandbox.isolated.inside.image_root`): they are there in every root, and are no links.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images import folders
from ramuda.runtime.images.unpack import Marks

FOLDERS = ("dev", "etc", "proc", "run", "tmp")
WANTED_FOLDERS = ("opt", "var", "var/task")
"""Made where nothing is in their place: mounts of functions that bring their code as an archive."""
FILES = ("etc/hosts", "etc/resolv.conf")


def build(layers: Sequence[tuple[Path, Marks]], root: Path) -> None:
    """Fills the empty folder `root`: later layers over earlier ones. Raises ImageError, PortError."""
    try:
        for tree, marks in layers:
            _take_away(str(root), marks)
            _Addition(str(root), frozenset(marks.implied)).add(str(tree), "", str(root))
            _add_links(str(root), marks)
        _add_places(str(root))
    except OSError as e:
        raise folders.told(e, "merging layers") from e


def _take_away(root: str, marks: Marks) -> None:
    for path in marks.emptied:
        folder = folders.inside(root, path.split("/"), None)
        for name in os.listdir(folder) if folder is not None else ():
            folders.remove(os.path.join(folder or root, name))
    for path in marks.removed:
        above, _, name = path.rpartition("/")
        folder = folders.inside(root, above.split("/"), None)
        if folder is not None:
            folders.remove(os.path.join(folder, name))


class _Addition:
    """Lays one layer over what is there."""

    def __init__(self, root: str, implied: frozenset[str]) -> None:
        self._root = root
        self._implied = implied

    def add(self, source: str, name: str, target: str) -> None:
        """Lays the folder `source`, which is `name` in its layer, over the folder `target`."""
        with os.scandir(source) as entries:
            for entry in entries:
                inner = f"{name}/{entry.name}" if name else entry.name
                path = os.path.join(target, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    self.add(entry.path, inner, self._folder(entry.path, inner, path))
                else:
                    folders.remove(path)
                    link_or_copy(entry.path, path)

    def _folder(self, source: str, name: str, path: str) -> str:
        if name in self._implied and os.path.lexists(path):
            found = folders.inside(self._root, os.path.relpath(path, self._root).split("/"), [])
            assert found is not None  # what is missing was made
            return found
        if os.path.islink(path) or not os.path.isdir(path):
            folders.remove(path)
            os.mkdir(path)
        os.chmod(path, stat.S_IMODE(os.lstat(source).st_mode))
        return path


def _add_links(root: str, marks: Marks) -> None:
    for name, link in marks.links:
        above, _, last = link.rpartition("/")
        folder = folders.inside(root, above.split("/"), None)
        source = os.path.join(folder, last) if folder is not None else ""
        if not last or not os.path.lexists(source) or stat.S_ISDIR(os.lstat(source).st_mode):
            raise ImageError(ImageFault.UNSUPPORTED, "a layer has a hard link to a file that is not there")
        above, _, last = name.rpartition("/")
        folder = folders.inside(root, above.split("/"), [])
        path = os.path.join(folder or root, last)
        if path != source:
            folders.remove(path)
            os.link(source, path, follow_symlinks=False)


def link_or_copy(source: str, target: str) -> None:
    """A hard link; a copy where the file has too many already, or the kernel forbids it."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _add_places(root: str) -> None:
    os.chmod(root, 0o755)  # noqa: S103 - the function's user must come in
    for name in FOLDERS:
        path = os.path.join(root, name)
        if os.path.islink(path) or not os.path.isdir(path):
            folders.remove(path)
            os.mkdir(path)
        os.chmod(path, 0o755)  # noqa: S103
    for name in WANTED_FOLDERS:
        path = os.path.join(root, name)
        above = os.path.dirname(path)
        if not os.path.lexists(path) and os.path.isdir(above) and not os.path.islink(above):
            os.mkdir(path)
            os.chmod(path, 0o755)  # noqa: S103
    for name in FILES:
        path = os.path.join(root, name)
        folders.remove(path)  # it may be a link, or a file of another root as well
        with open(path, "x"):
            os.chmod(path, 0o644)
