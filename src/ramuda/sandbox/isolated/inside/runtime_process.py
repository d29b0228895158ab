"""From a fork of init to the runtime: everything a process loses before function code may run in it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import resource
import signal
import socket
from typing import Any, NamedTuple, NoReturn

from . import fork_python, launch, seccomp, syscalls, users, wire

ASSIGNMENT_FD = 3
FRAMES_FD = 5
"""Of the framed log channel: `kernel.ports.sandbox.FRAMES_FD`."""
ABOVE_STANDARD = 10
"""File descriptors from here on are in nobody's way when the standard ones are laid out."""
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes when the runtime's program cannot be started, as a shell gives them."""

_FILTER, _COPIED_FILTER = seccomp.program(), seccomp.program(copied=True)
_CHANGED_BY_PYTHON = (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)


class Confinement(NamedTuple):
    """What it takes: `output` becomes stdout and stderr; `cgroups` are open cgroup.procs files."""

    output: int
    cgroups: list[int]
    config: dict[str, Any]


def become(
    confinement: Confinement,
    control: socket.socket,
    assignment: int,
    report: int | None,
    waiting_argv: list[str] | None,
) -> NoReturn:
    """Shuts the calling process in, then executes `waiting_argv`, or waits for the assignment and does as that says.
    Into `report` goes why an image's command could not be started."""
    try:
        _confine(confinement, control, assignment, report)
    except OSError as error:
        wire.send(control, {"did": "fail", "error": f"shutting the runtime in: {error}"})
        os._exit(NOT_EXECUTABLE)
    if waiting_argv is not None:
        _execute(waiting_argv, confinement.config["environment"])
    data = _read_assignment()
    assigned = json.loads(data)
    if assigned["cwd"] is not None:
        launch.execute(assigned["argv"], assigned["env"], assigned["cwd"])
    _enter("/var/task")
    if confinement.config["waiting_argv"] is not None:
        _offer_assignment(data)
    if assigned["argv"] is not None:
        _execute(assigned["argv"], assigned["env"])
    raise fork_python.Assigned(assigned)


def _confine(confinement: Confinement, control: socket.socket, assignment: int, report: int | None) -> None:
    join(confinement)
    _standard_fds(confinement.output, assignment, report, confinement.config["frames"])
    restrict(confinement.config)
    wire.send(control, {"did": "fork"})  # the kernel adds this process's id, which the server needs to measure it
    control.detach()
    _close_others(report, confinement.config["frames"])


def join(confinement: Confinement) -> None:
    """The process belongs to the sandbox's groups and to a session of its own from here on."""
    for cgroup in confinement.cgroups:
        os.write(cgroup, b"0")
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()


def restrict(config: dict[str, Any]) -> None:
    """Its limits, and no privilege any more."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (config["open_files"], config["open_files"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _drop_privileges(config)


def _drop_privileges(config: dict[str, Any]) -> None:
    syscalls.clear_ambient_capabilities()
    if config["has_root"]:  # else the one user and group that are mapped are these already
        users.become(config)
    else:
        syscalls.drop_bounding_set()
    syscalls.keep_capabilities()
    syscalls.set_dumpable(True)  # of the function's own processes its /proc shows everything
    syscalls.no_new_privileges()
    syscalls.install_filter(_COPIED_FILTER if config.get("is_copied") else _FILTER)


def _close_others(report: int | None, frames: int | None) -> None:
    first = ASSIGNMENT_FD + 1 if report is None else launch.REPORT_FD + 1
    if frames is None:
        syscalls.close_from(first)
        return
    for fd in range(first, FRAMES_FD):
        with contextlib.suppress(OSError):
            os.close(fd)
    syscalls.close_from(FRAMES_FD + 1)


def _standard_fds(output: int, assignment: int, report: int | None, frames: int | None) -> None:
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, ABOVE_STANDARD) for fd in (output, assignment)]
    if frames is not None:
        channel = fcntl.fcntl(frames, fcntl.F_DUPFD, ABOVE_STANDARD)
    last = None if report is None else fcntl.fcntl(report, fcntl.F_DUPFD, ABOVE_STANDARD)
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (moved[0], 1), (moved[0], 2), (moved[1], ASSIGNMENT_FD)):
        os.dup2(source, target, inheritable=True)
    if last is not None:
        os.dup2(last, launch.REPORT_FD, inheritable=False)
    if frames is not None:
        os.dup2(channel, FRAMES_FD, inheritable=True)


def _read_assignment() -> bytes:
    with open(ASSIGNMENT_FD, "rb") as pipe:
        data = pipe.read()
    if not data:
        os._exit(0)  # init is gone
    return data


def _offer_assignment(data: bytes) -> None:
    """A runtime that is made to wait reads its assignment also when it is started afresh. The pipe holds it all."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    os.dup2(reading, ASSIGNMENT_FD, inheritable=True)
    if reading != ASSIGNMENT_FD:
        os.close(reading)
    else:
        os.set_inheritable(ASSIGNMENT_FD, True)


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError:
        os.chdir("/")  # a package whose root folder the function's user may not enter


def restore_signals() -> None:
    for number in _CHANGED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)


def _execute(argv: list[str], environment: dict[str, str]) -> NoReturn:
    restore_signals()
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606
    except OSError as error:
        os.write(2, f"{argv[0]}: {os.strerror(error.errno or 0)}\n".encode())
        os._exit(NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE)
