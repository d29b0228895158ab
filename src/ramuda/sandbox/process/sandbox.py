"""One function's processes as plain children of the server: their own session, a folder for /tmp, some limits. No
isolation."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from ramuda.kernel import limits
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Assignment, Boot, Exit, Program, RuntimeSpec, Sockets, Usage
from ramuda.sandbox import watchdog
from ramuda.sandbox.options import Options
from ramuda.sandbox.process import beside, paths, shim

SHIM = Path(shim.__file__)
HIGH_WATER = "VmHWM:"
KIB = 1024
GROUP_END_STEP_S, GROUP_END_ATTEMPTS = 0.002, 500
"""Orphans of a killed process count to its group until the system has reaped them."""


class ProcessSandbox:
    """Implements `ports.sandbox.Sandbox`. Made by `process.Backend`, to be used through `sandbox.guarded`."""

    def __init__(
        self,
        sandbox_id: str,
        spec: RuntimeSpec,
        options: Options,
        folder: Path,
        removed: Callable[["ProcessSandbox"], None],
    ) -> None:
        self.id = sandbox_id
        self._spec = spec
        self._options = options
        self._folder = folder
        self._removed = removed
        self._loop = asyncio.get_running_loop()
        self.output, self._output_end = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        os.set_blocking(self.output, False)
        self.frames: int | None = None
        self._frames_end: int | None = None
        if spec.is_framed:
            self.frames, self._frames_end = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
            os.set_blocking(self.frames, False)
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.sockets = Sockets(
            runtime_api=listening,
            runtime_address=f"127.0.0.1:{listening.getsockname()[1]}",
        )
        self._assignment: Assignment | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._exit: asyncio.Future[Exit] = self._loop.create_future()
        self._beside = beside.Beside()
        self._reaper: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._out_of_memory = False
        self._peak_bytes = 0
        self._is_killed = False

    @property
    def _tmp_dir(self) -> Path:
        return self._folder / "tmp"

    async def assign(self, assignment: Assignment) -> None:
        self._assignment = assignment
        try:
            self._tmp_dir.mkdir(parents=True)
            (self._folder / "empty").mkdir()
        except OSError as error:
            raise PortError(f"sandbox {self.id}: {error}") from error

    async def start(self) -> None:
        assert self._assignment is not None
        assignment, spec = self._assignment, self._spec
        if self._exit.done():
            self._exit = self._loop.create_future()
        self._out_of_memory = False
        translate = paths.translation(spec, assignment, self._tmp_dir, self._folder / "empty")
        variables = paths.environment(spec, assignment, translate, self._tmp_dir)
        reading, writing = os.pipe()
        frames = [self._frames_end] if self._frames_end is not None else []
        inherited = (str(reading), str(frames[0]) if frames else "-1")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(SHIM), str(self._options.open_files), *inherited),
                *paths.command(spec, assignment, translate),
                cwd=assignment.task_dir,
                env=variables,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=self._output_end,
                stderr=self._output_end,
                pass_fds=[reading, *frames],
                start_new_session=True,
            )
            if spec.boot is Boot.WAIT:
                os.write(writing, json.dumps({"env": variables, "handler": assignment.handler}).encode())
        except OSError as error:
            raise PortError(f"sandbox {self.id}: {error}") from error
        finally:
            os.close(reading)
            os.close(writing)
        self._reaper = self._loop.create_task(self._reap(self._process))
        if self._is_killed:
            self._signal(signal.SIGKILL)
            raise PortError(f"sandbox {self.id}: killed")
        self._watch_memory(assignment.memory_mib)

    def limit_cpu(self) -> None:
        """Needs control groups: not here."""

    def pause(self) -> None:
        self.usage()
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def start_beside(self, program: Program) -> Awaitable[Exit]:
        assert self._assignment is not None
        translate = paths.translation(self._spec, self._assignment, self._tmp_dir, self._folder / "empty")
        return await self._beside.start(program, translate)

    def signal_runtime(self, number: int) -> None:
        if self._process is not None:
            beside.signal_group(self._process.pid, number)

    async def socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        return made

    async def reset(self, grace_s: float = 0.0) -> Exit:
        if grace_s > 0:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self.wait()
        self._signal(signal.SIGKILL)
        await self._beside.ended()
        if self._process is None and not self._exit.done():
            return Exit(signal=signal.SIGKILL)  # it was not started
        if self._reaper is not None:
            await self._reaper
        return await self.wait()

    async def kill(self) -> None:
        self._is_killed = True
        self._signal(signal.SIGKILL)
        await self._beside.ended()
        if self._reaper is not None:
            await self._reaper
        self._finish(Exit(signal=signal.SIGKILL))
        self.sockets.runtime_api.close()
        for fd in (self.output, self._output_end, self.frames, self._frames_end):
            if fd is None:
                continue
            with contextlib.suppress(OSError):
                os.close(fd)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        self._removed(self)

    def usage(self) -> Usage:
        """The peak of the runtime's process; 0 where the system has no /proc to tell it."""
        if self._process is not None:
            with contextlib.suppress(OSError, ValueError):
                status = Path(f"/proc/{self._process.pid}/status").read_text()
                self._peak_bytes = int(status.partition(HIGH_WATER)[2].split(None, 1)[0]) * KIB
        return Usage(memory_peak_bytes=self._peak_bytes)

    async def _reap(self, process: asyncio.subprocess.Process) -> None:
        status = await process.wait()
        if self._watch is not None:
            self._watch.cancel()
        await self._end_group(process.pid)
        code, number = (status, None) if status >= 0 else (None, -status)
        self._process = None
        self._finish(Exit(code=code, signal=number, out_of_memory=self._out_of_memory))

    async def _end_group(self, group: int) -> None:
        """Kills what the process left behind in its session's group, and waits until that is gone."""
        for _ in range(GROUP_END_ATTEMPTS):
            try:
                os.killpg(group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return  # nobody is left, or nobody of ours
            await asyncio.sleep(GROUP_END_STEP_S)

    def _watch_memory(self, mib: int) -> None:
        assert self._process is not None
        limit_bytes = mib * limits.MIB
        pid = self._process.pid
        looking = watchdog.watch(
            lambda: [pid, *watchdog.descendants(pid)], limit_bytes, self._options.memory_poll_s, self._over_limit
        )
        self._watch = self._loop.create_task(looking)

    def _over_limit(self) -> None:
        self._out_of_memory = True
        self._signal(signal.SIGKILL)

    def _finish(self, how: Exit) -> None:
        if not self._exit.done():
            self._exit.set_result(how)

    def _signal(self, number: int) -> None:
        self.signal_runtime(number)
        self._beside.signal(number)
