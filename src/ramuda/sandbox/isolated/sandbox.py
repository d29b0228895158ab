"""The server's side of one isolated sandbox.

What is asked of its init, and what it tells:

    listen (after clone)   the listening sockets
    fork                   a runtime's process exists; the kernel adds its pid
    mount_tmp              -
    assign   -> assign     code attached, privileges given up        (by way of the template, which adds the mounts)
    start    -> start      the assignment is handed over
             exit          the runtime's process ended
    reset    -> reset      no process but init is left
    signal                 -                                        every process
    signal_runtime         -                                        the runtime's group
    start_beside -> same   a program runs beside the runtime, or why it does not
             exit_beside   it ended
    socket   -> socket     a socket of the sandbox's network
             fail          any of these went wrong: the sandbox is of no use any more
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ramuda.kernel import limits
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Assignment, Exit, Program, Sockets, Usage
from ramuda.sandbox import watchdog
from ramuda.sandbox.isolated import beside, cgroup_v1, launch
from ramuda.sandbox.isolated.cgroup import Group
from ramuda.sandbox.isolated.channel import Channel, Message, close_all
from ramuda.sandbox.isolated.template import RUNTIME_API_PORT, Template
from ramuda.sandbox.options import Options

STEP_LIMIT_S = 10.0
"""No step takes a tenth of this; one that does tells of a machine in trouble."""
STATUS_BYTES = 4096
HIGH_WATER = b"VmHWM:"
KIB = 1024


class IsolatedSandbox:
    """Implements `ports.sandbox.Sandbox`. Made by `isolated.Backend`, to be used through `sandbox.guarded`."""

    is_copied = False

    def __init__(
        self,
        sandbox_id: str,
        *,
        template: Template,
        options: Options,
        code_root: Path,
        group: Group | None,
        control: socket.socket,
        output: int,
        make_tmp: Callable[[int], Awaitable[int | None]],
        removed: Callable[["IsolatedSandbox"], None],
    ) -> None:
        self.id = sandbox_id
        self.output = output
        self.frames: int | None = None
        self.sockets: Sockets
        self.group = group
        self.template = template
        self._options = options
        self._code_root = code_root
        self._make_tmp = make_tmp
        self._removed = removed
        self._loop = asyncio.get_running_loop()
        self._channel = Channel(control, self._received, self._ended)
        self._expected: dict[str, asyncio.Future[None]] = {}
        self._beside = beside.Beside(self._ask)
        self._failure: str | None = None
        self._init_fd: int | None = None
        self._init_pid = 0
        self._status: int | None = None
        self._peak_bytes = 0
        self._assignment: Assignment | None = None
        self._launch: launch.Launch | None = None
        self._tmp_mib = 0
        self._exit: asyncio.Future[Exit] = self._loop.create_future()
        self._started = False
        self._oom_kills = 0
        self._out_of_memory = False
        self._oom_event: int | None = None
        self._watch: asyncio.Task[None] | None = None
        template.refused[sandbox_id] = self._fail

    # Preparing

    async def prepare(self, entrances: list[int], output: int, control: socket.socket, tmp_mib: int) -> None:
        """Has the template make it. `entrances`, `output` and `control` are the sandbox's ends; the caller closes
        them."""
        listening, forked = self._expect("listen"), self._expect("fork")
        frames = self._open_frames()
        self.template.clone(control.fileno(), output, entrances, is_copied=self.is_copied, frames=frames)
        close_all([] if frames is None else [frames])
        await self._within(listening, "listen")
        await self._put_tmp(tmp_mib)
        await self._within(forked, "fork")

    def _open_frames(self) -> int | None:
        """The writing end of the framed log channel."""
        if not self.template.spec.is_framed:
            return None
        self.frames, writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.frames, False)
        return writing

    async def _put_tmp(self, mib: int) -> None:
        volume = await self._make_tmp(mib)
        fds = [volume] if volume is not None else []
        self._channel.send({"do": "mount_tmp", "mib": mib, "replaces": self._tmp_mib > 0}, fds)
        close_all(fds)
        self._tmp_mib = mib

    # The function's

    async def assign(self, assignment: Assignment) -> None:
        folders = {"/var/task": assignment.task_dir, "/opt": assignment.opt_dir}
        if assignment.command is not None:  # an image: its root has them
            folders = {}
        code = {target: self._below_code_root(path) for target, path in folders.items() if path is not None}
        self._assignment = assignment
        self._launch = launch.plan(self.template.spec, assignment, self.template.loaded)
        self._limit_memory(assignment.memory_mib)
        if assignment.tmp_mib != self._tmp_mib:
            await self._put_tmp(assignment.tmp_mib)
        assigned = self._expect("assign")
        message = {"do": "assign", "id": self.id, "targets": list(code), "code": list(code.values())}
        self.template.forward(message, self._channel.fd)
        await self._within(assigned, "assign")

    async def start(self) -> None:
        assert self._assignment is not None
        assert self._launch is not None
        if self._exit.done():
            self._exit = self._loop.create_future()
        self._out_of_memory = False
        if self.group is not None:
            self._oom_kills = self.group.oom_kills()
        started = self._expect("start")
        self._started = True
        self._channel.send(self._launch.message(self._assignment))
        await self._within(started, "start")

    def limit_cpu(self) -> None:
        if self.group is not None and self._assignment is not None:
            self.group.limit_cpu(self._assignment.vcpus)

    def pause(self) -> None:
        if self.group is not None and self.group.freezes:
            self.group.freeze()
        else:
            self._channel.send({"do": "signal", "number": signal.SIGSTOP})

    def resume(self) -> None:
        if self.group is not None and self.group.freezes:
            self.group.thaw()
        else:
            self._channel.send({"do": "signal", "number": signal.SIGCONT})

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def start_beside(self, program: Program) -> Awaitable[Exit]:
        return await self._beside.start(program)

    async def socket(self) -> socket.socket:
        return await self._beside.socket()

    def signal_runtime(self, number: int) -> None:
        self._channel.send({"do": "signal_runtime", "number": number})

    async def reset(self, grace_s: float = 0.0) -> Exit:
        self.resume()
        self.limit_cpu()  # only the first Init is without: a function that fails on purpose would never have a limit
        ended = self._expect("reset")
        self._channel.send({"do": "reset", "grace_s": grace_s})
        await self._within(ended, "reset", STEP_LIMIT_S + grace_s)
        if not self._started and not self._exit.done():
            return Exit(signal=signal.SIGKILL)  # the runtime's process only waited for its assignment
        return await asyncio.shield(self._exit)

    def usage(self) -> Usage:
        """Reads the peak of the runtime's process, while that lives; then what it last was."""
        if self._status is not None:
            with contextlib.suppress(OSError):
                self._peak_bytes = _peak_bytes(os.pread(self._status, STATUS_BYTES, 0)) or self._peak_bytes
        return Usage(memory_peak_bytes=self._peak_bytes)

    # The end

    async def kill(self) -> None:
        self._fail("killed")
        self.template.refused.pop(self.id, None)
        if self._watch is not None:
            self._watch.cancel()
        if self.group is not None:
            with contextlib.suppress(OSError):
                self.group.thaw()  # version 1 does not let frozen processes die
        self.usage()
        if self._init_fd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init_fd, signal.SIGKILL)
            await _readable(self._init_fd)
        self._finish(Exit(signal=signal.SIGKILL))
        self._close()
        self._removed(self)

    def _close(self) -> None:
        self._channel.close()
        self._beside.over(Exit(signal=signal.SIGKILL))
        self._watch_oom(None)
        close_all([fd for fd in (self._init_fd, self._status, self.output, self.frames) if fd is not None])
        self._init_fd = self._status = None
        if hasattr(self, "sockets"):
            for each in (self.sockets.runtime_api, self.sockets.gateway, self.sockets.outbound, self.sockets.dns):
                if each is not None:
                    each.close()

    # What init tells

    def _received(self, message: Message, fds: list[int], pid: int) -> None:
        did = message["did"]
        if did == "fail":
            self._fail(message["error"])
        elif did == "listen":
            self._listening(fds, pid)
        elif did == "fork":
            self._forked(pid)
        elif did == "exit":
            self._exited(message)
        elif did in beside.TOLD:
            self._beside.told(message, fds)
        waiting = self._expected.pop(did, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _listening(self, fds: list[int], pid: int) -> None:
        self._init_pid = pid
        self._init_fd = os.pidfd_open(pid)
        sockets = [socket.socket(fileno=fd) for fd in fds]
        runtime_api, gateway, *way_out = sockets
        self.sockets = Sockets(
            runtime_api=runtime_api,
            runtime_address=f"127.0.0.1:{RUNTIME_API_PORT}",
            gateway=gateway,
            gateway_address=f"127.0.0.1:{self._options.gateway_port}",
            outbound=way_out[0] if way_out else None,
            dns=way_out[1] if way_out else None,
        )

    def _forked(self, pid: int) -> None:
        if self._status is not None:
            os.close(self._status)
            self._status = None
        with contextlib.suppress(OSError):  # it ended already
            self._status = os.open(f"/proc/{pid}/status", os.O_RDONLY)

    def _exited(self, message: Message) -> None:
        if self._started:
            killed = self.group is not None and self.group.oom_kills() > self._oom_kills
            launch_error = message.get("launch_error")
            self._finish(
                Exit(
                    code=message.get("code"),
                    signal=message.get("signal"),
                    out_of_memory=killed or self._out_of_memory,
                    launch_error=tuple(launch_error) if launch_error else None,
                )
            )

    async def _ask(self, message: Message, fds: Sequence[int]) -> None:
        answer = self._expect(message["do"])
        self._channel.send(message, fds)
        await self._within(answer, message["do"])

    def _finish(self, how: Exit) -> None:
        self._started = False
        if not self._exit.done():
            self._exit.set_result(how)

    def _ended(self) -> None:
        """Init is gone: killed, or its template ended."""
        self._fail("the sandbox ended")
        self._finish(Exit(signal=signal.SIGKILL))

    def _fail(self, why: str) -> None:
        self._failure = self._failure or why
        for waiting in self._expected.values():
            if not waiting.done():
                waiting.set_exception(PortError(f"sandbox {self.id}: {self._failure}"))
        self._expected.clear()

    def _expect(self, did: str) -> asyncio.Future[None]:
        """Answered by init's next message of this kind. Asked for before the request is sent."""
        if self._failure is not None:
            raise PortError(f"sandbox {self.id}: {self._failure}")
        future = self._expected[did] = self._loop.create_future()
        return future

    async def _within(self, answer: asyncio.Future[None], what: str, limit_s: float = STEP_LIMIT_S) -> None:
        try:
            async with asyncio.timeout(limit_s):
                await answer
        except TimeoutError:
            raise PortError(f"sandbox {self.id}: no {what} within {limit_s:g} s") from None

    # Memory

    def _limit_memory(self, mib: int) -> None:
        if self.group is not None and self.group.limits_memory:
            self.group.limit_memory(mib)
            self._watch_oom(self.group.oom_event())
        else:
            limit_bytes, poll_s = mib * limits.MIB, self._options.memory_poll_s
            looking = watchdog.watch(self._processes, limit_bytes, poll_s, self._over_limit)
            self._watch = self._loop.create_task(looking)

    def _processes(self) -> list[int]:
        return watchdog.descendants(self._init_pid)

    def _watch_oom(self, event: int | None) -> None:
        """Version 1 tells of the limit by an eventfd. None: no more."""
        if self._oom_event is not None:
            self._loop.remove_reader(self._oom_event)
        self._oom_event = event
        if event is not None:
            self._loop.add_reader(event, self._on_oom_event, event)

    def _on_oom_event(self, event: int) -> None:
        cgroup_v1.consume(event)
        self._over_limit()

    def _over_limit(self) -> None:
        """The limit ends every process of the sandbox, not just the one that reached it."""
        self._out_of_memory = True
        self._channel.send({"do": "signal", "number": signal.SIGKILL})

    def _below_code_root(self, path: Path) -> str:
        try:
            return str(path.resolve().relative_to(self._code_root))
        except ValueError:
            raise PortError(f"{path} is not in the code store {self._code_root}") from None


def _peak_bytes(status: bytes) -> int:
    at = status.find(HIGH_WATER)
    return int(status[at + len(HIGH_WATER) :].split(None, 1)[0]) * KIB if at >= 0 else 0


async def _readable(pidfd: int) -> None:
    """Waits until the process has ended."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def on_readable() -> None:
        loop.remove_reader(pidfd)
        ended.set_result(None)

    loop.add_reader(pidfd, on_readable)
    try:
        await ended
    finally:
        loop.remove_reader(pidfd)
