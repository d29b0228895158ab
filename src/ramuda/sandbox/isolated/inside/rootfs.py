"""The file system a function sees: built once per template, read-only, holding what a runtime needs and nothing
else of the host.

A small tmpfs is the skeleton; /usr is the host's own, without /usr/local unless the runtime asks for it; /etc is
written anew but for certificates and what Java and the alternatives system keep there. /var/task, /opt, /tmp and
/proc are empty places where each sandbox mounts its own. There is no /sys, no /dev/shm (as on Lambda), no /home.

HIDDEN holds what the template needs (this package, the code store); a sandbox takes it away before any function
code runs.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from typing import Any

from . import syscalls
from .syscalls import (
    MOUNT_NODEV,
    MOUNT_NOEXEC,
    MOUNT_NOSUID,
    MOUNT_READ_ONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
)

HIDDEN = "/run/ramuda"
HIDDEN_MOUNT = "/run"
CODE, CONFIG = HIDDEN + "/code", HIDDEN + "/config.json"

HIDE_PROCESSES = "invisible"
"""proc(5) hidepid: who may not be looked into is not listed."""

_FOLDERS = (
    *("dev", "etc", "etc/ssl", "mnt", "opt", "proc", "run", "tmp", "usr"),
    *("var", "var/lang", "var/runtime", "var/task", "var/tmp", "var/lib"),
)
_MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_DEVICES = ("full", "null", "random", "urandom", "zero")
_DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_COPIED_ETC = ("ld.so.cache", "ld.so.conf", "mime.types", "os-release", "protocols", "services", "ssl/openssl.cnf")
_BOUND_ETC = ("alternatives", "ca-certificates", "crypto-policies", "pki/ca-trust", "pki/tls/certs", "ssl/certs")
_RESOLVER = "169.254.78.1"  # see `sandbox.outbound`
_WRITTEN_ETC = {
    "group": "root:x:0:\n{user}:x:{gid}:\nnobody:x:65534:\n",
    "host.conf": "multi on\n",
    "hosts": "127.0.0.1 localhost localhost.localdomain sandbox.localdomain sandbox {hostname}\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
    "passwd": (
        "root:x:0:0:root:/root:/sbin/nologin\n{user}:x:{uid}:{gid}::/tmp:/sbin/nologin\n"
        "nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
    ),
    "resolv.conf": "nameserver " + _RESOLVER + "\noptions timeout:5 attempts:2\n",
}


def build(config: dict[str, Any]) -> None:
    """Builds the root in the caller's own mount namespace and changes into it.

    `config`: `root` (an empty folder of the host), `inside` (this package's folder), `code_root`, `mounts` as pairs
    (host, inside), and `user`, `uid`, `gid`, `hostname` for /etc.
    """
    root = config["root"]
    syscalls.mount("none", "/", None, MS_REC | MS_PRIVATE)
    syscalls.mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755")
    os.umask(0o022)
    for folder in _FOLDERS:
        os.mkdir(os.path.join(root, folder))
    _host_programs(root, [inside for _, inside in config["mounts"]])
    _etc(root, config)
    for host, inside in config["mounts"]:
        bind(host, root + inside)
    hidden(root, config)
    device_places(root)
    syscalls.restrict(root, MOUNT_READ_ONLY | MOUNT_NOSUID | MOUNT_NODEV)
    syscalls.mount(
        "/proc", root + "/proc", None, MS_BIND | MS_REC
    )  # a user namespace may mount its own only beside one
    devices(root)
    syscalls.change_root(root)


def _host_programs(root: str, mounted: list[str]) -> None:
    """/usr, and /bin, /lib ... as links into it or, on a system that keeps them apart, as they are."""
    bind("/usr", root + "/usr")
    if "/usr/local" not in mounted and os.path.isdir("/usr/local"):
        local = os.path.join(root, "var/lib")  # an empty folder of the skeleton
        bind(local, root + "/usr/local")
        for inside in mounted:
            if inside.startswith("/usr/local/"):
                os.makedirs(local + inside[len("/usr/local") :], exist_ok=True)
    for name in _MERGED:
        if os.path.islink("/" + name):
            os.symlink(os.readlink("/" + name), os.path.join(root, name))
        elif os.path.isdir("/" + name):
            bind("/" + name, os.path.join(root, name))


def _etc(root: str, config: dict[str, Any]) -> None:
    etc = os.path.join(root, "etc")
    for name in _WRITTEN_ETC:
        with open(os.path.join(etc, name), "w") as file:
            file.write(written_etc(name, config))
    for name in _COPIED_ETC:
        source = os.path.join("/etc", name)
        if os.path.isfile(source) and os.access(source, os.R_OK):
            shutil.copyfile(source, os.path.join(etc, name))
    java = [name for name in os.listdir("/etc") if name.startswith("java")]
    for name in (*_BOUND_ETC, *java):
        if os.path.isdir(os.path.join("/etc", name)):
            bind(os.path.join("/etc", name), os.path.join(etc, name))


def written_etc(name: str, config: dict[str, Any]) -> str:
    """The text of a file of /etc."""
    return _WRITTEN_ETC[name].format(**config)


def hidden(root: str, config: dict[str, Any]) -> None:
    syscalls.mount("tmpfs", root + HIDDEN_MOUNT, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    bind(config["inside"], root + HIDDEN + "/inside")
    bind(config["code_root"], root + CODE)
    with open(root + CONFIG, "w") as file:
        json.dump(config, file)


def device_places(root: str) -> None:
    for name in _DEVICES:
        with open(os.path.join(root, "dev", name), "w"):
            pass
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, os.path.join(root, "dev", name))


def devices(root: str) -> None:
    """The host's own device nodes: a user namespace cannot make any. Bound last, because the rest is without
    devices."""
    for name in _DEVICES:
        bind("/dev/" + name, os.path.join(root, "dev", name))
        syscalls.restrict(os.path.join(root, "dev", name), MOUNT_NOSUID | MOUNT_NOEXEC)


def bind(source: str, target: str) -> None:
    """Shows `source` at `target`, which is made if need be."""
    source = os.path.realpath(source)
    if stat.S_ISDIR(os.stat(source).st_mode):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w"):
            pass
    syscalls.mount(source, target, None, MS_BIND | MS_REC)
