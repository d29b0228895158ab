"""The Linux system calls that Python has no function for. Each raises OSError as the functions of `os` do.

x86_64 and aarch64. `clone` alone is called with the interpreter's lock held, which the child must own.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Mapping

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MOUNT_READ_ONLY, MOUNT_NOSUID, MOUNT_NODEV, MOUNT_NOEXEC = 1, 2, 4, 8
CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_LAST = 5, 6, 7, 8, 40

_SIGCHLD = 17
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE, _CLOEXEC = -100, 0x1000, 0x8000, 0o2000000
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 38, 47
_PR_CAP_AMBIENT_RAISE, _PR_CAP_AMBIENT_CLEAR_ALL = 2, 4
_SECCOMP_SET_MODE_FILTER = 1
_CAPABILITY_VERSION_3 = 0x20080522

_MACHINE = platform.machine()
_PIVOT_ROOT, _CLONE, _SECCOMP, _CAPSET, _CAPGET = {
    "x86_64": (155, 56, 317, 126, 125),
    "aarch64": (41, 220, 277, 91, 90),
}.get(_MACHINE, (-1, -1, -1, -1, -1))
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _CLOSE_RANGE, _MOUNT_SETATTR = 428, 429, 430, 431, 432, 436, 442

_libc = ctypes.CDLL(None, use_errno=True)
_libc_locked = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = _libc_locked.syscall.restype = ctypes.c_long


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _call(what: str, number: int, *arguments: object) -> int:
    return _check(_libc.syscall(number, *arguments), what)


def _prctl(what: str, option: int, *arguments: int) -> int:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    return _check(_libc.prctl(option, *padded), what)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


# Processes and namespaces


def clone(flags: int) -> int:
    """fork() into new namespaces, with Python's own work around a fork. 0 in the child."""
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = _libc_locked.syscall(_CLONE, ctypes.c_ulong(flags | _SIGCHLD), 0, 0, 0, 0)
    number = ctypes.get_errno()
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, f"clone: {os.strerror(number)}")
    return int(pid)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def enter(namespace_fd: int, kind: int) -> None:
    """Makes the namespace the calling process's own (a pid namespace: its children's). `kind` is its CLONE_NEW* flag,
    or 0 for whatever it is."""
    _check(_libc.setns(namespace_fd, kind), "setns")


def set_hostname(name: str) -> None:
    data = name.encode()
    _check(_libc.sethostname(data, ctypes.c_size_t(len(data))), "sethostname")


def die_with_parent(signal_number: int) -> None:
    _prctl("PR_SET_PDEATHSIG", _PR_SET_PDEATHSIG, signal_number)


def set_dumpable(dumpable: bool) -> None:
    """Whether processes of the same user may look into this one (/proc, ptrace)."""
    _prctl("PR_SET_DUMPABLE", _PR_SET_DUMPABLE, int(dumpable))


def close_from(first_fd: int) -> None:
    if _libc.syscall(_CLOSE_RANGE, ctypes.c_uint(first_fd), ctypes.c_uint(0xFFFFFFFF), 0) < 0:
        os.closerange(first_fd, 1 << 20)


# Privileges


def no_new_privileges() -> None:
    _prctl("PR_SET_NO_NEW_PRIVS", _PR_SET_NO_NEW_PRIVS, 1)


def drop_bounding_set() -> None:
    for capability in range(CAP_LAST + 1):
        _prctl("PR_CAPBSET_DROP", _PR_CAPBSET_DROP, capability)


def keep_capabilities(*capabilities: int) -> None:
    """Gives up every capability but these."""
    mask = sum(1 << capability for capability in capabilities)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    _set_capabilities(effective=(low, high), permitted=(low, high), inheritable=(0, 0))


def keep_capabilities_over_exec() -> None:
    """Makes the capabilities of a user namespace ambient: who is not its root would lose them in execve."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    _call("capget", _CAPGET, header, data)
    _, low, _, _, high, _ = struct.unpack("6I", data.raw)
    _set_capabilities(effective=(low, high), permitted=(low, high), inheritable=(low, high))
    mask = low | high << 32
    for capability in range(CAP_LAST + 1):
        if mask >> capability & 1:
            _prctl("PR_CAP_AMBIENT", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def clear_ambient_capabilities() -> None:
    _prctl("PR_CAP_AMBIENT", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)


def _set_capabilities(effective: tuple[int, int], permitted: tuple[int, int], inheritable: tuple[int, int]) -> None:
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    halves = [struct.pack("3I", effective[i], permitted[i], inheritable[i]) for i in (0, 1)]
    _call("capset", _CAPSET, header, b"".join(halves))


def install_filter(program: bytes) -> None:
    """Puts a seccomp filter (struct sock_filter[]) on this process and all it will start. Cannot be undone."""
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    _call("seccomp", _SECCOMP, _SECCOMP_SET_MODE_FILTER, 0, header)


# Mounts


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    result = _libc.mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(data))
    _check(result, f"mount {source} on {target}")


def unmount(target: str) -> None:
    """Takes a mount and all below it out of sight at once; the kernel ends it when nobody uses it any more."""
    _check(_libc.umount2(_bytes(target), _MNT_DETACH), f"umount {target}")


def restrict(target: str, attributes: int, recursive: bool = True) -> None:
    """Adds MOUNT_* attributes to a mount, and to those below it."""
    _mount_setattr(_AT_FDCWD, target, _AT_RECURSIVE if recursive else 0, attributes)


def open_tree(path: str, attributes: int) -> int:
    """A bind mount of `path`, attached nowhere yet, with MOUNT_* attributes, as a file descriptor."""
    fd = _call(f"open_tree {path}", _OPEN_TREE, _AT_FDCWD, _bytes(path), 1 | _CLOEXEC)
    try:
        _mount_setattr(fd, "", _AT_EMPTY_PATH, attributes)
    except OSError:
        os.close(fd)
        raise
    return fd


def new_filesystem(kind: str, attributes: int, settings: Mapping[str, str | None]) -> int:
    """A new mount of a file system, attached nowhere yet, as a file descriptor. A setting without value is a flag."""
    context = _call(f"fsopen {kind}", _FSOPEN, _bytes(kind), 1)
    try:
        for key, value in settings.items():
            _call(f"fsconfig {key}", _FSCONFIG, context, int(value is not None), _bytes(key), _bytes(value), 0)
        _call(f"fsconfig create {kind}", _FSCONFIG, context, 6, None, None, 0)
        return _call(f"fsmount {kind}", _FSMOUNT, context, 1, attributes)
    finally:
        os.close(context)


def attach(mount_fd: int, target: str) -> None:
    """Puts a mount that is attached nowhere on `target`."""
    _call(f"move_mount to {target}", _MOVE_MOUNT, mount_fd, b"", _AT_FDCWD, _bytes(target), 4)


def change_root(new_root: str) -> None:
    """Makes the mount `new_root` the root and takes the old one away."""
    os.chdir(new_root)
    _call(f"pivot_root {new_root}", _PIVOT_ROOT, b".", b".")
    unmount(".")
    os.chdir("/")


def _mount_setattr(directory_fd: int, path: str, flags: int, attributes: int) -> None:
    data = struct.pack("4Q", attributes, 0, 0, 0)
    _call(f"mount_setattr {path}", _MOUNT_SETATTR, directory_fd, _bytes(path), flags, data, len(data))
