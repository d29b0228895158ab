"""What a destination is told of an asynchronous invocation, and what goes with an event to a dead-letter queue. Pure.

Members and their order are recorded from AWS. Sources:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from ramuda.invoke.decide import Condition, Progress
from ramuda.kernel.codec import decode_json, encode_json
from ramuda.kernel.function import FunctionRef
from ramuda.kernel.ports.target import Attribute

ERROR_MESSAGE_BYTES = 1024  # DG: the first 1 KB of the error message
FUNCTION_ERROR_CODE = "200"  # recorded
LATEST = "$LATEST"

_check_syntax = msgspec.json.Decoder(msgspec.Raw).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the function answered last: kept for the record that a destination may get later."""

    payload: bytes
    version: str
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why an event was given up though the function did not fail last: an HTTP status and a sentence."""

    status: int
    message: str


def function_arn(ref: FunctionRef) -> str:
    """With `:$LATEST` where the caller named no qualifier."""
    return ref.arn if ref.qualifier is not None else f"{ref.arn}:{LATEST}"


def invocation_record(
    *,
    request_id: str,
    function: FunctionRef,
    condition: Condition,
    progress: Progress,
    payload: bytes,
    answer: Answer | None,
    at_s: float,
) -> str:
    """The record as JSON text. A function that never ran has no response in it."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": timestamp(at_s),
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn(function),
            "condition": condition,
            "approximateInvokeCount": progress.attempts,
        },
        "requestPayload": _json(payload),
    }
    if answer is not None:
        record["responseContext"] = {"statusCode": 200, "executedVersion": answer.version}
        if answer.is_error:
            record["responseContext"]["functionError"] = "Unhandled"
        record["responsePayload"] = _json(answer.payload)
    return encode_json(record).decode()


def dead_letter_attributes(request_id: str, answer: Answer | None, trouble: Trouble | None) -> tuple[Attribute, ...]:
    """`trouble` says more than `answer` where there is one."""
    code, message = FUNCTION_ERROR_CODE, _error_message(answer)
    if trouble is not None and answer is None:
        code, message = str(trouble.status), trouble.message
    attributes = [
        Attribute(name="RequestID", type="String", value=request_id),
        Attribute(name="ErrorCode", type="Number", value=code),
    ]
    if message:  # SQS and SNS take no empty value
        shortened = message.encode()[:ERROR_MESSAGE_BYTES].decode(errors="ignore")
        attributes.append(Attribute(name="ErrorMessage", type="String", value=shortened))
    return tuple(attributes)


def timestamp(at_s: float) -> str:
    """`2019-11-14T18:16:05.568Z`"""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error_message(answer: Answer | None) -> str:
    if answer is None:
        return ""
    try:
        told = decode_json(answer.payload)
    except ValueError:
        return answer.payload.decode(errors="replace")
    message = told.get("errorMessage") if isinstance(told, dict) else None
    return message if isinstance(message, str) else ""


def _json(payload: bytes) -> Any:
    """The payload as it is; what is no JSON as a string."""
    try:
        _check_syntax(payload)
        payload.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload.decode(errors="replace")
    return msgspec.Raw(payload)
