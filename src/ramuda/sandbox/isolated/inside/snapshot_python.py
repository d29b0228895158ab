"""The function's side of SnapStart: where an initialised Python waits to be copied, and what a copy does first.

AWS's runtime client calls `restore/next` when Init and the before-snapshot hooks are done, and goes on with the
after-restore hooks when that returns. Here it says so and waits in a read(2) that returns in copies only
(`snapshot_fork`). All of this runs with the function's own rights, among the function's own memory: nothing else
relies on it.

A copy is process 1 of its namespace. It stays that, to reap what is left over and to tell how the runtime ended, and
forks the runtime's process properly: libraries that asked to be told of forks (pthread_atfork, os.register_at_fork)
then hear of it, which is what makes `random` and OpenSSL unique.
"""

from __future__ import annotations

import array
import gc
import json
import os
import random
import select
import signal
import socket
import sys
import warnings
from typing import Any, NoReturn

from . import snapshot_files

RENDEZVOUS = "\0ramuda-restore"
"""An abstract socket: known in the copy's own network namespace only."""
BORN, ENDED = b"b", b"e"
_RESTORE_NEXT = b"GET /2018-06-01/runtime/restore/next HTTP/1.1\r\nHost: runtime\r\n\r\n"
_FDS_MAX = 4
FRAMES_FD = 5
"""Of the framed log channel: `kernel.ports.sandbox.FRAMES_FD`."""
_FRAMES_VARIABLE = "_LAMBDA_TELEMETRY_LOG_FD"
_imported = (select, random)  # before the function's own modules can stand in their place


def restore_next(client: Any) -> None:
    """Stands in for `LambdaRuntimeClient.restore_next`."""
    gc.collect()
    gc.freeze()  # a collection would touch, and so copy, every page
    _end_threads()
    pairs = snapshot_files.socket_pairs()
    _say_ready(client.lambda_runtime_address)
    reading, writing = os.pipe()
    os.read(reading, 1)
    os.close(reading)
    os.close(writing)
    assignment, frames = _become_environment()
    with open(assignment, "rb") as pipe:
        assigned = json.loads(pipe.read() or b"null")
    if assigned is None:
        os._exit(0)  # nobody wants this environment
    os.environ.clear()
    os.environ.update(assigned["env"])
    os.environ.pop(_FRAMES_VARIABLE, None)  # as the client does when it has opened it
    snapshot_files.renew(pairs, frames)
    _renew_randomness()


def _end_threads() -> None:
    """Libraries with threads of their own that know of forks end them before one, and start them again when they need
    them: OpenBLAS, and so numpy, is one. So there is a fork, of no other use."""
    if len(os.listdir("/proc/self/task")) == 1:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a process of several threads forks
        child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _say_ready(address: str) -> None:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(_RESTORE_NEXT)


def _become_environment() -> tuple[int, tuple[int, ...]]:
    """The runtime's process of the copy goes on; where it will read its assignment, and the framed log channel if
    any."""
    output, assignment, life_fd, *frames = _receive()
    for standard in (1, 2):
        os.dup2(output, standard, inheritable=True)
    os.close(output)
    if frames:
        os.dup2(frames[0], FRAMES_FD, inheritable=os.get_inheritable(FRAMES_FD))
        os.close(frames[0])
    life = socket.socket(fileno=life_fd)
    os.setsid()  # a signal for the original's group is not for the copy
    runtime = os.fork()
    if runtime:
        _keep(runtime, life)
    os.setsid()
    life.send(BORN)  # the kernel adds this process's id, which the server needs to measure it
    life.close()
    return assignment, (FRAMES_FD,) if frames else ()


def _receive() -> list[int]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(RENDEZVOUS)
        fds = array.array("i")
        _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(_FDS_MAX * fds.itemsize))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content)
    return list(fds)


def _keep(runtime: int, life: socket.socket) -> NoReturn:
    """Process 1."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # which for process 1 means: has no effect
    fd = life.detach()
    os.dup2(fd, 3)
    os.closerange(0, 3)
    os.closerange(4, 1 << 16)
    life = socket.socket(fileno=3)
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except InterruptedError:
            continue
        if pid == runtime:
            life.send(ENDED + str(status).encode())
            os._exit(0)


def _renew_randomness() -> None:
    """What does not hear of forks by itself: OpenSSL that went by the process's id, and numpy's global generator."""
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(32), 32.0)
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None and hasattr(numpy_random, "seed"):
        numpy_random.seed()
