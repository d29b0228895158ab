"""Runs functions as plain child processes, on any Unix. What it does not do is listed by `examine`."""

import asyncio
import itertools
import logging
import sys
from pathlib import Path

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Capability, Finding, NotCopyable, Origin, RuntimeSpec, Sandbox
from ramuda.sandbox.options import Options
from ramuda.sandbox.process.sandbox import ProcessSandbox


class Backend:
    """Implements `ports.sandbox.SandboxBackend`. `work_dir` is a folder of this backend's own."""

    name = "process"

    def __init__(self, options: Options, work_dir: Path, log: logging.Logger | None = None) -> None:
        self._options = options
        self._work_dir = work_dir.absolute()
        self._log = log or logging.getLogger("ramuda.sandbox")
        self._numbers = itertools.count(1)
        self._sandboxes: set[ProcessSandbox] = set()

    async def prepare(self, runtime: RuntimeSpec) -> Sandbox:
        if runtime.root is not None:
            raise PortError(
                f"{runtime.name} needs the isolated sandbox: the process sandbox has no root file system of its own; "
                "`ramuda doctor` says what is missing for the isolated one"
            )
        sandbox_id = f"{runtime.name}-{next(self._numbers)}"
        try:
            sandbox = ProcessSandbox(
                sandbox_id, runtime, self._options, self._work_dir / sandbox_id, self._sandboxes.discard
            )
        except OSError as error:
            raise PortError(f"sandbox {sandbox_id}: {error}", retryable=True) from error
        self._sandboxes.add(sandbox)
        return sandbox

    async def prepare_origin(self, runtime: RuntimeSpec) -> Origin:
        raise NotCopyable("the process sandbox makes no copies of processes; the isolated one does")

    async def close(self) -> None:
        await asyncio.gather(*(sandbox.kill() for sandbox in list(self._sandboxes)))


async def examine(options: Options) -> Capability:
    """What it can and cannot do: the same everywhere but for the measuring of memory."""
    has_proc = sys.platform == "linux"
    findings = (
        Finding(
            name="isolation",
            ok=False,
            detail="functions run as this user, see its files and the network, and each other",
            mend="run on Linux as root, or with user namespaces, for the isolated backend",
        ),
        Finding(
            name="memory",
            ok=has_proc,
            detail="limited by looking now and then" if has_proc else f"neither limited nor measured on {sys.platform}",
        ),
        Finding(name="limits", ok=False, detail="CPU, processes, size of TMPDIR and the network are not limited"),
    )
    return Capability(backend="process", usable=sys.platform != "win32", findings=findings)
