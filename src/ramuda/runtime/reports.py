"""What the platform itself says: log lines and error payloads, word for word (pure).

Sources: lines and payloads recorded from AWS;
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html for the `Status:` fields;
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html."""

import hashlib
import math
from collections.abc import Sequence
from datetime import UTC, datetime

from ramuda.kernel.codec import encode_json
from ramuda.kernel.function import FunctionError
from ramuda.kernel.ports.sandbox import Exit

SIGNAL_NAMES = {
    1: "hangup",
    2: "interrupt",
    3: "quit",
    4: "illegal instruction",
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    15: "terminated",
    24: "CPU time limit exceeded",
    31: "bad system call",
}
"""Go's names of signals, which AWS's agent prints."""


def log_stream_name(version: str, epoch_s: float, hex32: str) -> str:
    """`2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef`."""
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y/%m/%d}/[{version}]{hex32}"


def runtime_version_arn(runtime_version: str, region: str) -> str:
    return f"arn:aws:lambda:{region}::runtime:{hashlib.sha256(runtime_version.encode()).hexdigest()}"


def init_start(runtime_version: str, region: str) -> str:
    arn = runtime_version_arn(runtime_version, region)
    return f"INIT_START Runtime Version: {runtime_version}\tRuntime Version ARN: {arn}\n"


def init_report(duration_ms: float, status: str | None, error_type: str | None, phase: str = "init") -> str:
    """`status` is None for an Init that succeeded."""
    told = f"\tStatus: {status}" if status else ""
    error = f"\tError Type: {error_type}" if error_type else ""
    return f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}{told}{error}\t\n"


def restore_start(runtime_version: str, region: str) -> str:
    arn = runtime_version_arn(runtime_version, region)
    return f"RESTORE_START Runtime Version: {runtime_version}\tRuntime Version ARN: {arn}\n"


def restore_report(duration_ms: float, status: str | None, error_type: str | None) -> str:
    """`status` is None for a restore that succeeded."""
    told = f"\tStatus: {status}" if status else ""
    error = f"\tError Type: {error_type}" if error_type else ""
    return f"RESTORE_REPORT Restore Duration: {duration_ms:.2f} ms{told}{error}\t\n"


def extension(name: str, state: str, events: Sequence[str], error_type: str | None) -> str:
    error = f"\tError Type: {error_type}" if error_type else ""
    return f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{','.join(events)}]{error}\n"


def subscription(api: str, name: str, types: Sequence[str]) -> str:
    """`api` is TELEMETRY or LOGS."""
    shown = ", ".join(each.capitalize() for each in types)
    return f"{api}\tName: {name}\tState: Subscribed\tTypes: [{shown}]\n"


def start(request_id: str, version: str) -> str:
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str) -> str:
    return f"END RequestId: {request_id}\n"


def report(
    request_id: str,
    *,
    duration_ms: float,
    memory_mib: int,
    used_mib: int,
    init_ms: float | None = None,
    restore_ms: float | None = None,
    billed_restore_ms: float | None = None,
    status: str | None = None,
    error_type: str | None = None,
) -> str:
    """`init_ms` is given for the first invocation of an environment; its time is billed too. So is the billed part of a
    restore. `status` is `timeout`, `error` or None."""
    billed = billed_ms(duration_ms, init_ms, billed_restore_ms)
    text = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {billed} ms\t"
        f"Memory Size: {memory_mib} MB\tMax Memory Used: {used_mib} MB\t"
    )
    if init_ms is not None:
        text += f"Init Duration: {init_ms:.2f} ms\t"
    if restore_ms is not None:
        billed_restore = math.ceil(billed_restore_ms or 0.0)
        text += f"Restore Duration: {restore_ms:.2f} ms\tBilled Restore Duration: {billed_restore} ms\t"
    if status is not None:
        text += f"Status: {status}\t"
        if error_type is not None:
            text += f"Error Type: {error_type}\t"
    return text + "\n"


def billed_ms(duration_ms: float, init_ms: float | None, billed_restore_ms: float | None = None) -> int:
    restore_ms = math.ceil(billed_restore_ms or 0.0)
    return max(1, math.ceil(duration_ms + (init_ms or 0.0)) + restore_ms)


def extension_lost(request_id: str, error_type: str, detail: str) -> FunctionError:
    """An extension failed, and the environment with it."""
    return _failure(error_type, f"RequestId: {request_id} Error: {detail}")


def timed_out(request_id: str, timeout_s: float) -> FunctionError:
    return _failure("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds")


def exited(request_id: str, how: Exit) -> FunctionError:
    """The runtime's process ended without an answer, or an image's command could not be started."""
    if how.launch_error is not None:
        error_type, what = how.launch_error
        return _failure(error_type, f"RequestId: {request_id} Error: {what}")
    if how.out_of_memory:
        return _failure(
            "Runtime.OutOfMemory", f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
        )
    if how.signal is not None:
        name = SIGNAL_NAMES.get(how.signal, f"signal {how.signal}")
        return _failure(
            "Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: signal: {name}"
        )
    if how.code:
        return _failure(
            "Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: exit status {how.code}"
        )
    return _failure("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited without providing a reason")


def response_too_large(limit_bytes: int) -> FunctionError:
    return _failure(
        "Function.ResponseSizeTooLarge",
        f"Response payload size exceeded maximum allowed payload size ({limit_bytes} bytes).",
    )


def _failure(error_type: str, message: str) -> FunctionError:
    return FunctionError(error_type=error_type, payload=encode_json({"errorType": error_type, "errorMessage": message}))
