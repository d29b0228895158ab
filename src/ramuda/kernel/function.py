"""What is invoked, with what, and what came of it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from ramuda.kernel.arn import function_arn
from ramuda.kernel.errors import RamudaError


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRef:
    """Names a function, or one of its versions or aliases (`qualifier`)."""

    account: str
    region: str
    name: str
    qualifier: str | None = None

    @property
    def arn(self) -> str:
        return function_arn(self.account, self.region, self.name, self.qualifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingConfig:
    """Where and how a function logs. `application_level` and `system_level` are None under the Text format."""

    group: str
    json_format: bool = False
    application_level: str | None = None
    system_level: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """The container image that a function is. `root` is its file system, content-addressed, read-only; `environment`
    are the image's own variables. Entry point, command and working directory are those in force: the function's
    ImageConfig over the image's configuration."""

    digest: str
    root: Path
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_dir: str = "/"
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSnapshot:
    """Everything needed to run one version of a function; immutable. An update makes a new snapshot with a new
    `revision_id`.

    `task_dir` is the unpacked code (`/var/task`), `opt_dir` the merged layers (`/opt`), both content-addressed,
    read-only. `environment` is what the user set. `ref.qualifier` is None; `version` is `$LATEST` or a number."""

    ref: FunctionRef
    version: str
    revision_id: str
    runtime: str
    handler: str
    role: str
    memory_mib: int
    timeout_s: int
    tmp_mib: int
    environment: Mapping[str, str] = field(default_factory=dict)
    task_dir: Path
    opt_dir: Path | None = None
    logging: LoggingConfig
    architecture: str = "x86_64"
    tracing_active: bool = False
    reserved_concurrency: int | None = None
    snap_start: bool = False
    """Whether environments are restored from a snapshot of this version (SnapStart)."""
    recursive_loop: str = "Terminate"
    image: ImageUse | None = None
    """Of a function of PackageType Image; its `runtime` and `handler` are empty then, `task_dir` is the image's own,
    which need not be there."""
    is_live: bool = False
    """The code is a folder under edit: another snapshot may be due at the next invocation."""
    has_way_out: bool = True
    """False for a function in a VPC without a way to the internet: it reaches the platform's endpoint alone."""

    @property
    def arn(self) -> str:
        """Qualified with the version: `...:function:NAME:$LATEST`."""
        return function_arn(self.ref.account, self.ref.region, self.ref.name, self.version)


@dataclass(slots=True, kw_only=True)
class Invocation:
    """One request to run a function. `invoked_arn` carries the qualifier only when the caller gave one.

    `client_context` is the decoded JSON text. `wants_tail` asks for the last 4 KiB of the log. `wants_stream` asks
    for a response that can be read while the function still writes it (`Streamed`). Not frozen, as
    `kernel.call.Call`."""

    request_id: str
    function: FunctionSnapshot
    payload: bytes
    invoked_arn: str
    qualifier: str | None = None
    client_context: str | None = None
    trace: str | None = None
    wants_tail: bool = False
    wants_stream: bool = False
    is_async: bool = False
    """Whether it comes from the queue of asynchronous invocations: the caps on requests a second are not for it."""
    is_weighted: bool = False
    """Whether `qualifier` is an alias of two versions, of which `function` was picked for this invocation."""


@dataclass(slots=True, kw_only=True)
class Success:
    """The function answered. `payload` is its answer as it sent it."""

    payload: bytes
    content_type: str = "application/json"
    tail: bytes = b""


@dataclass(slots=True, kw_only=True)
class Streamed:
    """The function began to answer in pieces. `chunks` ends when it is done; after that `error` says how it went, as
    `(error type, error body)`, and `tail` holds the log's end. The chunks must be read to their end or closed."""

    chunks: AsyncIterator[bytes]
    content_type: str = "application/octet-stream"
    error: tuple[str, str] | None = None
    tail: bytes = b""


@dataclass(slots=True, kw_only=True)
class FunctionError:
    """The function failed: it raised, timed out, ran out of memory, exited or never started.

    `payload` is the error's JSON as a caller sees it; `error_type` is its errorType, for logs and metrics.
    """

    error_type: str
    payload: bytes
    tail: bytes = b""


Outcome: TypeAlias = Success | Streamed | FunctionError


class Throttled(RamudaError):  # noqa: N818 - a state of the platform, answered with 429
    """The invocation was not begun. `reason` is the Reason member of TooManyRequestsException."""

    def __init__(self, reason: str, retry_after_s: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class RecursiveLoop(RamudaError):  # noqa: N818 - a state of the platform, answered with RecursiveInvocationException
    """The invocation was not begun: its chain of requests (`Lineage`, see `kernel.trace`) has entered the function as
    often as it may. A synchronous caller is told; an event is not tried again but goes to its dead-letter queue or
    on-failure destination. The metric RecursiveInvocationsDropped is counted where this is raised."""

    def __init__(self, function_arn: str) -> None:
        super().__init__(function_arn)
        self.function_arn = function_arn


class RestoreFailed(RamudaError):  # noqa: N818 - the function's own after-restore hooks failed; nothing of ours did
    """The invocation was not begun: no environment could be restored from the version's snapshot. `stage`: the hooks
    took too long (`timeout`) or failed (`error`), or there is no snapshot any more and none could be made
    (`snapshot`)."""

    def __init__(self, stage: Literal["timeout", "error", "snapshot"], detail: str) -> None:
        super().__init__(detail)
        self.stage: Literal["timeout", "error", "snapshot"] = stage
