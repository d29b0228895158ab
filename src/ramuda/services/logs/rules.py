"""CloudWatch Logs' own rules, beyond what the service model says, and the words of its errors.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ramuda.kernel.call import Call
from ramuda.kernel.errors import ApiError
from ramuda.services.logs import model
from ramuda.services.logs.model import Token
from ramuda.telemetry.model import GroupRef

UPLOAD_BYTES_MAX = 1_048_576
EVENT_OVERHEAD_BYTES = 26
PAGE_BYTES_MAX = 1_048_576
PAGE_EVENTS_MAX = 10_000
GROUP_TAGS_MAX = 50
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
_OFFSET = re.compile(r"[0-9]{1,12}")
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_UPLOAD_SPAN_MS = _DAY_MS
_TOO_OLD_MS = 14 * _DAY_MS
_TOO_NEW_MS = 2 * _HOUR_MS


@dataclass(frozen=True, slots=True)
class Upload:
    """What is taken of a PutLogEvents request, and RejectedLogEventsInfo for the rest."""

    events: list[tuple[int, str]]
    rejected: dict[str, int] = field(default_factory=dict)


def invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def group_missing() -> ApiError:
    return ApiError("ResourceNotFoundException", "The specified log group does not exist.")


def stream_missing() -> ApiError:
    return ApiError("ResourceNotFoundException", "The specified log stream does not exist.")


def group_of_call(call: Call) -> GroupRef:
    """The group that `logGroupName` or `logGroupIdentifier` names. One of another account or region is not found: there
    are no linked accounts here."""
    given = [call.params[name] for name in ("logGroupName", "logGroupIdentifier") if name in call.params]
    if len(given) != 1:
        raise invalid("You must specify exactly one of logGroupName and logGroupIdentifier.")
    return group_of_identifier(call, given[0])


def group_of_identifier(call: Call, identifier: str) -> GroupRef:
    """Of a name or an ARN."""
    if identifier.startswith("arn:"):  # no name has a colon
        return group_of_arn(call, identifier)
    return GroupRef(call.account, call.region, identifier)


def group_of_arn(call: Call, arn: str) -> GroupRef:
    try:
        ref = model.group_of_arn(arn)
    except ValueError:
        raise invalid(f"The ARN is not valid: {arn}") from None
    if (ref.account, ref.region) != (call.account, call.region):
        raise group_missing()
    return ref


def offset_of(token: str | None) -> int:
    """Of a token that is a number: how much earlier pages showed."""
    if token is None:
        return 0
    if not _OFFSET.fullmatch(token):
        raise _token_invalid()
    return int(token)


def _token_invalid() -> ApiError:
    return invalid("The specified nextToken is invalid.")


def page_token(text: str | None) -> Token | None:
    if text is None:
        return None
    try:
        return Token.parse(text)
    except ValueError:
        raise _token_invalid() from None


def check_retention(days: int) -> None:
    if days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{allowed}]"
        )


def examine_upload(events: Sequence[dict[str, Any]], now_ms: int, retention_days: int | None) -> Upload:
    """Raises the error that refuses the request as a whole."""
    upload_bytes = sum(len(event["message"].encode(errors="replace")) + EVENT_OVERHEAD_BYTES for event in events)
    if upload_bytes > UPLOAD_BYTES_MAX:
        raise invalid(f"Upload too large: {upload_bytes} bytes exceeds limit of {UPLOAD_BYTES_MAX}")
    times = [event["timestamp"] for event in events]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > _UPLOAD_SPAN_MS:
        raise invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    return _without_rejected(events, times, now_ms, retention_days)


def _without_rejected(
    events: Sequence[dict[str, Any]], times: list[int], now_ms: int, retention_days: int | None
) -> Upload:
    """The indexes of RejectedLogEventsInfo: where too new ones start, where too old and expired ones end, exclusive."""
    too_old = sum(at_ms < now_ms - _TOO_OLD_MS for at_ms in times)
    expired = 0 if retention_days is None else sum(at_ms < now_ms - retention_days * _DAY_MS for at_ms in times)
    fresh = sum(at_ms <= now_ms + _TOO_NEW_MS for at_ms in times)
    rejected = {}
    if fresh < len(times):
        rejected["tooNewLogEventStartIndex"] = fresh
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    taken = events[max(too_old, expired) : fresh]
    return Upload([(event["timestamp"], event["message"]) for event in taken], rejected)
