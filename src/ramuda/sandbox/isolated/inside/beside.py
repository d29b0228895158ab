"""Processes beside the runtime (extensions), and sockets for the server to reach what listens in the sandbox.

A process beside the runtime is shut in exactly as the runtime is: the same groups, user, limits and system calls. Its
start is over when its program runs or could not be executed; nothing of the function runs before.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from typing import Any, NoReturn

from . import runtime_process, syscalls, wire
from .runtime_process import ABOVE_STANDARD, Confinement

_FAILURE_FD = 3
_FAILURE_BYTES = 64


class Beside:
    """What init keeps of these processes."""

    def __init__(self, control: socket.socket, confinement: Confinement) -> None:
        self._control = control
        self._confinement = confinement
        self._numbers: dict[int, int] = {}

    def start(self, message: dict[str, Any], fds: list[int]) -> None:
        """`fds`: where its output goes. Answers when the program runs, or why it does not."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become(self._confinement, fds[0], writing, message)
        os.close(writing)
        failure = os.read(reading, _FAILURE_BYTES).decode()
        os.close(reading)
        if failure:
            os.waitpid(pid, 0)
        else:
            self._numbers[pid] = message["number"]
        wire.send(self._control, {"did": "start_beside", "failure": failure})

    def ended(self, pid: int, how: dict[str, int]) -> None:
        """Some process of the sandbox ended."""
        number = self._numbers.pop(pid, None)
        if number is not None:
            wire.send(self._control, {"did": "exit_beside", "number": number, **how})

    def socket(self, message: dict[str, Any], fds: list[int]) -> None:
        """A socket of this network, not connected: the server connects it, so that nobody here waits."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
            wire.send(self._control, {"did": "socket"}, [made.fileno()])


def _become(confinement: Confinement, output: int, failure: int, message: dict[str, Any]) -> NoReturn:
    try:
        runtime_process.join(confinement)
        _standard_fds(output, failure)
        runtime_process.restrict(confinement.config)
        syscalls.close_from(_FAILURE_FD + 1)
        os.chdir("/")
        os.set_inheritable(_FAILURE_FD, False)
        runtime_process.restore_signals()
        os.execve(message["argv"][0], message["argv"], message["env"])  # noqa: S606
    except OSError as error:
        os.write(_FAILURE_FD, errno.errorcode.get(error.errno or 0, "EIO").encode())
    os._exit(runtime_process.NOT_EXECUTABLE)


def _standard_fds(output: int, failure: int) -> None:
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, ABOVE_STANDARD) for fd in (output, failure)]
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (moved[0], 1), (moved[0], 2), (moved[1], _FAILURE_FD)):
        os.dup2(source, target, inheritable=True)
