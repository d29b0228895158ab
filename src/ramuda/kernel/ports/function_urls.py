"""Function URLs as the gateway reaches them: an HTTP request in, an HTTP answer out."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ramuda.kernel.call import Principal

Identify: TypeAlias = Callable[[str, bool], Awaitable[Principal | None]]
"""`identify(region, is_origin_allowed)`: who signed the request for Lambda in that region; None when nobody did. Raises
ApiError when the signature is not right, or a web page of another origin sent it that is not allowed to."""


@dataclass(slots=True, kw_only=True)
class UrlRequest:
    """A request to the function URL `url_id`.

    `path` and `query` are raw, `headers` have lower-case names. `host` is how the client named the endpoint, with its
    port. `identify` is asked where the URL wants a signature. Not frozen, as `kernel.call.Call`."""

    url_id: str
    host: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    source_ip: str
    request_id: str
    identify: Identify


@dataclass(slots=True, kw_only=True)
class UrlResponse:
    """An iterator as `body` is sent as it comes; it raises `kernel.errors.BrokenOffError` when the function failed
    after the answer had begun."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterator[bytes] = b""


class FunctionUrls(Protocol):
    """Every function URL of every account."""

    async def serve(self, request: UrlRequest) -> UrlResponse:
        """Runs the function behind the URL, or says in AWS's words why not. Raises ApiError, and PortError when the
        platform could not run it."""
        ...
