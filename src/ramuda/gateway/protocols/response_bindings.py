"""Results to answers of the REST protocols: status, headers and body."""

from collections.abc import Callable
from typing import Any, TypeAlias

from botocore.model import OperationModel, StructureShape

from ramuda.gateway.messages import Headers, Response
from ramuda.gateway.protocols import event_stream
from ramuda.gateway.protocols.bindings import BodyCodec, Params, located
from ramuda.gateway.protocols.contract import Serialize
from ramuda.gateway.protocols.header_values import header_writer

Body: TypeAlias = Any
"""Bytes, or an AsyncIterator of bytes."""

REMAPPED_CONTENT_TYPE = "X-Amzn-Remapped-Content-Type"
_BODILESS = (204, 304)
"""Statuses whose answers have no body, whatever the model says (RFC 9110, 15.3.5 and 15.4.5)."""

Compiled: TypeAlias = Callable[[Params, Headers], tuple[int | None, Body]]
"""Adds headers for the members to the given ones; returns the status that a member sets, and the body."""


def compile_response(
    operation: OperationModel, codec: BodyCodec, *, blob_type: str = "application/octet-stream", id_header: str
) -> Serialize:
    """A result to the operation's whole answer. `blob_type` is the content type of a blob payload for which the result
    names none, `id_header` the one that carries the request's id."""
    write = _compile_parts(operation.output_shape, codec, blob_type)
    default_status = operation.http.get("responseCode", 200)

    def serialize(result: Params, request_id: str) -> Response:
        headers: Headers = [(id_header, request_id)]
        status, body = write(result, headers)
        status = status or default_status
        return Response(status, headers, b"" if status in _BODILESS else body)

    return serialize


def _compile_parts(shape: StructureShape | None, codec: BodyCodec, blob_type: str) -> Compiled:
    if shape is None:
        return _no_output
    status_name = next((name for name, _ in located(shape, "statusCode")), None)
    write_headers = _headers_writer(shape, is_stream=_stream_name(shape) is not None)
    write_body, content_type = _body_writer(shape, codec, blob_type)

    def write(result: Params, headers: Headers) -> tuple[int | None, Body]:
        names_type = write_headers(result, headers)
        body = write_body(result)
        if content_type is not None and not names_type:
            headers.append(("Content-Type", content_type))
        return result.get(status_name) if status_name is not None else None, body

    return write


def _no_output(result: Params, headers: Headers) -> tuple[int | None, Body]:
    return None, b""


def _headers_writer(shape: StructureShape, *, is_stream: bool) -> Callable[[Params, Headers], bool]:
    """The function made says whether a member set the content type. The one of an event stream is fixed, so what a
    member says goes by another name, as AWS's does."""
    singles = []
    for name, member in located(shape, "header"):
        header = member.serialization["name"]
        is_type = header.lower() == "content-type"
        if is_type and is_stream:
            header, is_type = REMAPPED_CONTENT_TYPE, False
        singles.append((name, header, header_writer(member), is_type))
    prefixed = [(name, member.serialization.get("name", "")) for name, member in located(shape, "headers")]

    def write(result: Params, headers: Headers) -> bool:
        names_type = False
        for name, header, write_value, is_type in singles:
            value = result.get(name)
            if value is not None:
                headers.append((header, value if write_value is None else write_value(value)))
                names_type = names_type or is_type
        for name, prefix in prefixed:
            headers.extend((prefix + key, value) for key, value in (result.get(name) or {}).items())
        return names_type

    return write


def _stream_name(shape: StructureShape) -> str | None:
    """The member that is a stream of events."""
    return next((name for name, member in shape.members.items() if member.serialization.get("eventstream")), None)


def _body_writer(
    shape: StructureShape, codec: BodyCodec, blob_type: str
) -> tuple[Callable[[Params], Body], str | None]:
    """The body's writer and its content type."""
    payload = shape.serialization.get("payload")
    stream = _stream_name(shape)
    if stream is not None:
        write_stream = event_stream.compile_stream(shape.members[stream], codec)
        return lambda result: write_stream(result[stream]), event_stream.CONTENT_TYPE
    if payload is None:
        return codec.members_writer(shape, _answered_in_body(shape)), codec.content_type
    member = shape.members[payload]
    if member.type_name == "blob":
        return lambda result: _blob(result.get(payload)), blob_type
    if member.type_name == "string":
        return lambda result: _blob(result.get(payload)), "text/plain"
    write_payload = codec.payload_writer(member)
    return lambda result: b"" if result.get(payload) is None else write_payload(result[payload]), codec.content_type


def _blob(value: Any) -> Body:
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else value


def _answered_in_body(shape: StructureShape) -> list[str]:
    """An answer has neither path nor query string; members that a model puts there travel in the body."""
    elsewhere = ("header", "headers", "statusCode")
    return [name for name, member in shape.members.items() if member.serialization.get("location") not in elsewhere]
