"""AWS REST JSON 1: members in path, query string and headers, the others as a JSON object. Lambda speaks it.

Source: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html; errors of Lambda as recorded from AWS.
"""

from botocore.model import OperationModel, ServiceModel

from ramuda.gateway.messages import Headers, Request
from ramuda.gateway.protocols.contract import Parse, Serialize, WireProtocol
from ramuda.gateway.protocols.documents import JSON_STYLE
from ramuda.gateway.protocols.errors import WireError, error_document, error_headers
from ramuda.gateway.protocols.http_router import router_of
from ramuda.gateway.protocols.json_bodies import JsonBodies
from ramuda.gateway.protocols.request_bindings import compile_request
from ramuda.gateway.protocols.response_bindings import compile_response
from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError

_ID_HEADER = "x-amzn-RequestId"

_JSON_BLOBS = frozenset({("lambda", "Invoke")})
"""Operations whose blob payload AWS declares as JSON, though the model does not say so."""

_UNREADABLE = "InvalidRequestContentException"
"""The error for a body that is not JSON, of services that have it (Lambda); others answer SerializationException."""


def _find_operation(service: ServiceModel, request: Request) -> OperationModel:
    name = router_of(service).match(request)
    if name is None:
        raise ApiError(
            "AccessDeniedException", "Unable to determine service/operation name to be authorized", status=403
        )
    return service.operation_model(name)


def _compile_parser(operation: OperationModel) -> Parse:
    return compile_request(operation, _bodies(operation.service_model))


def _compile_serializer(operation: OperationModel) -> Serialize:
    service = operation.service_model
    is_json_blob = (service.service_name, operation.name) in _JSON_BLOBS
    blob_type = "application/json" if is_json_blob else "application/octet-stream"
    return compile_response(operation, _bodies(service), blob_type=blob_type, id_header=_ID_HEADER)


def _bodies(service: ServiceModel) -> JsonBodies:
    return JsonBodies(_UNREADABLE if _UNREADABLE in service.shape_names else None)


def _write_error(service: ServiceModel, wire: WireError, request_id: str) -> tuple[Headers, bytes]:
    headers = [(_ID_HEADER, request_id), ("Content-Type", "application/json"), ("x-amzn-ErrorType", wire.name)]
    return headers + error_headers(wire), encode_json(error_document(wire, JSON_STYLE))


REST_JSON = WireProtocol(
    "rest-json",
    find_operation=_find_operation,
    compile_parser=_compile_parser,
    compile_serializer=_compile_serializer,
    write_error=_write_error,
)
