"""What an invocation request may carry.

Payloads must be JSON in UTF-8; an empty one stands for `{}`. AWS reads it with Jackson, whose sentences are told
again here for what commonly goes wrong. Sources: recorded answers;
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import base64
import binascii
import re
from collections.abc import Mapping

import msgspec

from ramuda.kernel import limits
from ramuda.services.lambda_.rules import refusals

EMPTY_PAYLOAD = b"{}"

# Checks the syntax of everything and builds nothing: ten times as fast as decoding. It does not look at UTF-8.
_check_syntax = msgspec.json.Decoder(msgspec.Raw).decode

_SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)"
_BYTE = re.compile(r"\(byte (\d+)\)")
_WORD = re.compile(rb"[A-Za-z_$][\w$]*")
_VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


def check_upload(headers: Mapping[str, str], operation: str) -> None:
    """The whole request of an operation that uploads code has a limit of its own, above that of the archive."""
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) >= limits.CREATE_REQUEST_BYTES:
        raise refusals.upload_too_large(operation)


def payload(data: bytes | None, limit_bytes: int) -> bytes:
    """The payload as the function gets it. Raises AWS's errors."""
    if not data:
        return EMPTY_PAYLOAD
    if len(data) > limit_bytes:
        raise refusals.request_too_large(limit_bytes)
    try:
        _check_syntax(data)
        if not data.isascii():
            data.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise refusals.bad_request(
            f"Could not parse request body into json: Could not parse payload into json: {_told_as_jackson(data, e)}"
        ) from e
    return data


def client_context(header: str | None) -> str | None:
    """The JSON text that the header carries in base64."""
    if not header:
        return None
    if len(header) > limits.CLIENT_CONTEXT_BYTES:
        raise refusals.bad_request(
            f"Client context must be no longer than {limits.CLIENT_CONTEXT_BYTES} bytes."
        )  # ours
    try:
        text = base64.b64decode(header, validate=True)
        _check_syntax(text)
        decoded = text.decode()
    except (binascii.Error, ValueError, RecursionError) as e:
        raise refusals.bad_request("Client context must be a valid Base64-encoded JSON object.") from e
    if not decoded.lstrip().startswith("{"):
        raise refusals.bad_request("Client context must be a valid Base64-encoded JSON object.")
    return decoded


def _told_as_jackson(data: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"Document nesting depth exceeds the maximum allowed (1000)\n at {_SOURCE}; line: 1, column: 1]"
    try:
        data.decode()
    except UnicodeDecodeError as e:
        at = e.start if e.reason == "invalid start byte" else min(e.end, len(data) - 1)
        kind = "start" if e.reason == "invalid start byte" else "middle"
        return f"Invalid UTF-8 {kind} byte 0x{data[at]:02x}\n at {_where(data, at)}"
    found = _BYTE.search(str(error))
    if found is None:
        return f"Unexpected end-of-input\n at {_where(data, len(data))}"
    at = min(int(found[1]), len(data) - 1)
    word = _word_at(data, at)
    if word is not None:
        start, text = word
        return f"Unrecognized token '{text}': was expecting {_VALUE}\n at {_where(data, start + len(text))}"
    found_here = f"{chr(data[at])!r} (code {data[at]})"
    return f"Unexpected character ({found_here}): was expecting a valid value {_VALUE}\n at {_where(data, at)}"


def _word_at(data: bytes, at: int) -> tuple[int, str] | None:
    """The bare word around a position, where JSON has none: `nope`, but not `true`."""
    start = at
    while start > 0 and re.match(rb"[\w$]", data[start - 1 : start]):
        start -= 1
    found = _WORD.match(data, start)
    return None if found is None else (start, found[0].decode())


def _where(data: bytes, at: int) -> str:
    line = data.count(b"\n", 0, at) + 1
    column = at - data.rfind(b"\n", 0, at)
    return f"{_SOURCE}; line: {line}, column: {column}]"
