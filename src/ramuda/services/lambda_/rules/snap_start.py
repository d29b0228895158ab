"""SnapStart: which functions may have it, and what callers are told while a snapshot is made or cannot be restored.

Published versions of a function with SnapStart are Pending until their snapshot is there. Sources:
https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-runtimes and the service model.
"""

from typing import Literal

from ramuda.kernel import limits
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.model import LATEST, Settings, Version
from ramuda.services.lambda_.rules import refusals, runtimes

FUNCTION_ERROR, INIT_TIMEOUT = "FunctionError.RuntimeInitError", "FunctionError.InitTimeout"


def is_wanted(settings: Settings) -> bool:
    return bool(settings.shown.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions")


def check(settings: Settings) -> None:
    """Raises AWS's refusal unless a function with these settings may be as it is."""
    if not is_wanted(settings):
        return
    runtimes.check_snap_start(settings.runtime)
    if settings.shown.get("FileSystemConfigs"):
        raise refusals.invalid("FileSystemConfigs is not supported for SnapStart enabled functions.")  # ours
    if settings.tmp_mib > limits.TMP_MIB_DEFAULT:
        raise refusals.invalid(
            f"EphemeralStorage above {limits.TMP_MIB_DEFAULT} MB is not supported for SnapStart enabled functions."
        )  # ours, as the one above; both in the form of AWS's own for runtimes


def is_pending(version: Version) -> bool:
    """Whether a version waits for its snapshot."""
    return version.state == "Pending" and version.version != LATEST and is_wanted(version.deployment.settings)


def reason_code(error_type: str) -> str:
    """StateReasonCode of a version whose Init failed."""
    return INIT_TIMEOUT if error_type == "Sandbox.Timedout" else FUNCTION_ERROR


def not_ready() -> ApiError:
    # As AWS's users quote it.
    return ApiError(
        "SnapStartNotReadyException",
        "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE.",
        members=refusals.USER,
    )


def not_restored(stage: Literal["timeout", "error", "snapshot"]) -> ApiError:
    """The service model's own sentences."""
    match stage:
        case "timeout":
            code, message = (
                "SnapStartTimeoutException",
                "Lambda couldn't restore the snapshot within the timeout limit.",
            )
        case "error":
            code, message = (
                "SnapStartException",
                "The afterRestore() runtime hook encountered an error. "
                "For more information, check the Amazon CloudWatch logs.",
            )
        case "snapshot":
            code, message = (
                "SnapStartRegenerationFailureException",
                "Lambda couldn't regenerate the SnapStart snapshot for the function. Wait for Lambda to retry, or "
                "update the function's configuration to trigger a new snapshot.",
            )
    return ApiError(code, message, members=refusals.USER)
