"""Paths inside a tree that strangers filled: links in it are followed as if the tree were the whole file system.

The trees are private to this process while they are worked on, so that what was looked at is still there.
"""

import errno
import os
import shutil
import stat

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault

DEPTH_MAX, LENGTH_MAX = 200, 2048
LINKS_MAX = 40
PRIVATE = 0o700
_OF_THE_IMAGE = frozenset((errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP, errno.EILSEQ, errno.ENOTDIR, errno.EISDIR))


def parts_of(name: str) -> list[str]:
    """The components of a path in an image. Raises ImageError when it leads out of it or too deep."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or len(parts) > DEPTH_MAX or len(name) > LENGTH_MAX:
        raise ImageError(ImageFault.UNSUPPORTED, "a path in a layer leads out of it, or is too deep")
    return parts


def inside(root: str, parts: list[str], made: "list[str] | None") -> str | None:
    """The folder `parts` of the tree `root`, links followed within the tree. What is missing is made, and its path in
    the tree added to `made`; with None it is not made: then the answer is None. So it is, too, where something else
    than a folder is in the way and `made` is None; else ImageError."""
    real: list[str] = []
    to_do = parts[::-1]
    links = 0
    while to_do:
        part = to_do.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del real[-1:]
            continue
        path = os.path.join(root, *real, part)
        mode = _mode(path)
        if mode is not None and stat.S_ISLNK(mode):
            links += 1
            if links > LINKS_MAX:
                raise ImageError(ImageFault.UNSUPPORTED, "links in a layer go round in circles")
            target = os.readlink(path)
            if target.startswith("/"):
                real.clear()
            to_do += target.split("/")[::-1]
            continue
        if mode is None or not stat.S_ISDIR(mode):
            if made is None:
                return None
            if mode is not None:
                raise ImageError(ImageFault.UNSUPPORTED, "a layer has a file in the place of a folder")
            os.mkdir(path, 0o755)
            made.append("/".join([*real, part]))
        real.append(part)
        if len(real) > DEPTH_MAX or sum(map(len, real)) > LENGTH_MAX:
            raise ImageError(ImageFault.UNSUPPORTED, "a path in a layer is too deep")
    return os.path.join(root, *real)


def remove(path: str) -> None:
    """Whatever is there; nothing is no error."""
    mode = _mode(path)
    if mode is None:
        return
    if not stat.S_ISDIR(mode):
        os.unlink(path)
        return
    for folder, _, _ in os.walk(path):
        os.chmod(folder, PRIVATE)
    shutil.rmtree(path)


def told(error: OSError, what: str) -> Exception:
    """An error of the file system as the image's fault, or the machine's."""
    if error.errno in _OF_THE_IMAGE:
        return ImageError(ImageFault.UNSUPPORTED, f"{what}: {error.strerror}")
    return PortError(f"{what}: {error}", retryable=True)


def _mode(path: str) -> int | None:
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return None
