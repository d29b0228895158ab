"""AWS REST JSON 1: members in path, query string and headers, the others as a JSON object. Lambda speaks it.

Source: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html; errors of Lambda as recorded from AWS.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.protocols import event_stream
from ramuda.gateway.protocols.bindings import compile_request, compile_response
from ramuda.gateway.protocols.bodies import parse_json
from ramuda.gateway.protocols.contract import Plans
from ramuda.gateway.protocols.documents import JSON_STYLE, Readers, Writers
from ramuda.gateway.protocols.errors import error_document, error_headers, wire_error
from ramuda.gateway.protocols.http_router import router_of
from ramuda.gateway.protocols.malformed import serialization_error
from ramuda.kernel.call import Result
from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError

_JSON_BLOBS = frozenset({("lambda", "Invoke")})
"""Operations whose blob payload AWS declares as JSON, though the model does not say so."""


class RestJson:
    """See the module."""

    name = "rest-json"

    def __init__(self) -> None:
        self._parsers = Plans(lambda operation: compile_request(operation, _codec(operation.service_model)))
        self._serializers = Plans(_compile_serializer)

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
    write = compile_response(operation.output_shape, _codec(operation.service_model), blob_type)
    default_status = operation.http.get("responseCode", 200)

    def serialize(result: Result, request_id: str) -> Response:
        headers: Headers = [("x-amzn-RequestId", request_id)]
        status, body = write(result, headers)
        return Response(status or default_status, headers, body)

    return serialize


def _codec(service: ServiceModel) -> "_JsonBodies":
    code = "InvalidRequestContentException"
    return _JsonBodies(code if code in service.shape_names else None)


class _JsonBodies:
    """JSON bodies. `unreadable_code` is the service's own error for a body that is not JSON, if it has one."""

    content_type = "application/json"

    def __init__(self, unreadable_code: str | None) -> None:
        self._unreadable_code = unreadable_code

    def members_reader(self, shape: StructureShape, names: list[str]) -> Callable[[bytes], dict[str, Any]]:
        read = Readers(JSON_STYLE).member_reader(shape, names)
        return lambda body: read(self._decode(body))

    def payload_reader(self, shape: Shape) -> Callable[[bytes], Any]:
        read = Readers(JSON_STYLE).reader(shape)
        return lambda body: read(self._decode(body))

    def _decode(self, body: bytes) -> Any:
        try:
            return parse_json(body)
        except ValueError as e:
            if self._unreadable_code is None:
                raise serialization_error(str(e)) from None
            raise ApiError(self._unreadable_code, f"Could not parse request body into json: {e}") from None

    def members_writer(self, shape: StructureShape, names: list[str]) -> Callable[[dict[str, Any]], bytes]:
        if not names:
            return lambda result: b""
        write = Writers(JSON_STYLE).member_writer(shape, names)
        return lambda result: encode_json(write(result))

    def payload_writer(self, shape: Shape) -> Callable[[Any], bytes]:
        write = Writers(JSON_STYLE).writer(shape)
        return encode_json if write is None else lambda value: encode_json(write(value))

    def stream_writer(self, shape: StructureShape) -> Callable[[AsyncIterator[dict[str, Any]]], AsyncIterator[bytes]]:
        return event_stream.compile_stream(shape, Writers(JSON_STYLE), encode_json, self.content_type)
