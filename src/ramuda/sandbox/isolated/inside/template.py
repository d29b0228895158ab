"""The template process of one runtime: a root file system and, in it, a process from which sandboxes are cloned.

    server --fork+exec--> build() --Boot.FORK: exec of the runtime's own interpreter--> serve()
                             `-----other boots: stays this interpreter----------------> serve()

One thread, always: a fork of it is then whole. It ends when the server's socket does, and takes its sandboxes with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

from . import fork_python, image_root, init, rootfs, runtime_process, syscalls, users, wire

_START = "import sys; sys.path.insert(0, sys.argv[1]); from inside import template; template.{}(int(sys.argv[2]))"
_READ_ONLY = syscalls.MOUNT_READ_ONLY | syscalls.MOUNT_NOSUID | syscalls.MOUNT_NODEV
NAMESPACES = (
    syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS
)

OOM_SCORE = 500
"""proc(5) oom_score_adj, inherited by every sandbox: between the usual 0 and 1000, which is "always first"."""


def command(python: str, package: str, control_fd: int) -> list[str]:
    """What the server executes. -I -S: nothing of the host's environment or site-packages has a say."""
    return [python, "-I", "-S", "-c", _START.format("build"), os.path.dirname(package), str(control_fd)]


def build(control_fd: int) -> NoReturn:
    """First half: namespaces and the root; the server's first message is the configuration."""
    control = socket.socket(fileno=control_fd)
    try:
        config, _, _ = wire.receive(control)
        if config is None:
            os._exit(0)
        if not config["has_root"]:
            users.enter_namespace(config["uid"], config["gid"])
        _end_before_others()
        syscalls.unshare(syscalls.CLONE_NEWNS)
        if config["image"] is not None:
            image_root.build(config)
        else:
            rootfs.build(config)
        if config["preload"] is not None:
            _become_runtime(control, config)
        _serve(control, config)
    except BaseException:  # noqa: BLE001 - the boundary of this process: the server must hear of it
        _fail(control)


def resume(control_fd: int) -> NoReturn:
    """Second half, in the runtime's own Python."""
    sys.path[:] = [entry for entry in sys.path if entry not in ("", rootfs.HIDDEN)]
    control = socket.socket(fileno=control_fd)
    os.set_inheritable(control_fd, False)
    try:
        with open(rootfs.CONFIG) as file:
            config = json.load(file)
        _serve(control, config)
    except fork_python.Assigned as fork:
        assignment = fork.assignment
    except BaseException:  # noqa: BLE001 - as above
        _fail(control)
    fork_python.run(assignment)


def _fail(control: socket.socket) -> NoReturn:
    wire.send(control, {"did": "fail", "error": traceback.format_exc(limit=-3)})
    os._exit(1)


def _end_before_others() -> None:
    """When the machine runs out of memory, functions end rather than the server or the host's own programs."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(OOM_SCORE))


def _become_runtime(control: socket.socket, config: dict[str, Any]) -> NoReturn:
    if not config["has_root"]:
        syscalls.keep_capabilities_over_exec()
    os.set_inheritable(control.fileno(), True)
    argv = [*config["argv"], "-c", _START.format("resume"), rootfs.HIDDEN, str(control.fileno())]
    os.execve(argv[0], argv, {**config["environment"], "PYTHONDONTWRITEBYTECODE": "1"})  # noqa: S606


def _serve(control: socket.socket, config: dict[str, Any]) -> NoReturn:
    loaded: dict[str, list[str]] = {}
    if config["preload"] is not None:
        loaded = fork_python.preload(config["preload"])
    has_own_users = config["has_root"] and users.are_possible(config)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: the server watches its sandboxes by pidfd
    gc.collect()
    gc.freeze()
    wire.send(control, {"did": "ready", "loaded": loaded})
    while True:
        message, fds, _ = wire.receive(control)
        if message is None:
            os._exit(0)
        if message["do"] == "clone":
            own = {"own_user": users.choose() if has_own_users else None, "is_copied": message["is_copied"]}
            own["frames"] = fds.pop(2) if message["is_framed"] else None
            _clone(control, fds, {**config, **own})
            fds += [own["frames"]] if own["frames"] is not None else []
        else:
            _forward(control, message, fds)
        for fd in fds:
            os.close(fd)


def _clone(control: socket.socket, fds: list[int], config: dict[str, Any]) -> None:
    """Makes a sandbox. `fds`: its control socket, its output, its cgroup.procs files."""
    if syscalls.clone(NAMESPACES) != 0:
        return
    own = socket.socket(fileno=fcntl.fcntl(fds[0], fcntl.F_DUPFD_CLOEXEC, runtime_process.ABOVE_STANDARD))
    os.close(fds[0])
    control.close()
    try:
        init.run(own, fds[1], fds[2:], config)
    except fork_python.Assigned:
        raise
    except BaseException:  # noqa: BLE001 - the boundary of this process
        _fail(own)


def _forward(control: socket.socket, message: dict[str, Any], fds: list[int]) -> None:
    """Adds mounts of the wanted code to a sandbox's message, and sends it on the server's end of that sandbox's
    socket."""
    trees = []
    with socket.socket(fileno=os.dup(fds[0])) as sandbox:
        try:
            for path in message.pop("code"):
                trees.append(syscalls.open_tree(os.path.join(rootfs.CODE, path), _READ_ONLY))  # noqa: PERF401 - closed if one fails
            wire.send(sandbox, message, trees)
        except OSError as error:
            wire.send(control, {"did": "refuse", "id": message["id"], "error": str(error)})
        finally:
            for tree in trees:
                os.close(tree)
