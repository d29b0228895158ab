"""The way of a request through the platform, as one list of steps: `Gateway._answer`.

Two doors: `handle` for a client's bytes, `call` for the platform's own calls to the same services. Every failure ends
at one place, `_refuse`, in the words of the service's protocol; nothing else is raised to the HTTP server, but a body
that stopped half-way, whose client is gone.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.model import OperationModel, ServiceModel

from ramuda.authz.credentials import CredentialStore, root_principal
from ramuda.gateway import errors, origins
from ramuda.gateway.callers import Callers
from ramuda.gateway.delegated_keys import DelegatedKeys
from ramuda.gateway.function_urls import FunctionUrlDoor, is_addressed
from ramuda.gateway.http import IncompleteBodyError
from ramuda.gateway.messages import Request, Response
from ramuda.gateway.model import Models, UnknownService
from ramuda.gateway.options import Options
from ramuda.gateway.protocols import select
from ramuda.gateway.router import Route, Router
from ramuda.gateway.sigv4 import RefusedError, api_error, read_claim
from ramuda.gateway.upstream import Upstream
from ramuda.gateway.validate import validate
from ramuda.kernel.call import Call, Principal, Result, Service
from ramuda.kernel.clock import Clock
from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.function_urls import FunctionUrls

InternalRoute: TypeAlias = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger(__name__)
_access_log = logging.getLogger("ramuda.access")

_INTERNAL_PREFIX = "/_ramuda/"


@dataclass(slots=True)
class _Trip:
    """How far a request got: what its error answer, and the log, can say."""

    request_id: str
    service: ServiceModel | None = None
    operation: OperationModel | None = None


class Gateway:
    """Answers AWS API requests from `services`, else from `upstream`. Implements `ports.Api`.

    `internal_routes` are the platform's own, by exact path, or by prefix where a path ends in `/`.
    """

    def __init__(
        self,
        services: Sequence[Service],
        upstream: Upstream,
        credentials: CredentialStore,
        options: Options,
        clock: Clock,
        ids: Ids,
        models: Models,
        internal_routes: Mapping[str, InternalRoute] | None = None,
        function_urls: FunctionUrls | None = None,
    ) -> None:
        self._services = {service.name: service for service in services}
        self._upstream, self._options, self._clock, self._ids, self._models = upstream, options, clock, ids, models
        self._internal_routes = internal_routes or {}
        self._internal_prefixes = [(p, route) for p, route in self._internal_routes.items() if p.endswith("/")]
        self._callers = Callers(credentials, options, clock)
        self._router = Router(models, self._services, options.region)
        self._delegated_keys = DelegatedKeys(models, credentials)
        self._url_door = FunctionUrlDoor(function_urls, self._callers, options) if function_urls else None

    # -- a client's request ------------------------------------------------------------------------------------------

    async def handle(self, request: Request) -> Response:
        """The answer to a request from outside: the platform's own routes, else the AWS API."""
        internal = self._internal_route(request)
        return await (self.handle_api(request) if internal is None else internal(request))

    def _internal_route(self, request: Request) -> InternalRoute | None:
        """A signed request is always for AWS: a bucket may be called `metrics`."""
        if "authorization" in request.headers or is_addressed(request):
            return None
        path = request.path
        for prefix, route in self._internal_prefixes:
            if path.startswith(prefix):
                return route
        return self._internal_routes.get(path) or (_no_such_route if path.startswith(_INTERNAL_PREFIX) else None)

    async def handle_api(self, request: Request) -> Response:
        """The answer of the AWS API alone: what functions may reach."""
        trip = _Trip(self._ids.uuid())
        started_s = self._clock.monotonic() if self._options.access_log else 0.0
        try:
            response = await self._answer(request, trip)
        except IncompleteBodyError:
            raise
        except Exception as e:  # noqa: BLE001 - the boundary of a request
            response = self._refuse(request, trip, e)
        if self._options.access_log:
            self._note(request, trip, response, self._clock.monotonic() - started_s)
        return response

    async def _answer(self, request: Request, trip: _Trip) -> Response:
        if self._url_door is not None and is_addressed(request):
            return await self._url_door.answer(request, trip.request_id)
        if not self._options.auth:
            origins.check(request)
        reading = read_claim(request)
        route = self._router.route(request, reading)
        trip.service = service = self._model(route.service)
        principal = await self._callers.identify(request, reading)
        native = self._services.get(service.service_name)
        if native is None:
            return await self._delegate(request, route, principal, trip)
        protocol = select(service, request)
        trip.operation = operation = protocol.operation(service, request)
        perform = native.operations.get(operation.name)
        if perform is None:
            return await self._without_us(native, operation.name, request, route, principal, trip)
        params = protocol.parse(operation, request)
        validate(operation, params)
        call = self._call_of(request, route, principal, trip.request_id, operation, params)
        return protocol.serialize(operation, await perform(call), trip.request_id)

    def _model(self, service: str | None) -> ServiceModel:
        if service is None:
            raise errors.unknown_service()
        try:
            return self._models.service(service)
        except UnknownService:
            raise errors.unsupported(f"There is no AWS service named '{service}'.") from None

    def _call_of(
        self,
        request: Request,
        route: Route,
        principal: Principal,
        request_id: str,
        operation: OperationModel,
        params: dict[str, Any],
    ) -> Call:
        headers = request.headers
        return Call(
            service=operation.service_model.service_name,
            operation=operation.name,
            params=params,
            principal=principal,
            region=route.region,
            account=principal.account,
            request_id=request_id,
            trace=headers.get("x-amzn-trace-id"),
            endpoint=f"http://{headers.get('host', 'localhost')}",
            source_ip=request.peer[0] if request.peer else "127.0.0.1",
            headers=headers,
        )

    async def _without_us(
        self, native: Service, operation: str, request: Request, route: Route, principal: Principal, trip: _Trip
    ) -> Response:
        """An operation that a native service does not have."""
        if native.delegate_rest:
            return await self._delegate(request, route, principal, trip)
        raise errors.unsupported(f"{native.name}.{operation} is not supported here.")

    async def _delegate(self, request: Request, route: Route, principal: Principal, trip: _Trip) -> Response:
        service = route.service or ""
        response = await self._upstream.forward(service, request, account=principal.account, region=route.region)
        if service == "iam":
            await self._delegated_keys.observe(request, response, principal.account)
        if not any(name.lower() in ("x-amzn-requestid", "x-amz-request-id") for name, _ in response.headers):
            response.headers.append(("x-amzn-RequestId", trip.request_id))
        return response

    # -- when it went wrong ------------------------------------------------------------------------------------------

    def _refuse(self, request: Request, trip: _Trip, failure: Exception) -> Response:
        """The one place where a failure becomes an answer, in the protocol of the service, or Lambda's where none is
        known."""
        service = trip.service or self._models.service("lambda")
        protocol = select(service, request)
        match failure:
            case ApiError():
                error = failure
            case RefusedError():
                error = api_error(failure, protocol.name)
            case PortError():
                _log.warning("request.unavailable request_id=%s error=%s", trip.request_id, failure)
                error = errors.unavailable(failure)
            case _:
                _log.error("request.failed request_id=%s", trip.request_id, exc_info=failure)
                error = errors.internal_failure()
        return protocol.serialize_error(service, error, trip.request_id)

    def refuse(self, request: Request, status: int) -> Response:
        """For the HTTP server: the answer to a request that it does not take, with `status`."""
        trip = _Trip(self._ids.uuid())
        http = self._options.http
        error = errors.refused(status, body_bytes=http.body_bytes, head_bytes=http.head_bytes)
        if request.headers:
            service = self._router.route(request, read_claim(request)).service
            trip.service = self._models.service(service) if service in self._models.index.by_name else None
        return self._refuse(request, trip, error)

    def wants_stream(self, request: Request) -> bool:
        """For the HTTP server: whether a large body is passed on while it arrives, which is so for delegated
        services."""
        if is_addressed(request):
            return False
        service = self._router.route(request, read_claim(request)).service
        return service is not None and service not in self._services

    def _note(self, request: Request, trip: _Trip, response: Response, took_s: float) -> None:
        _access_log.debug(
            "request id=%s service=%s operation=%s method=%s status=%d took_ms=%.2f",
            trip.request_id,
            trip.service.service_name if trip.service else "-",
            trip.operation.name if trip.operation else "-",
            request.method,
            response.status,
            took_s * 1e3,
        )

    # -- the platform's own calls ------------------------------------------------------------------------------------

    async def call(self, service: str, operation: str, params: dict[str, Any], *, account: str, region: str) -> Result:
        native = self._services.get(service)
        perform = native.operations.get(operation) if native else None
        if perform is None:
            if native is not None and not native.delegate_rest:
                raise errors.unsupported(f"{service}.{operation} is not supported here.")
            return await self._upstream.call(service, operation, params, account=account, region=region)
        validate(self._models.service(service).operation_model(operation), params)
        result = await perform(
            Call(
                service=service,
                operation=operation,
                params=params,
                principal=root_principal(account),
                region=region,
                account=account,
                request_id=self._ids.uuid(),
                headers={},
            )
        )
        return {name: await _read(value) for name, value in result.items()}


async def _no_such_route(request: Request) -> Response:
    return Response(
        404, [("Content-Type", "application/json")], encode_json({"message": f"There is no {request.path}."})
    )


async def _read(value: Any) -> Any:
    """A member of a result with nothing left to wait for: a streaming body becomes bytes, an event stream a list."""
    if not hasattr(value, "__aiter__"):
        return value
    pieces = [piece async for piece in value]
    return b"".join(pieces) if all(isinstance(piece, bytes) for piece in pieces) else pieces
