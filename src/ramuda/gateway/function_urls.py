"""Requests to function URLs, told from requests to the AWS API.

A URL is addressed by its host, `<url-id>.lambda-url.<region>.<anything>`, with or without a port: `.localhost`,
which browsers and most resolvers take for this machine, or AWS's own `.on.aws` through a proxy or a Host header.
Clients
without such names use a path: `/lambda-url/<url-id>/<path>`; the function sees `/<path>`. A URL's id has 32 characters,
and a request that is signed for another service than Lambda is never taken, so that a bucket called `lambda-url` stays
reachable; a signature is over the path as it was sent.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import re

from ramuda.gateway import origins
from ramuda.gateway.callers import Callers
from ramuda.gateway.messages import Request, Response
from ramuda.gateway.options import Options
from ramuda.gateway.sigv4 import Claim, RefusedError, api_error, read_claim
from ramuda.kernel.call import Principal
from ramuda.kernel.errors import ApiError
from ramuda.kernel.ports.function_urls import FunctionUrls, UrlRequest

PATH_PREFIX = "/lambda-url/"
_HOST_MARK = ".lambda-url."
_HOST = re.compile(r"([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\.[^/]+")
_PATH = re.compile(r"/lambda-url/([a-z0-9]{32})(/.*)?")


def is_addressed(request: Request) -> bool:
    """Whether the request is for a function URL."""
    if _HOST_MARK in request.headers.get("host", "") or request.path.startswith(PATH_PREFIX):
        return addressed(request) is not None
    return False


def addressed(request: Request) -> tuple[str, str] | None:
    """The id of the URL that the request is for, and the path as its function sees it."""
    by_host = _HOST.fullmatch(request.headers.get("host", "").lower())
    if by_host is not None:
        return by_host[1], request.path
    by_path = _PATH.fullmatch(request.path)
    if by_path is None:
        return None
    reading = read_claim(request)
    if isinstance(reading, Claim) and reading.scope.service != "lambda":
        return None
    return by_path[1], by_path[2] or "/"


class FunctionUrlDoor:
    """Passes requests on to `urls`, and says who signed them where that matters."""

    def __init__(self, urls: FunctionUrls, callers: Callers, options: Options) -> None:
        self._urls, self._callers, self._options = urls, callers, options

    async def answer(self, request: Request, request_id: str) -> Response:
        """Only for a request that is addressed to a URL."""
        found = addressed(request)
        if found is None:
            raise ValueError(f"{request.path} is no function URL's")
        url_id, path = found

        async def identify(region: str, is_origin_allowed: bool) -> Principal | None:
            if not self._options.auth and not is_origin_allowed:
                origins.check(request)
            return await self._identify(request, region)

        response = await self._urls.serve(
            UrlRequest(
                url_id=url_id,
                host=request.headers.get("host", "localhost"),
                method=request.method,
                path=path,
                query=request.query,
                headers=request.headers,
                body=request.body,
                source_ip=request.peer[0] if request.peer else "127.0.0.1",
                request_id=request_id,
                identify=identify,
            )
        )
        return Response(response.status, response.headers, response.body)

    async def _identify(self, request: Request, region: str) -> Principal | None:
        reading = read_claim(request)
        if not isinstance(reading, Claim):
            return None
        scope = reading.scope
        if scope.service != "lambda":
            raise _refused("Credential should be scoped to correct service: 'lambda'. ")
        if scope.region != region:
            raise _refused(f"Credential should be scoped to a valid region, not '{scope.region}'. ")
        try:
            return await self._callers.identify(request, reading)
        except RefusedError as e:
            raise api_error(e, "rest-json") from e


def _refused(message: str) -> ApiError:
    return ApiError("InvalidSignatureException", message, status=403)
