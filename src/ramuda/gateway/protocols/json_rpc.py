"""AWS JSON 1.0 and 1.1: POST to `/`, the operation in `X-Amz-Target: <prefix>.<Operation>`, documents both ways.

Source: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html and .../aws-json-1_1-protocol.html; for the
header `x-amzn-query-error` https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#awsquerycompatible.
"""

from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel, ServiceModel

from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.protocols import event_stream
from ramuda.gateway.protocols.bodies import body_reader, guarded
from ramuda.gateway.protocols.contract import Plans, no_params
from ramuda.gateway.protocols.documents import JSON_STYLE
from ramuda.gateway.protocols.errors import error_document, query_error_header, wire_error
from ramuda.gateway.protocols.json_bodies import JsonBodies
from ramuda.kernel.call import Result
from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError


class JsonRpc:
    """Both versions; which one is in the model (`jsonVersion`), and they differ only in the content type."""

    name = "json"

    def __init__(self) -> None:
        self._parsers = Plans(_compile_parser)
        self._serializers = Plans(_compile_serializer)

    def prepare(self, operation: OperationModel) -> None:
        _ = self._parsers[operation], self._serializers[operation]

    def operation(self, service: ServiceModel, request: Request) -> OperationModel:
        name = request.headers.get("x-amz-target", "").rpartition(".")[2]
        if name not in service.operation_names:
            raise ApiError("UnknownOperationException", None, status=400)
        return service.operation_model(name)

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        return self._parsers[operation](request)

    def serialize(self, operation: OperationModel, result: Result, request_id: str) -> Response:
        return self._serializers[operation](result, request_id)

    def serialize_error(
        self, operation: OperationModel | None, service: ServiceModel, error: ApiError, request_id: str
    ) -> Response:
        wire = wire_error(service, error)
        document = {"__type": wire.name, **error_document(wire, JSON_STYLE)}
        headers = {"x-amzn-RequestId": request_id, "Content-Type": _content_type(service)}
        headers |= query_error_header(service, wire) | dict(error.headers)
        return Response(wire.status, list(headers.items()), encode_json(document))


def _content_type(service: ServiceModel) -> str:
    return f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}"


def _compile_parser(operation: OperationModel) -> Callable[[Request], dict[str, Any]]:
    shape = operation.input_shape
    if shape is None:
        return no_params
    read, body_of = JsonBodies().members_reader(shape, list(shape.members)), body_reader(operation)

    def parse(request: Request) -> dict[str, Any]:
        body = body_of(request)
        return read(body) if body else {}

    return guarded(parse)


def _compile_serializer(operation: OperationModel) -> Callable[[Result, str], Response]:
    shape = operation.output_shape
    content_type = _content_type(operation.service_model)
    write: Callable[[Result], Any] = _no_body
    if operation.has_event_stream_output:
        write, content_type = event_stream.compile_rpc_stream(operation, JsonBodies()), event_stream.CONTENT_TYPE
    elif shape is not None:
        write = JsonBodies().members_writer(shape, list(shape.members))

    def serialize(result: Result, request_id: str) -> Response:
        headers: Headers = [("x-amzn-RequestId", request_id), ("Content-Type", content_type)]
        return Response(200, headers, write(result))

    return serialize


def _no_body(result: Result) -> bytes:
    return b""
