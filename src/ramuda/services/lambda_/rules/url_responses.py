"""From a function's answer to an HTTP response (pure).

A JSON object with a `statusCode` is taken as a response; whatever else JSON can say is the body of a 200. What cannot
be understood is answered as a failed function is: 502. A streaming function writes its head first: JSON, then eight NUL
bytes, then the body.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload and recorded answers,
which differ for a string: it is sent as it is, without quotes.
https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html for the head of a stream
"""

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ramuda.kernel.codec import decode_json, encode_json
from ramuda.kernel.errors import ApiError

INTEGRATION_TYPE = "application/vnd.awslambda.http-integration-response"
PRELUDE_END = b"\0" * 8
PRELUDE_BYTES_MAX = 256 * 1024  # ours: AWS names a limit for API Gateway only, 16 KB
JSON = "application/json"
FAILED = b"Internal Server Error"

_STATUSES = {
    "RequestTooLargeException": 413,
    "ResourceConflictException": 409,
    "ResourceNotFoundException": 404,
    "ServiceException": 500,
    "TooManyRequestsException": 429,
}
"""As in the service model."""

Headers: TypeAlias = list[tuple[str, str]]
_FRAMING = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade", "date"})
"""Headers that are the server's to set."""


class BadResponseError(ValueError):
    """A function said something that is no HTTP response; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Headers
    body: bytes = b""


def failed() -> Answer:
    """What the client of a function that failed is told (recorded)."""
    return Answer(status=502, headers=[("Content-Type", JSON)], body=FAILED)


def refusal(error: ApiError) -> Answer:
    """An error of Lambda's own."""
    status = error.status or _STATUSES.get(error.code, 400)
    headers = [("Content-Type", JSON), ("x-amzn-ErrorType", error.code), *error.headers.items()]
    return Answer(status=status, headers=headers, body=encode_json({**error.members, "Message": error.message}))


def whole(payload: bytes, content_type: str) -> Answer:
    """The response of a function that was waited for. One that streams wrote its head all the same."""
    if content_type.partition(";")[0].strip() != INTEGRATION_TYPE:
        return buffered(payload)
    head, _, body = payload.partition(PRELUDE_END)
    return replace(prelude(head), body=body)


def buffered(payload: bytes) -> Answer:
    """The response that a function's whole answer stands for. Raises BadResponseError."""
    try:
        told = decode_json(payload)
    except (ValueError, RecursionError) as e:
        raise BadResponseError(f"not JSON: {e}") from e
    if isinstance(told, dict) and "statusCode" in told:
        return Answer(status=_status(told), headers=_headers(told), body=_body(told))
    # Told again rather than passed on: AWS's is compact whatever the runtime wrote (recorded).
    text = told.encode() if isinstance(told, str) else encode_json(told)
    return Answer(status=200, headers=[("Content-Type", JSON)], body=text)


def prelude(head: bytes) -> Answer:
    """Status and headers of a streamed response, from its JSON head. Raises BadResponseError."""
    try:
        told = decode_json(head) if head else {}
    except (ValueError, RecursionError) as e:
        raise BadResponseError(f"the head of the stream is not JSON: {e}") from e
    if not isinstance(told, dict):
        raise BadResponseError("the head of the stream is not a JSON object")
    told.setdefault("statusCode", 200)
    return Answer(status=_status(told), headers=_headers(told, default_type="application/octet-stream"))


def _status(told: dict[str, Any]) -> int:
    status = told["statusCode"]
    if isinstance(status, str) and status.isascii() and status.isdecimal():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise BadResponseError(f"statusCode is {status!r}")
    return status


def _headers(told: dict[str, Any], default_type: str = JSON) -> Headers:
    given = told.get("headers") or {}
    if not isinstance(given, dict):
        raise BadResponseError("headers are no object")
    found = [(name, _text(value, name)) for name, value in given.items() if name.lower() not in _FRAMING]
    if any(not is_token(name) for name, _ in found):
        raise BadResponseError("the name of a header is none")
    if not any(name.lower() == "content-type" for name, _ in found):
        found.append(("Content-Type", default_type))
    cookies = told.get("cookies") or []
    if not isinstance(cookies, list) or not all(isinstance(cookie, str) for cookie in cookies):
        raise BadResponseError("cookies are no list of strings")
    return found + [("Set-Cookie", cookie) for cookie in cookies]


def is_token(name: str) -> bool:
    """Whether HTTP allows it as a header's name."""
    return bool(name) and name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name)


def _text(value: Any, name: str) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            raise BadResponseError(f"header {name} is no text")


def _body(told: dict[str, Any]) -> bytes:
    """A body that is no string is sent as its JSON."""
    body = told.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return encode_json(body)
    if told.get("isBase64Encoded") is not True:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as e:
        raise BadResponseError("isBase64Encoded is true and body is no base64") from e
