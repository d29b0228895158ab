"""Cross-origin resource sharing of function URLs (pure).

A URL with a Cors configuration answers preflight requests itself; the function does not run. To other answers for a
page of an allowed origin its headers are added, beside whatever the function says: both are sent. Only requests with
an `Origin` get them.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors,
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

Cors: TypeAlias = dict[str, Any]
Headers: TypeAlias = list[tuple[str, str]]


def allows_origin(cors: Cors | None, origin: str | None) -> bool:
    if cors is None or origin is None:
        return False
    allowed = cors.get("AllowOrigins") or []
    return "*" in allowed or origin.lower() in (one.lower() for one in allowed)


def preflight(cors: Cors, origin: str, method: str, wanted_headers: str) -> Headers:
    """The headers of the answer to a preflight request; without any when the origin is not allowed. `method` and
    `wanted_headers` are what the page wants to send."""
    if not allows_origin(cors, origin):
        return []
    found = _origin(cors, origin)
    if methods := _chosen(cors.get("AllowMethods"), method, cors):
        found.append(("Access-Control-Allow-Methods", methods))
    if wanted := _chosen(cors.get("AllowHeaders"), wanted_headers, cors):
        found.append(("Access-Control-Allow-Headers", wanted))
    if cors.get("MaxAge") is not None:
        found.append(("Access-Control-Max-Age", str(cors["MaxAge"])))
    return found


def answer(cors: Cors | None, origin: str | None) -> Headers:
    """The headers added to an answer of the function."""
    if cors is None or origin is None or not allows_origin(cors, origin):
        return []
    found = _origin(cors, origin)
    if exposed := cors.get("ExposeHeaders"):
        found.append(("Access-Control-Expose-Headers", ",".join(exposed)))
    return found


def _origin(cors: Cors, origin: str) -> Headers:
    """`*` does not count for a page that sends credentials, so then the page's own origin is named."""
    with_credentials = bool(cors.get("AllowCredentials"))
    is_any = "*" in cors["AllowOrigins"] and not with_credentials
    found = [("Access-Control-Allow-Origin", "*" if is_any else origin), ("Vary", "Origin")]
    if with_credentials:
        found.append(("Access-Control-Allow-Credentials", "true"))
    return found


def _chosen(allowed: Iterable[str] | None, wanted: str, cors: Cors) -> str:
    """The list as configured; `*` means what was asked for where credentials forbid the wildcard."""
    listed = list(allowed or ())
    if "*" in listed:
        return wanted if cors.get("AllowCredentials") else "*"
    return ",".join(listed)
