"""Keeps web pages of strangers away from a server that checks no signatures.

Any page that a developer opens can send requests to `http://localhost:4566` (cross-site request forgery), and a host
name of its own that suddenly means 127.0.0.1 makes them same-origin (DNS rebinding). Browsers name the page in
`Origin`; a page that was not served by this machine is refused. Clients that are no browsers send no `Origin`."""

import ipaddress
from urllib.parse import urlsplit

from ramuda.gateway.messages import Request
from ramuda.kernel.errors import ApiError


def check(request: Request) -> None:
    """Raises ApiError for a request that a page from elsewhere had a browser send."""
    origin = request.headers.get("origin")
    if origin is not None and not is_local(origin):
        raise ApiError(
            "AccessDeniedException",
            f"Requests of pages from {origin} are refused: this server checks no signatures (--auth), so any web page "
            "could deploy code here.",
            status=403,
        )


def is_local(origin: str) -> bool:
    """Whether `origin` (`http://localhost:3000`) is a page of this machine."""
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
