"""Process 1 of a sandbox. It sets the sandbox up, starts the runtime, tells the server how it ended, and reaps orphans.

It is a fork of the template and ends with the template, with its control socket, or by the server's SIGKILL; the
kernel then ends every process of the sandbox. It is not in the function's cgroups, so neither the freezer nor the
memory limit stops it. From `assign` on it keeps only the privileges that starting the runtime anew takes. Function
code can neither signal it (process 1 of a namespace ignores what it has no handler for), nor look into it (not
dumpable), nor find its socket (closed in the runtime's process before that gives up its privileges).

The messages and their order are those of `isolated.sandbox`, the server's side.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from . import beside, launch, netns, rootfs, runtime_process, snapshot_fork, syscalls, users, wire
from .runtime_process import Confinement

_ALL = -1
_TMP = "/tmp"  # noqa: S108 - the sandbox's own
_GRACE_STEP_S = 0.01


def run(control: socket.socket, output: int, cgroups: list[int], config: dict[str, Any]) -> None:
    """Does not return: ends with the sandbox, or raises `fork_python.Assigned` in the runtime's process of a forked
    Python."""
    syscalls.die_with_parent(signal.SIGKILL)
    syscalls.set_dumpable(False)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # which for process 1 means: cannot be interrupted from inside
    init = _Init(control, Confinement(output=output, cgroups=cgroups, config=config), config)
    init.prepare()
    init.serve()


class _Init:
    def __init__(self, control: socket.socket, confinement: Confinement, config: dict[str, Any]) -> None:
        self._control = control
        self._confinement = confinement
        self._config = config
        self._runtime_pid = 0
        self._assignment_pipe: int | None = None
        self._report: int | None = None
        self._beside = beside.Beside(control, self._confinement)
        self._handlers: dict[str, Callable[[dict[str, Any], list[int]], None]] = {
            "mount_tmp": self._mount_tmp,
            "assign": self._assign,
            "start": self._start,
            "reset": self._reset,
            "signal": self._signal,
            "signal_runtime": self._signal_runtime,
            "start_beside": self._beside.start,
            "socket": self._beside.socket,
            "settle": self._settle,
            "copy": self._copy,
        }

    def prepare(self) -> None:
        """Network, listening sockets, /proc, and the runtime's process as far as it gets without a function."""
        self._wakeup = _watch_children()
        syscalls.set_hostname(self._config["hostname"])
        netns.loopback_up()
        listening = [netns.listen(self._config["runtime_api_port"]), netns.listen(self._config["gateway_port"])]
        if self._config["network"] and netns.open_way_out():
            listening += [netns.listen(netns.OUTBOUND_PORT), netns.listen_dns()]
        wire.send(self._control, {"did": "listen"}, [each.fileno() for each in listening])
        for each in listening:
            each.close()
        if self._config["has_root"]:  # else it is the function's user's already
            os.fchown(self._confinement.output, users.kernel_uid(self._config), -1)  # or /dev/stdout cannot be opened
        _mount_proc()
        syscalls.unmount(rootfs.HIDDEN_MOUNT)
        self._fork_runtime(self._config["waiting_argv"])

    def serve(self) -> None:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wakeup, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._wakeup in ready:
                os.read(self._wakeup, 4096)
                self._reap()
            if self._control.fileno() in ready:
                message, fds, _ = wire.receive(self._control)
                if message is None:
                    os._exit(0)
                self._handle(message, fds)

    def _handle(self, message: dict[str, Any], fds: list[int]) -> None:
        try:
            self._handlers[message["do"]](message, fds)
        except OSError as error:
            wire.send(self._control, {"did": "fail", "error": "{}: {}".format(message["do"], error)})
        finally:
            for fd in fds:
                os.close(fd)

    # The function's files

    def _mount_tmp(self, message: dict[str, Any], fds: list[int]) -> None:
        """Its /tmp: a mount of the server's, or a tmpfs of `mib`. It replaces a former one."""
        if message["replaces"]:
            syscalls.unmount(_TMP)
        if fds:
            syscalls.attach(fds[0], _TMP)
            uid = users.kernel_uid(self._config)
            os.chown(_TMP, uid, uid)
        else:
            settings = {"size": "{}m".format(message["mib"]), "mode": "1777"}
            tmp = syscalls.new_filesystem("tmpfs", syscalls.MOUNT_NOSUID | syscalls.MOUNT_NODEV, settings)
            syscalls.attach(tmp, _TMP)
            os.close(tmp)

    def _assign(self, message: dict[str, Any], fds: list[int]) -> None:
        for target, fd in zip(message["targets"], fds):  # noqa: B905 - Python 3.8
            syscalls.attach(fd, target)
        syscalls.clear_ambient_capabilities()
        if not self._config["is_copied"]:  # else copies of the runtime need namespaces, long after this
            kept = (syscalls.CAP_KILL, syscalls.CAP_SETGID, syscalls.CAP_SETUID, syscalls.CAP_SETPCAP)
            syscalls.keep_capabilities(*kept)
        wire.send(self._control, {"did": "assign"})

    # The runtime's process

    def _start(self, message: dict[str, Any], fds: list[int]) -> None:
        """Hands the assignment to the waiting process, or to one made now."""
        if message["afresh"]:
            self._end_runtime()
        if self._assignment_pipe is None or not self._runtime_pid:
            self._fork_runtime(None if message["afresh"] else self._config["waiting_argv"])
        pipe, self._assignment_pipe = self._assignment_pipe, None
        assert pipe is not None
        try:
            os.write(pipe, message["assignment"].encode())
        except BrokenPipeError:
            pass  # it ended in this moment; its exit will be told
        finally:
            os.close(pipe)
        wire.send(self._control, {"did": "start"})

    def _fork_runtime(self, waiting_argv: list[str] | None) -> None:
        """`waiting_argv` is executed at once; without it the process waits for its assignment and acts on it."""
        reading, writing = os.pipe()
        report = self._make_report() if self._config["image"] is not None else None
        self._runtime_pid = os.fork()
        if self._runtime_pid == 0:
            os.close(writing)
            runtime_process.become(self._confinement, self._control, reading, report, waiting_argv)
        os.close(reading)
        if report is not None:
            os.close(report)
        if self._assignment_pipe is not None:
            os.close(self._assignment_pipe)
        self._assignment_pipe = writing

    def _make_report(self) -> int:
        """A pipe in which the runtime's process says why it could not become an image's command; its end of it."""
        if self._report is not None:
            os.close(self._report)
        self._report, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        return writing

    def _end_runtime(self) -> None:
        """Ends a process that waits but is of no use to this function."""
        pid, self._runtime_pid = self._runtime_pid, 0
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _reap(self) -> None:
        while self._reap_one(os.WNOHANG):
            pass

    def _reap_one(self, options: int) -> bool:
        """Whether there was one. Tells the server when it was the runtime."""
        try:
            pid, status = os.waitpid(_ALL, options)
        except ChildProcessError:
            return False
        if pid and pid == self._runtime_pid:
            self._runtime_pid = 0
            launch_error = None if self._report is None else launch.read_report(self._report)
            wire.send(self._control, {"did": "exit", **_how(status), "launch_error": launch_error})
        elif pid:
            self._beside.ended(pid, _how(status))
        return pid != 0

    def _reset(self, message: dict[str, Any], fds: list[int]) -> None:
        if message["grace_s"] > 0 and self._kill_all(signal.SIGTERM):
            deadline = time.monotonic() + message["grace_s"]
            while time.monotonic() < deadline and self._has_children():
                time.sleep(_GRACE_STEP_S)
        while self._kill_all(signal.SIGKILL):
            while self._reap_one(0):
                pass
        wire.send(self._control, {"did": "reset"})

    def _has_children(self) -> bool:
        self._reap()
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    def _signal(self, message: dict[str, Any], fds: list[int]) -> None:
        self._kill_all(message["number"])

    def _signal_runtime(self, message: dict[str, Any], fds: list[int]) -> None:
        """Its process began a session, and with it a group."""
        if self._runtime_pid:
            os.killpg(self._runtime_pid, message["number"])

    # Copies of the runtime's process

    def _settle(self, message: dict[str, Any], fds: list[int]) -> None:
        if os.fork() == 0:
            signal.set_wakeup_fd(-1)
            snapshot_fork.check(self._control, self._runtime_pid, self._config["frames"])

    def _copy(self, message: dict[str, Any], fds: list[int]) -> None:
        if os.fork() == 0:
            signal.set_wakeup_fd(-1)
            self._control.detach()
            snapshot_fork.copy(self._runtime_pid, fds, message, self._config)

    def _kill_all(self, number: int) -> bool:
        """Signals every process of the sandbox but this one. Whether there was any."""
        try:
            os.kill(_ALL, number)
        except OSError as error:
            if error.errno != errno.ESRCH:
                raise
            return False
        return True


def _watch_children() -> int:
    """A pipe that becomes readable when a child ended."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def _mount_proc() -> None:
    """This pid namespace's own /proc; processes of others, and init, are not listed."""
    attributes = syscalls.MOUNT_NOSUID | syscalls.MOUNT_NODEV | syscalls.MOUNT_NOEXEC
    proc = syscalls.new_filesystem("proc", attributes, {"hidepid": rootfs.HIDE_PROCESSES})
    syscalls.unmount("/proc")
    syscalls.attach(proc, "/proc")
    os.close(proc)


def _how(status: int) -> dict[str, int]:
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return {"code": os.WEXITSTATUS(status)}
