"""Which service a request is for, and in which region.

The credential scope says both for nearly every request. Without one it is, in this order, the X-Amz-Target header, the
path of a smithy RPC, the host, the Version of a query call, one of Lambda's dated paths; what is left and has a path is
S3's.

Names are botocore's service names. Where several services share a signing name, a service served here wins, then the
one the target header means, then the one of that very name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qs

from ramuda.gateway.messages import Request
from ramuda.gateway.model import Models
from ramuda.gateway.sigv4 import Claim, Reading

_RPC_PATH = re.compile(r"/service/([^/]+)/operation/[^/]+/?")
_LAMBDA_PATH = re.compile(r"/20\d\d-\d\d-\d\d/")
_REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]+)+-\d{1,2}")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Route:
    """`service` is None when the request does not tell."""

    service: str | None
    region: str


class Router:
    """Routes requests. `native` are the services that are served here."""

    def __init__(self, models: Models, native: Iterable[str], default_region: str) -> None:
        self._models = models
        self._native = tuple(native)
        self._default_region = default_region

    def route(self, request: Request, reading: Reading) -> Route:
        if isinstance(reading, Claim):
            scope = reading.scope
            native = self._native_by_signing_name.get(scope.service)
            return Route(native or self._delegated(scope.service, _target_prefix(request)), scope.region)
        region = _region_of_host(request) or self._default_region
        return Route(self._unsigned(request), region)

    def _delegated(self, name: str, target_prefix: str) -> str:
        candidates = self._models.index.by_signing_name.get(name, ())
        meant = self._models.index.by_target_prefix.get(target_prefix)
        if meant in candidates:
            return meant
        return name if name in candidates or not candidates else candidates[0]

    @cached_property
    def _native_by_signing_name(self) -> dict[str, str]:
        return {self._models.service(name).signing_name: name for name in self._native}

    def _unsigned(self, request: Request) -> str | None:
        index = self._models.index
        prefix = _target_prefix(request)
        if prefix and (service := index.by_target_prefix.get(prefix)):
            return service
        if (rpc := _RPC_PATH.fullmatch(request.path)) and (service := index.by_target_prefix.get(rpc.group(1))):
            return service
        for label in _host_labels(request):
            if service := self._by_endpoint_prefix(label):
                return service
        if service := self._query_service(request):
            return service
        if _LAMBDA_PATH.match(request.path):
            return "lambda"
        return "s3" if request.path != "/" else None

    def _by_endpoint_prefix(self, label: str) -> str | None:
        candidates = self._models.index.by_endpoint_prefix.get(label, ())
        native = next((name for name in candidates if name in self._native), None)
        return native or (label if label in candidates else next(iter(candidates), None))

    def _query_service(self, request: Request) -> str | None:
        """The service whose API version a query call names (`Action=AssumeRoleWithWebIdentity&Version=2011-06-15`)."""
        is_form = request.headers.get("content-type", "").startswith(_FORM)
        text = request.body.decode("latin-1") if is_form else request.query
        version = parse_qs(text).get("Version", [""])[0] if "Version=" in text and "Action=" in text else None
        if not version:
            return None
        entries = self._models.index.by_name.values()
        found = [e.name for e in entries if e.api_version == version and {"query", "ec2"}.intersection(e.protocols)]
        return next((name for name in found if name in self._native), found[0] if found else None)


def _target_prefix(request: Request) -> str:
    target = request.headers.get("x-amz-target")
    return target.rpartition(".")[0] if target is not None else ""


def _host_labels(request: Request) -> list[str]:
    """The host's labels from the right: a bucket may be called `lambda`, what stands behind it is what counts."""
    host = request.headers.get("host", "").partition(":")[0].lower()
    return host.split(".")[::-1]


def _region_of_host(request: Request) -> str | None:
    return next((label for label in _host_labels(request) if _REGION.fullmatch(label)), None)
