"""The event that a function gets for a request to its URL: payload format 2.0 (pure).

Members that AWS leaves out where there is nothing to say are left out here: `cookies`, `queryStringParameters`, `body`,
`authorizer`. There is no TLS in front of us, so no `x-amzn-tls-...` headers either, and `x-forwarded-proto` is http.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads; events that AWS's users
published.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from ramuda.kernel.call import Principal
from ramuda.kernel.codec import encode_json
from ramuda.kernel.ports.function_urls import UrlRequest
from ramuda.services.lambda_.model import FunctionUrl

ANONYMOUS = "anonymous"
DEFAULT = "$default"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
_HOP_BY_HOP = frozenset(
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""RFC 9110, 7.6.1: about the connection, not the request (recorded: `connection` does not arrive)."""


def event(url: FunctionUrl, request: UrlRequest, caller: Principal | None, *, now_s: float, trace_root: str) -> bytes:
    """The event's JSON. `caller` is None for a URL that wants no signature. `trace_root` is the trace header's Root."""
    told: dict[str, Any] = {
        "version": "2.0",
        "routeKey": DEFAULT,
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    if "cookie" in request.headers:
        told["cookies"] = cookies(request.headers["cookie"])
    told["headers"] = headers(request, trace_root)
    if request.query:
        told["queryStringParameters"] = query_parameters(request.query)
    told["requestContext"] = _context(url, request, caller, now_s)
    if request.body:
        told["body"], told["isBase64Encoded"] = body(request.body, request.headers.get("content-type"))
    else:
        told["isBase64Encoded"] = False
    return encode_json(told)


def _context(url: FunctionUrl, request: UrlRequest, caller: Principal | None, now_s: float) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": ANONYMOUS if caller is None else url.account,
        "apiId": url.url_id,
        "domainName": request.host,
        "domainPrefix": url.url_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request.request_id,
        "routeKey": DEFAULT,
        "stage": DEFAULT,
        "time": time_text(now_s),
        "timeEpoch": int(now_s * 1000),
    }
    if caller is not None:
        context["authorizer"] = {"iam": _identity(caller)}
    return context


def _identity(caller: Principal) -> dict[str, str | None]:
    return {
        "accessKey": caller.access_key_id,
        "accountId": caller.account,
        "callerId": caller.user_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": caller.arn,
        "userId": caller.user_id,
    }


def time_text(epoch_s: float) -> str:
    """`12/Mar/2020:19:03:58 +0000`, in English whatever the locale."""
    at = datetime.fromtimestamp(epoch_s, UTC)
    return f"{at.day:02}/{_MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} +0000"


def cookies(header: str) -> list[str]:
    """`a=1; b=2` as its parts."""
    return [part.strip() for part in header.split(";") if part.strip()]


def headers(request: UrlRequest, trace_root: str) -> dict[str, str]:
    """Names in lower case, repeated ones joined with commas, with what a load balancer adds."""
    given = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
    port = request.host.rpartition(":")[2]
    forwarded_for = given.get("x-forwarded-for")
    return {
        **given,
        "x-amzn-trace-id": given.get("x-amzn-trace-id", trace_root),
        "x-forwarded-for": f"{forwarded_for}, {request.source_ip}" if forwarded_for else request.source_ip,
        "x-forwarded-port": port if port.isdecimal() else "80",
        "x-forwarded-proto": "http",
    }


def query_parameters(query: str) -> dict[str, str]:
    """Decoded; the values of a repeated name joined with commas."""
    found: dict[str, str] = {}
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            key, text = unquote_plus(name), unquote_plus(value)
            found[key] = f"{found[key]},{text}" if key in found else text
    return found


def body(data: bytes, content_type: str | None) -> tuple[str, bool]:
    """The body as text, and whether that is base64: it is unless the content type says text and the bytes are. A
    form (`application/x-www-form-urlencoded`) is no text to AWS."""
    if is_text(content_type):
        try:
            return data.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(data).decode(), True


def is_text(content_type: str | None) -> bool:
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))


def wants_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks what it may send (CORS preflight)."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
