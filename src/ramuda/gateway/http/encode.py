"""The bytes of an answer's head. Pure.

A value never breaks out of its header: a line break in one becomes a space.
"""

from collections.abc import Sequence
from http import HTTPStatus

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def has_body(method: str, status: int) -> bool:
    """Whether an answer with `status` to `method` may carry a body (RFC 9110, 6.4.1)."""
    return method != "HEAD" and status not in (204, 304) and status >= 200


def encode_head(status: int, headers: Sequence[tuple[str, str]], tail: str) -> bytes:
    """Status line and headers. `tail` is further header lines, each with its line break, made by the server itself."""
    line = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if fields.count("\n") + fields.count("\r") != 2 * len(headers):
        fields = "".join([f"{_one_line(name)}: {_one_line(value)}\r\n" for name, value in headers])
    text = f"{line}{fields}{tail}\r\n"
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def encode_chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def header_value(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    """The first header called `name` (lower case), whatever its case there."""
    return next((value for key, value in headers if key.lower() == name), None)


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
