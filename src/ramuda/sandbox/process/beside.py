"""Programs beside the runtime of a plain process sandbox: children of the server, each with a session of its own."""

import asyncio
import contextlib
import errno
import os
from collections.abc import Awaitable

from ramuda.kernel.ports.sandbox import Exit, NotLaunched, Program
from ramuda.sandbox.process.paths import Translation


class Beside:
    """Those of one sandbox."""

    def __init__(self) -> None:
        self._reapers: dict[int, asyncio.Task[Exit]] = {}

    async def start(self, program: Program, translate: Translation) -> Awaitable[Exit]:
        try:
            process = await asyncio.create_subprocess_exec(
                *(translate(argument) for argument in program.argv),
                cwd="/",
                env={name: translate(value) for name, value in program.env.items()},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=program.output,
                stderr=program.output,
                start_new_session=True,
            )
        except OSError as error:
            raise NotLaunched(errno.errorcode.get(error.errno or 0, "EIO")) from error
        reaper = self._reapers[process.pid] = asyncio.get_running_loop().create_task(self._reap(process))
        return asyncio.shield(reaper)

    def signal(self, number: int) -> None:
        for pid in self._reapers:
            signal_group(pid, number)

    async def ended(self) -> None:
        """Waits until those that were killed are gone."""
        await asyncio.gather(*self._reapers.values())

    async def _reap(self, process: asyncio.subprocess.Process) -> Exit:
        try:
            status = await process.wait()
        finally:
            del self._reapers[process.pid]
        return Exit(code=status) if status >= 0 else Exit(signal=-status)


def signal_group(pid: int, number: int) -> None:
    """Signals a process group, which is as old as the process: it began a session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
