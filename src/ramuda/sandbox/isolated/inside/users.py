"""The function's user. To the function it is always Lambda's; to the kernel, where root starts it, one of the sandbox's
own.

The kernel counts some things by user: inotify instances, pending signals, locked and pipe memory, file descriptors
in flight. A user that sandboxes shared would let one function use up what another needs. So a process takes a number
that nobody else has and enters a user namespace in which this number is Lambda's. All other namespaces of the sandbox
belong to the host's user namespace: over them, this one gives no power.
"""

from __future__ import annotations

import os
import random
from typing import Any

from . import syscalls

FIRST, LAST = 0x70000000, 0x7FFD_FFFF
"""Numbers that nobody uses on Linux: https://systemd.io/UIDS-GIDS/ ("HIC SVNT LEONES")."""


def choose() -> int:
    """A sandbox's number, for user and group. No state: that two of thousands coincide is unlikely and does little."""
    return random.SystemRandom().randint(FIRST, LAST)


def kernel_uid(config: dict[str, Any]) -> int:
    """The number that the kernel knows the function's user by."""
    return int(config["own_user"] or config["uid"])


def become(config: dict[str, Any]) -> None:
    """Makes the calling process, which is root, the function's user. `own_user` is None where there are no user
    namespaces: then it is Lambda's number to the kernel as well."""
    if config["own_user"] is None:
        syscalls.drop_bounding_set()
        _set_ids(config["uid"], config["gid"])
    else:
        _set_ids(config["own_user"], config["own_user"])
        syscalls.set_dumpable(True)  # else its files in /proc are root's
        enter_namespace(config["uid"], config["gid"])
        syscalls.drop_bounding_set()  # which was filled again


def _set_ids(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def enter_namespace(uid: int, gid: int) -> None:
    """A user namespace where the caller's user is `uid`, its group `gid`, and it has every capability."""
    own_uid, own_gid = os.getuid(), os.getgid()
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {own_uid} 1"),
        ("gid_map", f"{gid} {own_gid} 1"),
    ):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)


def are_possible(config: dict[str, Any]) -> bool:
    """Tries, in a child, whether sandboxes can have users of their own."""
    pid = os.fork()
    if pid == 0:
        try:
            become({**config, "own_user": choose()})
        except OSError:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return status == 0
