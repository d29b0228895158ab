"""Tries, in a process of its own, what a template and a sandbox will do; prints what works as one JSON object."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from . import netns, rootfs, seccomp, syscalls, template, users


def main(root: str, has_root: bool, uid: int, gid: int) -> None:
    """`root` is an empty folder. Each step's name comes with None or the error's text. Steps after a failed one
    that they need fail as well."""
    results: dict[str, str | None] = {}

    def step(name: str, work: Callable[[], Any]) -> None:
        try:
            work()
            results[name] = None
        except (OSError, KeyError) as error:
            results[name] = str(error)

    step("user_namespace", (lambda: None) if has_root else (lambda: users.enter_namespace(uid, gid)))
    step("namespaces", lambda: syscalls.unshare(template.NAMESPACES))
    step("mounts", lambda: _mounts(root))
    step("network", _network)
    child = os.fork()
    if child == 0:
        step("proc", _proc)  # needs to be in the new pid namespace
        step("seccomp", _seccomp)
        sys.stdout.write(json.dumps(results))
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def _mounts(root: str) -> None:
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("tmpfs", root, "tmpfs", 0, "size=1m")
    os.close(syscalls.open_tree("/usr", syscalls.MOUNT_READ_ONLY))


def _network() -> None:
    netns.loopback_up()
    netns.redirect_everything()


def _proc() -> None:
    os.close(syscalls.new_filesystem("proc", syscalls.MOUNT_NOSUID, {"hidepid": rootfs.HIDE_PROCESSES}))


def _seccomp() -> None:
    syscalls.no_new_privileges()
    syscalls.install_filter(seccomp.program())
