"""The exceptions of the house. One root; a library's exceptions are wrapped once, at its adapter.

A failure of a user's function is not an exception but an `Outcome` (see `kernel.function`).
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

Fault: TypeAlias = Literal["Client", "Server"]


class RamudaError(Exception):
    """Root of every exception raised on purpose."""


class ApiError(RamudaError):
    """An AWS error answer.

    `code` is the error's name on the wire, as the service model spells it (`ResourceNotFoundException`). `message`
    may be None: AWS sends a null message for some errors. `status` None means: the status that the service model
    gives for `code`, else 400 for a Client fault and 500 for a Server fault. `members` are further members of the
    error's body (`Type`, `Reason`); `headers` go to the HTTP answer as they are (`Retry-After`)."""

    def __init__(
        self,
        code: str,
        message: str | None,
        *,
        status: int | None = None,
        fault: Fault = "Client",
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fault = fault
        self.members: Mapping[str, Any] = members or {}
        self.headers: Mapping[str, str] = headers or {}


class PortError(RamudaError):
    """An adapter could not do its work: a database is away, a sandbox did not start."""

    def __init__(self, message: str, *, retryable: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class InternalError(RamudaError):
    """A bug of ours. Answered as the service's 500, logged with its cause."""


class ConfigError(RamudaError):
    """The options given cannot be served; the message says which, why, and what to do."""


class BrokenOffError(RamudaError):
    """An answer that had begun will not become whole, and whoever reads it is to notice: a function failed while it
    streamed."""
