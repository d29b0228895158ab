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
from ramuda.gateway.protocols.contract import Parse, Serialize, WireProtocol, no_params
from ramuda.gateway.protocols.documents import JSON_STYLE
from ramuda.gateway.protocols.errors import WireError, error_document, query_error_header
from ramuda.gateway.protocols.json_bodies import JsonBodies
from ramuda.kernel.call import Result
from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError


def _find_operation(service: ServiceModel, request: Request) -> OperationModel:
    name = request.headers.get("x-amz-target", "").rpartition(".")[2]
    if name not in service.operation_names:
        raise ApiError("UnknownOperationException", None, status=400)
    return service.operation_model(name)


def _content_type(service: ServiceModel) -> str:
    return f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}"


def _compile_parser(operation: OperationModel) -> Parse:
    shape = operation.input_shape
    if shape is None:
        return no_params
    read, body_of = JsonBodies().members_reader(shape, list(shape.members)), body_reader(operation)

    def parse(request: Request) -> dict[str, Any]:
        body = body_of(request)
        return read(body) if body else {}

    return guarded(parse)


def _compile_serializer(operation: OperationModel) -> Serialize:
    shape = operation.output_shape
    content_type = _content_type(operation.service_model)
    write: Callable[[Result], Any] = _no_body
    if operation.has_event_stream_output:
        write, content_type = event_stream.compile_rpc_stream(operation, JsonBodies()), event_stream.CONTENT_TYPE
    elif shape is not None:
        write = JsonBodies().members_writer(shape, list(shape.members))

    def serialize(result: Result, request_id: str) -> Response:
        return Response(200, _headers(request_id, content_type), write(result))

    return serialize


def _no_body(result: Result) -> bytes:
    return b""


def _write_error(service: ServiceModel, wire: WireError, request_id: str) -> tuple[Headers, bytes]:
    document = {"__type": wire.name, **error_document(wire, JSON_STYLE)}
    headers = _headers(request_id, _content_type(service)) + query_error_header(service, wire)
    return headers, encode_json(document)


def _headers(request_id: str, content_type: str) -> Headers:
    return [("x-amzn-RequestId", request_id), ("Content-Type", content_type)]


JSON_RPC = WireProtocol(
    "json",
    find_operation=_find_operation,
    compile_parser=_compile_parser,
    compile_serializer=_compile_serializer,
    write_error=_write_error,
)
"""Both versions; which one is in the model (`jsonVersion`), and they differ only in the content type."""
