"""The file system of a sandbox whose root is an unpacked container image: the image as it is, read-only.

Over it lie what every sandbox has: /dev, /proc, a place for /tmp, and the addresses of this sandbox in /etc/hosts and
/etc/resolv.conf. The folders for that exist in every unpacked image (`runtime.images.root`); none of them may be a
link, which would lead a mount to another place.

The template and each sandbox's init go on in this root with privileges that a function must not have, and the image is
a stranger's: from here on this interpreter imports no file, whatever lies where its modules were.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from importlib.machinery import PathFinder
from typing import Any

from . import rootfs, syscalls
from .syscalls import MOUNT_NODEV, MOUNT_NOSUID, MOUNT_READ_ONLY, MS_BIND, MS_NODEV, MS_NOSUID, MS_PRIVATE, MS_REC

FOLDERS = ("dev", "etc", "proc", "run", "tmp")
FILES = ("etc/hosts", "etc/resolv.conf")


def build(config: dict[str, Any]) -> None:
    """As `rootfs.build`; `config["image"]` is the folder of the unpacked image, `config["root"]` an empty one."""
    root = config["root"]
    syscalls.mount("none", "/", None, MS_REC | MS_PRIVATE)
    syscalls.mount(config["image"], root, None, MS_BIND)
    for name in FOLDERS:
        _check(root, name, stat.S_IFDIR)
    for name in FILES:
        _check(root, name, stat.S_IFREG)
    for host, inside in config["mounts"]:
        rootfs.bind(host, root + inside)
    rootfs.hidden(root, config)
    _addresses(root, config)
    syscalls.mount("tmpfs", root + "/dev", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755")
    rootfs.device_places(root)
    syscalls.restrict(root, MOUNT_READ_ONLY | MOUNT_NOSUID | MOUNT_NODEV)
    syscalls.mount("/proc", root + "/proc", None, MS_BIND | MS_REC)
    rootfs.devices(root)
    import_no_more()
    syscalls.change_root(root)


def import_no_more() -> None:
    """Leaves this interpreter what is built into it. Emptying `sys.path` would not do: packages have paths of their
    own, and a codec's name in a file that a traceback quotes is a module's."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not PathFinder]
    sys.path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()


def _check(root: str, name: str, kind: int) -> None:
    path = os.path.join(root, name)
    if stat.S_IFMT(os.lstat(path).st_mode) != kind:
        raise OSError(errno.EINVAL, "the image has something else in the place of a folder or file", path)


def _addresses(root: str, config: dict[str, Any]) -> None:
    """Written to the memory that a sandbox takes away, and shown over the image's own: the mount keeps them."""
    folder = root + rootfs.HIDDEN + "/etc"
    os.mkdir(folder)
    for name in FILES:
        source = os.path.join(folder, os.path.basename(name))
        with open(source, "w") as file:
            file.write(rootfs.written_etc(os.path.basename(name), config))
        rootfs.bind(source, os.path.join(root, name))
