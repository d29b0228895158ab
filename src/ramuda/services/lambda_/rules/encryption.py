"""What Lambda says when it cannot use a function's KMS key.

Sources: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors;
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html."""

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.rules import refusals

_BECAUSE = {
    "AccessDeniedException": ("KMSAccessDeniedException", "KMS access was denied"),
    "DisabledException": ("KMSDisabledException", "the KMS key used is disabled"),
    "KMSInvalidStateException": (
        "KMSInvalidStateException",
        "the state of the KMS key used is not valid for Decrypt",
    ),
    "NotFoundException": ("KMSNotFoundException", "the KMS key was not found"),
}

NOT_SHOWN = {
    "ErrorCode": "AccessDeniedException",
    "Message": "Lambda was unable to decrypt your environment variables because the KMS access was denied. "
    "Please check your KMS permissions.",
}
"""Environment.Error of a function whose key is not at hand."""


def not_usable(code: str, message: str | None) -> ApiError:
    """The key that a caller names for a function cannot be used; `code` and `message` are KMS's."""
    return refusals.invalid(
        "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
        f"CreateGrant. Please check your KMS key settings. KMS Exception: {code} KMS Message: {message}"
    )


def not_readable(code: str, message: str | None) -> ApiError:
    """The variables of a function that is to be invoked cannot be read; `code` and `message` are KMS's."""
    name, because = _BECAUSE.get(code, _BECAUSE["AccessDeniedException"])
    return ApiError(
        name,
        f"Lambda was unable to decrypt the environment variables because {because}. Please check the function's KMS "
        f"key settings. KMS Exception: {code} KMS Message: {message}",
        members={"Type": "User"},
    )


def unusable_state(state: str) -> tuple[str, str] | None:
    """KMS's error for a key in this state (DescribeKey's KeyState), None for one that can be used."""
    if state == "Enabled":
        return None
    if state == "Disabled":
        return "DisabledException", "The key is disabled."  # ours
    return "KMSInvalidStateException", f"The key is in state {state}."  # ours
