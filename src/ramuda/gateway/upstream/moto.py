"""moto's server as a child process: the delegated services of whom no endpoint was configured.

One process serves all of them, started when the first is called. It holds everything in memory: when it ends, what the
delegated services knew is gone, and the log says so. It dies with us, also when we are killed.

What is used of moto is what it documents: `moto_server -H -p`, the account in the header `x-moto-account-id`
(https://docs.getmoto.org/en/latest/docs/multi_account.html), and the region from the credential scope.
"""

import asyncio
import importlib.util
import logging
import os
import re
import sys
from pathlib import Path

from ramuda.gateway.upstream.options import Options
from ramuda.kernel.errors import PortError

ACCOUNT_HEADER = "x-moto-account-id"
CONTROL_PATH = "/moto-api"
"""Where moto lets anybody forget or seed everything; not for clients of ours."""

_log = logging.getLogger(__name__)

_READY = re.compile(rb"Running on http://127\.0\.0\.1:(\d+)")
_STOP_S = 3.0
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9
# Asks the kernel to end it with its parent, makes sure that the parent still lives, and becomes moto's server.
_CHILD = f"""
import os, runpy, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl({_PR_SET_PDEATHSIG}, {_SIGKILL})
if os.getppid() != int(sys.argv.pop(1)):
    sys.exit("parent is gone")
sys.argv[0] = "moto_server"
runpy.run_module("moto.server", run_name="__main__")
"""


def is_installed() -> bool:
    """Whether moto's server could be started."""
    return all(importlib.util.find_spec(name) is not None for name in ("moto", "flask", "flask_cors"))


class MotoServer:
    """See the module. `url` starts it; concurrent callers share one start."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[str] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def is_started(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def url(self) -> str:
        """`http://127.0.0.1:PORT`. Raises PortError when it does not start, or not in time."""
        if self._closing:
            raise PortError("the delegated services are shutting down")
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
        starting = self._starting
        try:
            return await asyncio.shield(starting)
        except PortError:
            if self._starting is starting:
                self._starting = None  # the next caller tries again
            raise

    async def close(self) -> None:
        """Ends the process. Idempotent."""
        self._closing = True
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self._end_process()
        if self._watcher is not None:
            await asyncio.wait([self._watcher])
            self._watcher = None

    async def _start(self) -> str:
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _CHILD, str(os.getpid()), "-H", "127.0.0.1", "-p", "0"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for us; we end it ourselves
        )
        assert process.stdout is not None
        log_file = None if self._options.log_dir is None else self._options.log_dir / "moto.log"
        try:
            async with asyncio.timeout(self._options.start_timeout_s):
                port, printed = await _read_until_ready(process.stdout)
        except TimeoutError:
            await self._end_process()
            raise PortError("moto's server did not start in time", retryable=True) from None
        except BaseException:
            await self._end_process()
            raise
        _log.info("moto.started pid=%d port=%d", process.pid, port)
        self._watcher = asyncio.get_running_loop().create_task(self._watch(process, printed, log_file))
        return f"http://127.0.0.1:{port}"

    async def _watch(self, process: asyncio.subprocess.Process, printed: bytes, log_file: Path | None) -> None:
        """Keeps what the process prints, until it ends."""
        assert process.stdout is not None
        with open(log_file or os.devnull, "ab") as file:  # noqa: ASYNC230 - a few lines of a local log
            file.write(printed)
            while line := await process.stdout.read(64 * 1024):
                file.write(line)
                file.flush()
        status = await process.wait()
        if not self._closing:
            _log.warning(
                "moto.ended status=%d: what the delegated services held is lost; the next call starts anew", status
            )
        self._starting = None

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _read_until_ready(output: asyncio.StreamReader) -> tuple[int, bytes]:
    """The port, and what was printed up to it."""
    printed = b""
    while line := await output.readline():
        printed += line
        if found := _READY.search(line):
            return int(found.group(1)), printed
    reason = printed.decode(errors="replace").strip().rpartition("\n")[2]
    raise PortError(f"moto's server did not start: {reason}")


def _environment() -> dict[str, str]:
    """Ours, without what would point moto at an account, an endpoint or credentials."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MOTO_"))}
    return kept | {"MOTO_ALLOW_NONEXISTENT_REGION": "true", "PYTHONUNBUFFERED": "1"}
