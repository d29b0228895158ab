"""Smithy RPC v2 CBOR: POST to `/service/<target prefix>/operation/<Operation>` with the header `smithy-protocol`.

CBOR can say much that no request needs (shared references, big decimals, regular expressions); everything but
timestamps and big integers is refused before it is decoded, because decoding some of it is a way to make a server
work for nothing.

Source: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from collections.abc import Callable
from typing import Any, NoReturn

import cbor2
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.protocols import event_stream
from ramuda.gateway.protocols.bodies import body_reader, guarded
from ramuda.gateway.protocols.contract import Parse, Serialize, WireProtocol, no_params
from ramuda.gateway.protocols.documents import Readers, Style, Writers
from ramuda.gateway.protocols.errors import WireError, error_document, query_error_header
from ramuda.gateway.protocols.malformed import serialization_error, wrong_type
from ramuda.gateway.protocols.timestamps import epoch_seconds
from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError

CONTENT_TYPE = "application/cbor"
MAX_DEPTH = 200
_EPOCH_TAG = 1
_REFUSED_TAGS = (0, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000)


def _find_operation(service: ServiceModel, request: Request) -> OperationModel:
    before, _, name = request.path.rpartition("/operation/")
    if "/service/" not in before or name not in service.operation_names:
        raise ApiError("UnknownOperationException", None, status=404)
    return service.operation_model(name)


def _compile_parser(operation: OperationModel) -> Parse:
    if operation.input_shape is None:
        return no_params
    read, body_of = Readers(CBOR_STYLE).reader(operation.input_shape), body_reader(operation)

    def parse(request: Request) -> dict[str, Any]:
        body = body_of(request)
        params: dict[str, Any] = read(_decode(body)) if body else {}
        return params

    return guarded(parse)


def _decode(body: bytes) -> Any:
    try:
        return cbor2.loads(body, max_depth=MAX_DEPTH, semantic_decoders=_SEMANTIC_DECODERS)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, MemoryError, OSError) as e:
        raise serialization_error(f"The CBOR body could not be read: {e}") from None


def _refuse(decoder: Any, *_: Any) -> NoReturn:
    raise ValueError("a tag that this protocol does not use")


_SEMANTIC_DECODERS = dict.fromkeys(_REFUSED_TAGS, _refuse)


def _compile_serializer(operation: OperationModel) -> Serialize:
    shape, content_type = operation.output_shape, CONTENT_TYPE
    write: Callable[[Result], Any] = _empty_body
    if operation.has_event_stream_output:
        write, content_type = event_stream.compile_rpc_stream(operation, _CborBodies()), event_stream.CONTENT_TYPE
    elif shape is not None:
        write = _CborBodies().members_writer(shape, list(shape.members))

    def serialize(result: Result, request_id: str) -> Response:
        return Response(200, _headers(request_id, content_type), write(result))

    return serialize


def _empty_body(result: Result) -> bytes:
    return b""


class _CborBodies:
    content_type = CONTENT_TYPE

    def members_writer(self, shape: StructureShape, names: list[str]) -> Callable[[dict[str, Any]], bytes]:
        write = Writers(CBOR_STYLE).member_writer(shape, names)
        return lambda result: cbor2.dumps(write(result))

    def payload_writer(self, shape: Shape) -> Callable[[Any], bytes]:
        write = Writers(CBOR_STYLE).writer(shape)
        return cbor2.dumps if write is None else lambda value: cbor2.dumps(write(value))


def _write_error(service: ServiceModel, wire: WireError, request_id: str) -> tuple[Headers, bytes]:
    document = {"__type": wire.name, **error_document(wire, CBOR_STYLE)}
    return _headers(request_id, CONTENT_TYPE) + query_error_header(service, wire), cbor2.dumps(document)


def _headers(request_id: str, content_type: str) -> Headers:
    return [("x-amzn-RequestId", request_id), ("Content-Type", content_type), ("smithy-protocol", "rpc-v2-cbor")]


def _read_blob(value: Any) -> bytes:
    if value.__class__ is bytes:
        return value
    raise wrong_type(value, "blob")


def _write_blob(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _timestamp_writer(shape: Shape) -> Callable[[Any], Any]:
    return lambda value: cbor2.CBORTag(_EPOCH_TAG, epoch_seconds(value))


CBOR_STYLE = Style(
    read_blob=_read_blob,
    write_blob=_write_blob,
    write_float=float,
    timestamp_writer=_timestamp_writer,
)

RPC_V2_CBOR = WireProtocol(
    "smithy-rpc-v2-cbor",
    find_operation=_find_operation,
    compile_parser=_compile_parser,
    compile_serializer=_compile_serializer,
    write_error=_write_error,
)
