"""One isolated place to run one function's processes in. Adapters: `sandbox.isolated`, `sandbox.process`.

A backend *prepares* sandboxes before anybody asks (`SandboxBackend.prepare`): namespaces, limits, listening sockets
and, where the runtime allows it, the interpreter are there. `assign` then gives the sandbox to one function, once. The
contract suite in `tests/contract/test_sandbox.py` runs on every backend.

Life of a sandbox: prepared -> assign -> start -> (pause <-> resume) -> [reset -> start ...] -> kill. A call out of
that order raises InternalError and changes nothing (`sandbox.guarded`)."""

import socket
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from ramuda.kernel.errors import RamudaError

FRAMES_FD = 5
"""Of the framed log channel in the runtime's process: _LAMBDA_TELEMETRY_LOG_FD."""


class Boot(Enum):
    """How the runtime's process comes to life."""

    FORK = "fork"
    """Forked, with the Python runtime client already imported, from a template process of the same interpreter."""
    WAIT = "wait"
    """Started before the function is known: `RuntimeSpec.argv` runs in the prepared sandbox and reads its
    assignment, a JSON object `{"env": {...}, "handler": "..."}` to end of file, from fd 3."""
    EXEC = "exec"
    """Executed at `start`, when function and environment variables are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or folder of the host shown read-only inside the sandbox."""

    host: Path
    inside: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSpec:
    """What a backend must know to prepare sandboxes for a runtime. Hashable by `name` and content.

    `argv` starts the runtime client: paths as seen inside the sandbox. For Boot.FORK it is the interpreter alone and
    `exec_argv` is the whole command for functions that cannot be forked. `environment` are the variables AWS sets
    that depend on the runtime only (PATH, LD_LIBRARY_PATH, LANG, NODE_PATH ...). `preload` names Python modules to
    import into the template. `runtime_dir` is the host folder that is /var/runtime inside. `root` is the host folder of
    an unpacked container image that is the whole file system inside (Boot.EXEC only); None for one of the backend's
    own."""

    name: str
    boot: Boot
    argv: tuple[str, ...]
    exec_argv: tuple[str, ...] = ()
    runtime_dir: Path | None = None
    mounts: tuple[Mount, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    preload: tuple[str, ...] = ()
    root: Path | None = None
    is_framed: bool = False
    """Whether its client speaks on the framed log channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What a sandbox is given when it becomes one function's. `env` is complete: nothing else reaches the runtime.

    `vcpus` is the CPU share applied by `limit_cpu`; during initialisation there is none. `exec_wrapper` is
    AWS_LAMBDA_EXEC_WRAPPER: a program, inside the sandbox, that starts the runtime.

    `command`, for a function that is a container image, is executed instead of the runtime's own `argv`; such a
    function has its code in the root: `task_dir` and `opt_dir` are not mounted then. It starts in `working_dir`.
    """

    function_arn: str
    task_dir: Path
    opt_dir: Path | None
    handler: str
    env: Mapping[str, str]
    memory_mib: int
    tmp_mib: int
    vcpus: float
    exec_wrapper: str | None = None
    command: tuple[str, ...] | None = None
    working_dir: str = "/var/task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How the runtime's main process ended: exactly one of `code` and `signal` is set. `out_of_memory`: the memory
    limit killed a process of the sandbox. `launch_error` says why an image's command could not be started: AWS's error
    type (`Runtime.InvalidEntrypoint`, `Runtime.InvalidWorkingDir`) and what happened."""

    code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False
    launch_error: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What runs beside the runtime: an extension. `argv[0]` is a path inside the sandbox, `env` is complete. Its stdout
    and stderr are `output`, a file descriptor of the caller's, who may close it once the program was started."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    output: int


class NotLaunched(RamudaError):  # noqa: N818 - what the function brought cannot be executed; nothing of ours failed
    """A program could not be executed. `reason` is the error's symbol: EACCES, ENOENT, ENOEXEC ..."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """`memory_peak_bytes`: the most resident memory the runtime's process had since it started."""

    memory_peak_bytes: int


@dataclass(slots=True, kw_only=True)
class Sockets:
    """Listening sockets of the host that the function reaches. `runtime_api` and `gateway` are HTTP. `outbound`
    receives every other TCP connection (redirected; the original destination is in SO_ORIGINAL_DST) and `dns` its
    UDP port 53; both None where the sandbox has no network or uses the host's. `runtime_address`, `gateway_address`
    are `host:port` as the function sees them; without a `gateway` the function shares the host's network and takes the
    server's own address."""

    runtime_api: socket.socket
    runtime_address: str
    gateway: socket.socket | None = None
    gateway_address: str | None = None
    outbound: socket.socket | None = None
    dns: socket.socket | None = None


class Sandbox(Protocol):
    """One sandbox. Methods that are not `async` neither wait nor block longer than a system call."""

    @property
    def id(self) -> str: ...

    @property
    def sockets(self) -> Sockets: ...

    @property
    def output(self) -> int:
        """The read end (non-blocking) of the pipe that is stdout and stderr of every process inside. The sandbox
        closes it in `kill`."""
        ...

    @property
    def frames(self) -> int | None:
        """The read end (non-blocking) of the framed log channel of runtimes that have one (`RuntimeSpec.is_framed`):
        the runtime's process writes to its file descriptor FRAMES_FD. The sandbox closes it in `kill`."""
        ...

    async def assign(self, assignment: Assignment) -> None:
        """Gives the sandbox to a function: code, layers and /tmp appear, limits are set. Raises PortError, after
        which it must be killed."""
        ...

    async def start(self) -> None:
        """Starts the runtime's process (for Boot.WAIT the first time: hands it the assignment). /tmp keeps what it
        has."""
        ...

    def limit_cpu(self) -> None:
        """Applies the assignment's CPU share, until the next `start`."""
        ...

    def pause(self) -> None:
        """Freezes every process inside."""
        ...

    def resume(self) -> None: ...

    async def wait(self) -> Exit:
        """Waits until the runtime's main process has ended, of itself or by `reset` or `kill`. May be called before,
        during or after; every call after a `start` answers for that start."""
        ...

    async def start_beside(self, program: Program) -> Awaitable[Exit]:
        """Starts a program beside the runtime, before or after that, shut in as the runtime is; the answer is there
        when it ended. It ends with `reset` and `kill`. Raises NotLaunched, PortError."""
        ...

    def signal_runtime(self, number: int) -> None:
        """Signals the runtime's own processes, and not those beside it."""
        ...

    async def socket(self) -> socket.socket:
        """A TCP socket, non-blocking and not connected, of the sandbox's network: connected to 127.0.0.1 it reaches
        what listens inside. The caller closes it. Raises PortError."""
        ...

    async def reset(self, grace_s: float = 0.0) -> Exit:
        """Ends every process inside (SIGTERM first when `grace_s` is above 0), keeps /tmp. `start` may follow."""
        ...

    async def kill(self) -> None:
        """Ends everything and gives back all that was taken. Idempotent."""
        ...

    def usage(self) -> Usage: ...


class NotCopyable(RamudaError):  # noqa: N818 - nothing failed: there is another way to start
    """The runtime's process cannot be copied. `reason` says why, to follow a colon."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Origin(Sandbox, Protocol):
    """A sandbox whose runtime, once initialised, is copied into others (SnapStart). `start` raises NotCopyable when
    this function's runtime cannot be; the sandbox is dead then."""

    async def settle(self) -> None:
        """The runtime is initialised and waits in `restore/next`: it is frozen from here on. Raises NotCopyable,
        PortError; then it must be killed."""
        ...

    async def copy(self) -> Sandbox:
        """A prepared sandbox of the same function whose runtime is as initialised as this one. Its `assign` sets
        limits; its `start` gives it its own environment variables, and lets it go on after `restore/next`. It is
        started once: after `reset` it can only be killed. It lives on when its origin is killed. Raises PortError."""
        ...


class SandboxBackend(Protocol):
    """Makes sandboxes. `name` is what is shown to users (`isolated`, `process`)."""

    @property
    def name(self) -> str: ...

    async def prepare(self, runtime: RuntimeSpec) -> Sandbox:
        """A sandbox ready for `assign`. Raises PortError with what to mend. Sandboxes prepared at once may be made
        in parallel."""
        ...

    async def prepare_origin(self, runtime: RuntimeSpec) -> Origin:
        """As `prepare`, for a snapshot. Raises NotCopyable where there are no snapshots, of this runtime or at all."""
        ...

    async def close(self) -> None:
        """Kills every sandbox and whatever process serves the backend."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fact about what a backend can or cannot do on this machine, for `ramuda doctor` and the start-up message."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Whether a backend can work here, and all it found out about that."""

    backend: str
    usable: bool
    findings: tuple[Finding, ...] = field(default=())
