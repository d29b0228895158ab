"""AWS REST JSON 1: members in path, query string and headers, the others as a JSON object. Lambda speaks it.

Source: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html; errors of Lambda as recorded from AWS.
"""

from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel, ServiceModel

from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.protocols.bindings import compile_request, compile_response
from ramuda.gateway.protocols.contract import Plans
from ramuda.gateway.protocols.documents import JSON_STYLE
from ramuda.gateway.protocols.errors import error_document, error_headers, wire_error
from ramuda.gateway.protocols.http_router import router_of
from ramuda.gateway.protocols.json_bodies import JsonBodies
from ramuda.kernel.call import Result
from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError

_JSON_BLOBS = frozenset({("lambda", "Invoke")})
"""Operations whose blob payload AWS declares as JSON, though the model does not say so."""

_UNREADABLE = "InvalidRequestContentException"
"""The error for a body that is not JSON, of services that have it (Lambda); others answer SerializationException."""

_BODILESS = (204, 304)


class RestJson:
    """See the module."""

    name = "rest-json"

    def __init__(self) -> None:
        self._parsers = Plans(lambda operation: compile_request(operation, _bodies(operation.service_model)))
        self._serializers = Plans(_compile_serializer)

    def prepare(self, operation: OperationModel) -> None:
        _ = self._parsers[operation], self._serializers[operation]

    def operation(self, service: ServiceModel, request: Request) -> OperationModel:
        name = router_of(service).match(request)
        if name is None:
            raise ApiError(
                "AccessDeniedException", "Unable to determine service/operation name to be authorized", status=403
            )
        return service.operation_model(name)

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        return self._parsers[operation](request)

    def serialize(self, operation: OperationModel, result: Result, request_id: str) -> Response:
        return self._serializers[operation](result, request_id)

    def serialize_error(
        self, operation: OperationModel | None, service: ServiceModel, error: ApiError, request_id: str
    ) -> Response:
        wire = wire_error(service, error)
        headers = {"x-amzn-RequestId": request_id, "Content-Type": "application/json", "x-amzn-ErrorType": wire.name}
        headers |= error_headers(wire) | dict(error.headers)
        return Response(wire.status, list(headers.items()), encode_json(error_document(wire, JSON_STYLE)))


def _compile_serializer(operation: OperationModel) -> Callable[[Result, str], Response]:
    is_json_blob = (operation.service_model.service_name, operation.name) in _JSON_BLOBS
    blob_type = "application/json" if is_json_blob else "application/octet-stream"
    write = compile_response(operation.output_shape, _bodies(operation.service_model), blob_type)
    default_status = operation.http.get("responseCode", 200)

    def serialize(result: Result, request_id: str) -> Response:
        headers: Headers = [("x-amzn-RequestId", request_id)]
        status, body = write(result, headers)
        status = status or default_status
        return Response(status, headers, b"" if status in _BODILESS else body)

    return serialize


def _bodies(service: ServiceModel) -> JsonBodies:
    return JsonBodies(_UNREADABLE if _UNREADABLE in service.shape_names else None)
