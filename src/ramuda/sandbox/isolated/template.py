"""The server's side of a template process: starting it, asking it for sandboxes, noticing its end."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

from ramuda.kernel import limits
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Boot, RuntimeSpec
from ramuda.sandbox.isolated import launch
from ramuda.sandbox.isolated.channel import Channel, Message, close_all
from ramuda.sandbox.isolated.inside import template, wire
from ramuda.sandbox.options import Options

START_LIMIT_S = 30.0
STDERR_TAIL_BYTES = 4096
RUNTIME_API_PORT = 9001
HOSTNAME = "169.254.100.6"  # AWS's are of this form
PACKAGE = Path(template.__file__).parent


class Template:
    """One runtime's template process. Make it with `start`."""

    def __init__(self, spec: RuntimeSpec) -> None:
        self.spec = spec
        self.loaded = launch.Loaded()
        self.is_alive = False
        self.users = 0
        """Sandboxes that live, or are being made."""
        self.refused: dict[str, Callable[[str], None]] = {}
        """Who hears that a message, by its sandbox's id, was not forwarded."""
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._process: subprocess.Popen[bytes]
        self._channel: Channel
        self._stderr = b""

    async def start(self, options: Options, root: Path, code_root: Path, executor: Executor) -> None:
        """Starts the process and waits until it can make sandboxes. Raises PortError with what the process said."""
        ours, theirs = wire.pair()
        command = template.command(sys.executable, str(PACKAGE), theirs.fileno())
        loop = asyncio.get_running_loop()
        try:
            self._process = await loop.run_in_executor(executor, _spawn, command, theirs.fileno())
        except OSError as error:
            ours.close()
            raise PortError(f"the template of {self.spec.name} cannot be started: {error}") from error
        finally:
            theirs.close()
        self._channel = Channel(ours, self._received, self._ended)
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        loop.add_reader(self._process.stderr, self._read_stderr)
        self._channel.send(_config(self.spec, options, root, code_root))
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await self._ready
        except TimeoutError:
            await self.close()
            raise PortError(f"the template of {self.spec.name} was not ready within {START_LIMIT_S:g} s") from None
        except BaseException:
            await self.close()
            raise

    def clone(
        self, control: int, output: int, entrances: Sequence[int], *, is_copied: bool = False, frames: int | None = None
    ) -> None:
        """Makes a sandbox, whose init will speak on `control`. `is_copied`: its runtime's process shall be copied into
        other sandboxes (`isolated.snapshot`)."""
        framed = [] if frames is None else [frames]
        message = {"do": "clone", "is_copied": is_copied, "is_framed": frames is not None}
        self._channel.send(message, [control, output, *framed, *entrances])

    def forward(self, message: Message, control: int) -> None:
        """Sends a message, with mounts of its `code` folders added, on the server's own end `control` of a sandbox's
        socket."""
        self._channel.send(message, [control])

    async def close(self) -> None:
        """Ends the process, and every sandbox it made with it."""
        self.is_alive = False
        loop = asyncio.get_running_loop()
        if self._process.stderr is not None:
            loop.remove_reader(self._process.stderr)
            self._process.stderr.close()
        self._channel.close()
        self._process.kill()
        await loop.run_in_executor(None, self._process.wait)

    def _received(self, message: Message, fds: list[int], pid: int) -> None:
        close_all(fds)
        match message["did"]:
            case "ready":
                self.loaded = launch.Loaded(**{key: frozenset(names) for key, names in message["loaded"].items()})
                self.is_alive = True
                self._ready.set_result(None)
            case "refuse":
                refused = self.refused.get(message["id"])
                if refused is not None:
                    refused(message["error"])
            case _ if not self._ready.done():
                self._ready.set_exception(PortError(f"the template of {self.spec.name} failed: {message['error']}"))

    def _ended(self) -> None:
        self.is_alive = False
        if not self._ready.done():
            self._read_stderr()
            said = self._stderr.decode(errors="replace").strip()
            self._ready.set_exception(PortError(f"the template of {self.spec.name} ended: {said}"))

    def _read_stderr(self) -> None:
        if self._process.stderr is None or self._process.stderr.closed:
            return
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._process.stderr.fileno(), 65536)
            self._stderr = (self._stderr + data)[-STDERR_TAIL_BYTES:]
            if not data:
                asyncio.get_running_loop().remove_reader(self._process.stderr)


def _spawn(command: list[str], control: int) -> subprocess.Popen[bytes]:
    """Its own session: a terminal's Ctrl-C is for the server, which then ends its templates in order."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=[control],
        env={"LANG": "C.UTF-8"},
        cwd="/",
        start_new_session=True,
    )


def _config(spec: RuntimeSpec, options: Options, root: Path, code_root: Path) -> Message:
    """What `inside` needs to know of it all."""
    mounts = [(str(mount.host.resolve()), mount.inside) for mount in spec.mounts]
    if spec.runtime_dir is not None:
        mounts.append((str(spec.runtime_dir.resolve()), "/var/runtime"))
    return {
        "root": str(root),
        "image": str(spec.root.resolve()) if spec.root is not None else None,
        "inside": str(PACKAGE),
        "code_root": str(code_root),
        "mounts": mounts,
        "has_root": os.geteuid() == 0,
        "user": limits.SANDBOX_USER,
        "uid": limits.SANDBOX_UID,
        "gid": limits.SANDBOX_GID,
        "hostname": HOSTNAME,
        "argv": list(spec.argv),
        "environment": dict(spec.environment),
        "preload": list(spec.preload) if spec.boot is Boot.FORK else None,
        "waiting_argv": list(spec.argv) if spec.boot is Boot.WAIT else None,
        "network": options.network == "open",
        "runtime_api_port": RUNTIME_API_PORT,
        "gateway_port": options.gateway_port,
        "open_files": options.open_files,
    }
