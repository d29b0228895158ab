"""SnapStart's sandboxes: an `Origin`, whose initialised runtime waits, and the copies that are made of it.

What they ask of the origin's init, and what it tells:

    settle -> settle       whether the runtime waits and can be copied
    copy   -> listen       the copy's pidfd and listening sockets            (these on the copy's own control socket,
           -> copy         the copy runs, and waits for its assignment        by a process that ends then)
              fail         there is no copy

A copy's processes tell how they do on a socket of their own, `life`: what comes from there is written by hostile code
and concerns nobody but itself.

A copy's processes live in a pid namespace below the origin's, so an origin that is killed lives on without its runtime,
frozen no more, until its last copy has ended.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Assignment, Exit, NotCopyable, Program, Sandbox
from ramuda.sandbox.isolated import cgroup_v1
from ramuda.sandbox.isolated.channel import Message, close_all
from ramuda.sandbox.isolated.inside import snapshot_python, wire
from ramuda.sandbox.isolated.launch import ASSIGNMENT_BYTES_MAX
from ramuda.sandbox.isolated.sandbox import IsolatedSandbox

LIFE_BYTES = 32
_PID = re.compile(rb"^Pid:\s*(\d+)$", re.MULTILINE)


class _Family(IsolatedSandbox):
    """Where there are no control groups, an origin's init would stop the copies with the origin: their processes are
    below its own."""

    def pause(self) -> None:
        if self.group is not None and self.group.freezes:
            self.group.freeze()
        else:
            self.signal_runtime(signal.SIGSTOP)

    def resume(self) -> None:
        if self.group is not None and self.group.freezes:
            self.group.thaw()
        else:
            self.signal_runtime(signal.SIGCONT)


class Origin(_Family):
    """Implements `ports.sandbox.Origin`. `make_copy` is set by the backend."""

    is_copied = True
    make_copy: Callable[["Origin"], Awaitable["Copy"]]

    def __init__(self, sandbox_id: str, **settings: Any) -> None:
        super().__init__(sandbox_id, **settings)
        self._copies: set[Copy] = set()
        self._copying = asyncio.Lock()
        self._obstacle: str | None = None
        self._is_over = False

    async def start(self) -> None:
        if self._launch is not None and self._launch.argv is not None:
            raise NotCopyable(
                "its variables or its packages have Python started afresh (PYTHON*, LD_*, AWS_LAMBDA_EXEC_WRAPPER, "
                "modules of the standard library or of the runtime client)"
            )
        await super().start()

    async def settle(self) -> None:
        await self._ask({"do": "settle"}, ())
        if self._obstacle is not None:
            raise NotCopyable(self._obstacle)
        if self.group is not None:
            self.group.limit_cpu(None)  # it runs no more but to be copied
        self.pause()

    async def copy(self) -> Sandbox:
        async with self._copying:
            self.resume()
            try:
                return await self.make_copy(self)
            finally:
                if not self._is_over:
                    self.pause()

    async def reset(self, grace_s: float = 0.0) -> Exit:
        """Its init would end the copies as well: the namespaces of these are below its own."""
        if not self._copies:
            return await super().reset(grace_s)
        self.resume()
        self.signal_runtime(signal.SIGKILL)
        return await self.wait()

    @property
    def tmp_mib(self) -> int:
        return self._tmp_mib

    def request_copy(self, copy: "Copy", fds: list[int], *, is_framed: bool, has_tmp: bool) -> None:
        self._copies.add(copy)
        self._channel.send({"do": "copy", "is_framed": is_framed, "has_tmp": has_tmp, "mib": self._tmp_mib}, fds)

    async def kill(self) -> None:
        if not self._copies:
            await super().kill()
            return
        self._is_over = True
        with contextlib.suppress(OSError):
            self.resume()
        self.signal_runtime(signal.SIGKILL)

    async def copy_ended(self, copy: "Copy") -> None:
        self._copies.discard(copy)
        if self._is_over and not self._copies:
            await super().kill()

    def _received(self, message: Message, fds: list[int], pid: int) -> None:
        if message["did"] == "settle":
            self._obstacle = message["reason"]
        super()._received(message, fds, pid)


class Copy(_Family):
    """Implements `ports.sandbox.Sandbox`; started once: after `reset` it can only be killed."""

    def __init__(self, sandbox_id: str, *, origin: Origin, **settings: Any) -> None:
        super().__init__(sandbox_id, **settings)
        self._origin = origin
        self._life: socket.socket | None = None
        self._assign_fd: int | None = None
        self._runtime_fd: int | None = None
        self._is_made = False

    async def prepare(self, entrances: list[int], output: int, control: socket.socket, tmp_mib: int) -> None:
        listening, copied, born = self._expect("listen"), self._expect("copy"), self._expect("born")
        self._life, life = wire.pair()
        self._life.setblocking(False)
        self._loop.add_reader(self._life, self._read_life)
        reading, self._assign_fd = os.pipe2(os.O_CLOEXEC)
        frames = self._open_frames()
        framed = [frames] if frames is not None else []
        self._tmp_mib = self._origin.tmp_mib
        volume = await self._make_tmp(self._tmp_mib)
        tmp = [volume] if volume is not None else []
        try:
            fds = [control.fileno(), output, reading, life.fileno(), *framed, *tmp, *entrances]
            self._origin.request_copy(self, fds, is_framed=bool(framed), has_tmp=bool(tmp))
        finally:
            life.close()
            close_all([reading, *framed, *tmp])
        await self._within(listening, "listen")
        await self._within(copied, "copy")
        self._is_made = True
        await self._within(born, "start of the copy")

    async def assign(self, assignment: Assignment) -> None:
        """Its code is there, and its /tmp with what Init wrote."""
        self._assignment = assignment
        self._limit_memory(assignment.memory_mib)

    async def start(self) -> None:
        if self._assign_fd is None or self._assignment is None:
            raise PortError(f"sandbox {self.id}: a copy cannot be started again")
        text = json.dumps({"env": dict(self._assignment.env)}).encode()
        if len(text) > ASSIGNMENT_BYTES_MAX:
            raise PortError(f"the environment of {self._assignment.function_arn} is too large")
        if self.group is not None:
            self._oom_kills = self.group.oom_kills()
        self._started = True
        fd, self._assign_fd = self._assign_fd, None
        try:
            os.write(fd, text)  # the pipe holds it all
        except BrokenPipeError:
            pass  # it ended in this moment; its exit will be told
        finally:
            os.close(fd)

    async def reset(self, grace_s: float = 0.0) -> Exit:
        """Ends everything; a `start` that follows is refused."""
        self.resume()
        self._over_limit_kill()
        return await self.wait()

    async def start_beside(self, program: Program) -> Awaitable[Exit]:
        raise PortError(f"sandbox {self.id}: nothing is started beside a copy")

    async def socket(self) -> socket.socket:
        raise PortError(f"sandbox {self.id}: a copy's network cannot be entered")

    def signal_runtime(self, number: int) -> None:
        if self._runtime_fd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._runtime_fd, number)

    async def kill(self) -> None:
        await super().kill()
        self._close_life()
        close_all([fd for fd in (self._assign_fd, self._runtime_fd) if fd is not None])
        self._assign_fd = self._runtime_fd = None
        await self._origin.copy_ended(self)

    # What is told

    def _listening(self, fds: list[int], pid: int) -> None:
        pidfd, *sockets = fds
        super()._listening(sockets, _pid_of(pidfd))
        os.close(pidfd)

    def _ended(self) -> None:
        """The process that makes copies ends when it has; before that it has failed."""
        if not self._is_made:
            super()._ended()

    def _read_life(self) -> None:
        assert self._life is not None
        try:
            data, ancillary, _, _ = self._life.recvmsg(LIFE_BYTES, socket.CMSG_SPACE(12), socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        if data == snapshot_python.BORN:
            self._born(wire.sender(ancillary))
        elif data[:1] == snapshot_python.ENDED and data[1:].isdigit():
            self._exited(_exit(int(data[1:]) & 0xFFFF))
        elif not data:
            self._close_life()
            self._fail("the copy ended")
            self._finish(Exit(signal=signal.SIGKILL, out_of_memory=self._was_out_of_memory()))

    def _born(self, pid: int) -> None:
        if self._runtime_fd is None and pid:
            with contextlib.suppress(OSError):
                self._runtime_fd = self._runtime(pid)
                self._forked(pid)
        waiting = self._expected.pop("born", None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _runtime(self, pid: int) -> int:
        """A pidfd. Raises OSError when the process has ended and the number is another's by now: hostile code says when
        it is read."""
        fd = os.pidfd_open(pid)
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            if int(stat.rpartition(")")[2].split()[1]) != self._init_pid:
                raise ProcessLookupError(f"process {pid} is not of sandbox {self.id}")
        except OSError:
            os.close(fd)
            raise
        return fd

    def _was_out_of_memory(self) -> bool:
        return self._out_of_memory or (self.group is not None and self.group.oom_kills() > self._oom_kills)

    def _close_life(self) -> None:
        if self._life is not None:
            self._loop.remove_reader(self._life)
            self._life.close()
            self._life = None

    def _on_oom_event(self, event: int) -> None:
        cgroup_v1.consume(event)
        self._over_limit()

    def _over_limit(self) -> None:
        self._out_of_memory = True
        self._over_limit_kill()

    def _over_limit_kill(self) -> None:
        """Process 1 of the copy, and with it all of them."""
        if self._init_fd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init_fd, signal.SIGKILL)


def _exit(status: int) -> Message:
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return {"code": os.WEXITSTATUS(status)}


def _pid_of(pidfd: int) -> int:
    """The process's number here: who opened the pidfd knows it by another."""
    match = _PID.search(Path(f"/proc/self/fdinfo/{pidfd}").read_bytes())
    if match is None or int(match[1]) <= 0:
        raise PortError("the copy has ended already")
    return int(match[1])
