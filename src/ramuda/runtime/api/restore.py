"""SnapStart's part of the Runtime API: `restore/next`, `restore/error`, and the credentials of an environment.

A runtime of AWS_LAMBDA_INITIALIZATION_TYPE=snap-start calls `restore/next` when it is initialised. Python's then waits
outside of this API until it is copied (`sandbox.isolated.inside.snapshot_python`); the call itself is never answered.
What goes wrong in after-restore hooks it posts to `restore/error`.

A snapshot holds no credentials: they would be every environment's, and too old. Instead of variables there is an
address where SDKs fetch them, with a token. During Init they are such that SDKs will not rely on them after a restore.

Source: awslambdaric's `restore_next` and `report_restore_error`;
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ramuda.kernel.codec import encode_json
from ramuda.kernel.function import FunctionError
from ramuda.kernel.ports.credentials import Credentials
from ramuda.runtime.api.bodies import Buffered, Ignored
from ramuda.runtime.api.connection import Body, Exchange
from ramuda.runtime.states import InitFailure

RESTORE = b"/2018-06-01/runtime/restore/"
CREDENTIALS = b"/2021-04-23/credentials"
ERROR_TYPE_HEADER = b"lambda-runtime-function-error-type"
ERROR_TYPE_BYTES = 256
BODY_BYTES_MAX = 256 * 1024
_NOT_IN_SNAPSHOTS = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
)
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: not available with SnapStart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapStart:
    """What an environment of SnapStart has beyond others. `is_restored`: it is a copy of an initialised one."""

    token: str
    issue: Callable[[], Credentials]
    is_restored: bool

    def variables(self, platform: Mapping[str, str], runtime_address: str) -> dict[str, str]:
        """The platform's variables, with the way to credentials instead of these."""
        kept = {name: value for name, value in platform.items() if name not in _NOT_IN_SNAPSHOTS}
        return {
            **kept,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{runtime_address}{CREDENTIALS.decode()}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.token,
        }


class RestoreApi:
    """Routes of one environment. Without `snap_start` there are none. `begun` hears that Init and the before-snapshot
    hooks are done, or how the after-restore hooks failed."""

    def __init__(self, begun: Callable[[InitFailure | None], object], snap_start: SnapStart | None) -> None:
        self._begun = begun
        self._snap_start = snap_start

    def open_body(self, exchange: Exchange) -> Body | None:
        if self._snap_start is None:
            return None
        snap_start = self._snap_start
        match exchange.method, exchange.path:
            case b"GET", path if path == RESTORE + b"next" and not snap_start.is_restored:
                return Ignored(self._settled)
            case b"POST", path if path == RESTORE + b"error" and snap_start.is_restored:
                error_type = exchange.headers.get(ERROR_TYPE_HEADER, b"")[:ERROR_TYPE_BYTES].decode("utf-8", "replace")
                return Buffered(BODY_BYTES_MAX, lambda _: self._failed(exchange, error_type), over=lambda: None)
            case b"GET", path if path == CREDENTIALS:
                return Ignored(lambda: self._credentials(exchange, snap_start))
        return None

    def _settled(self) -> None:
        self._begun(None)

    def _failed(self, exchange: Exchange, error_type: str) -> None:
        error_type = error_type or "Runtime.AfterRestoreError"
        failed = FunctionError(error_type=error_type, payload=b"{}")
        self._begun(InitFailure(status="error", error_type=error_type, outcome=lambda _: failed))
        exchange.reply(202, b'{"status":"OK"}\n')

    def _credentials(self, exchange: Exchange, snap_start: SnapStart) -> None:
        if not hmac.compare_digest(exchange.headers.get(b"authorization", b""), snap_start.token.encode()):
            exchange.reply(
                403, encode_json({"code": "AccessDenied", "message": "The token is not this environment's."})
            )
            return
        credentials = snap_start.issue()
        expires_at = datetime.fromtimestamp(credentials.expires_at_s, UTC)
        told = {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token,
            "Expiration": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        exchange.reply(200, encode_json(told))
