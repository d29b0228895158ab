"""An HTTP request as it came and an HTTP answer as it will go.

The server, the signature check and the protocols share these. `path` and `query` are raw: the signature is over the
bytes the client sent, so nothing may be decoded before it was checked.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

Headers: TypeAlias = list[tuple[str, str]]


@dataclass(slots=True)
class Request:
    """One request.

    `path` is never empty and has no `?`; `query` has no leading `?`. `headers` is for asking (lower-case names,
    repeated values joined with ","), `raw_headers` for passing on (None when the server kept only `headers`). `stream`
    is set instead of `body` when the body was not read whole before it was handed on. Not frozen: one per request.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    raw_headers: Headers | None = None
    stream: AsyncIterator[bytes] | None = None
    peer: tuple[str, int] | None = None

    def header_list(self) -> Headers:
        """The headers as they came; without a record of that, one entry per name."""
        return self.raw_headers if self.raw_headers is not None else list(self.headers.items())


@dataclass(slots=True)
class Response:
    """One answer. An iterator as `body` is sent in chunks as they come; the server adds the framing headers."""

    status: int
    headers: Headers
    body: bytes | AsyncIterator[bytes] = b""
