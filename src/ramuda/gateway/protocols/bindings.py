"""The HTTP side of the REST protocols: which member travels in path, query string, headers, status or body.

rest-json and rest-xml bind members to HTTP in the same way and differ in their bodies alone, so the body is a
`BodyCodec`. An operation's bindings are compiled to lists of (member, where, converter), and a request costs one walk
over them.

Source: https://smithy.io/2.0/spec/http-bindings.html
"""

import re
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias
from urllib.parse import unquote

from botocore.model import OperationModel, Shape, StructureShape

from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.protocols import event_stream
from ramuda.gateway.protocols.bodies import body_reader, guarded
from ramuda.gateway.protocols.contract import Parse, Serialize, no_params
from ramuda.gateway.protocols.header_values import header_reader, header_writer
from ramuda.gateway.protocols.query_strings import parse_query_string
from ramuda.gateway.protocols.scalars import text_reader

Params: TypeAlias = dict[str, Any]
Bind: TypeAlias = Callable[[Request, Params], None]
"""Takes what it is for from the request and puts it into the parameters."""

Body: TypeAlias = Any
"""Bytes, or an AsyncIterator of bytes."""

_BODILESS = (204, 304)
"""Statuses whose answers have no body, whatever the model says (RFC 9110, 15.3.5 and 15.4.5)."""


class BodyCodec(Protocol):
    """A body format. `members_*` handle a body that carries those members of `shape`, `payload_*` one that is
    `shape`."""

    content_type: str

    def members_reader(self, shape: StructureShape, names: list[str]) -> Callable[[bytes], Params]: ...
    def payload_reader(self, shape: Shape) -> Callable[[bytes], Any]: ...
    def members_writer(self, shape: StructureShape, names: list[str]) -> Callable[[Params], bytes]: ...
    def payload_writer(self, shape: Shape) -> Callable[[Any], bytes]: ...


def located(shape: StructureShape, location: str) -> list[tuple[str, Shape]]:
    """The members of `shape` at `location`; "body" means those without one."""
    return [
        (name, member)
        for name, member in shape.members.items()
        if member.serialization.get("location", "body") == location
    ]


def _answered_in_body(shape: StructureShape) -> list[str]:
    """An answer has neither path nor query string; members that a model puts there travel in the body."""
    elsewhere = ("header", "headers", "statusCode")
    return [name for name, member in shape.members.items() if member.serialization.get("location") not in elsewhere]


# --- requests -------------------------------------------------------------------------------------------------------


def compile_request(operation: OperationModel, codec: BodyCodec) -> Parse:
    """The operation's whole request to parameters."""
    shape = operation.input_shape
    if shape is None:
        return no_params
    binds = [
        bind
        for bind in (
            _bind_labels(operation, shape),
            _bind_query(shape),
            _bind_headers(shape),
            _bind_prefix_headers(shape),
            _bind_body(operation, shape, codec),
        )
        if bind is not None
    ]

    def parse(request: Request) -> Params:
        params: Params = {}
        for bind in binds:
            bind(request, params)
        return params

    return guarded(parse)


def _bind_labels(operation: OperationModel, shape: StructureShape) -> Bind | None:
    labels = located(shape, "uri")
    if not labels:
        return None
    by_wire_name = {member.serialization["name"]: (name, text_reader(member)) for name, member in labels}
    template = operation.http["requestUri"].partition("?")[0]
    names: list[tuple[str, Callable[[str], Any]]] = []
    pattern = ""
    for literal, label in re.findall(r"([^{]*)(?:\{([^}]*)\})?", template.rstrip("/")):
        pattern += re.escape(literal)
        if label:
            pattern += "(.+)" if label.endswith("+") else "([^/]+)"
            names.append(by_wire_name[label.rstrip("+")])
    ends_greedy = template.endswith("+}")
    fullmatch = re.compile(pattern if ends_greedy else pattern + "/?", re.DOTALL).fullmatch

    def bind(request: Request, params: Params) -> None:
        found = fullmatch(request.path)
        if found is not None:
            for (name, read), text in zip(names, found.groups(), strict=True):
                params[name] = read(unquote(text) if "%" in text else text)

    return bind


def _bind_query(shape: StructureShape) -> Bind | None:
    members = located(shape, "querystring")
    if not members:
        return None
    singles: list[tuple[str, str, Callable[[list[str]], Any]]] = []
    rest: tuple[str, bool] | None = None
    for name, member in members:
        if member.type_name == "map":
            rest = (name, member.value.type_name == "list")
        else:
            singles.append((name, member.serialization["name"], _query_reader(member)))
    taken = {wire_name for _, wire_name, _ in singles}

    def bind(request: Request, params: Params) -> None:
        if not request.query:
            return
        query = parse_query_string(request.query)
        for name, wire_name, read in singles:
            values = query.get(wire_name)
            if values is not None:
                params[name] = read(values)
        if rest is not None:
            name, is_list = rest
            others = {key: values if is_list else values[0] for key, values in query.items() if key not in taken}
            if others:
                params[name] = others

    return bind


def _query_reader(shape: Shape) -> Callable[[list[str]], Any]:
    if shape.type_name == "list":
        read_item = text_reader(shape.member)
        return lambda values: [read_item(value) for value in values]
    read = text_reader(shape)
    return lambda values: read(values[0])


def _bind_headers(shape: StructureShape) -> Bind | None:
    members = [
        (name, member.serialization["name"].lower(), header_reader(member)) for name, member in located(shape, "header")
    ]
    if not members:
        return None

    def bind(request: Request, params: Params) -> None:
        headers = request.headers
        for name, header, read in members:
            value = headers.get(header)
            if value is not None:
                params[name] = value if read is None else read(value)

    return bind


def _bind_prefix_headers(shape: StructureShape) -> Bind | None:
    members = [(name, member.serialization.get("name", "").lower()) for name, member in located(shape, "headers")]
    if not members:
        return None

    def bind(request: Request, params: Params) -> None:
        for name, prefix in members:
            found = {key[len(prefix) :]: value for key, value in request.headers.items() if key.startswith(prefix)}
            if found:
                params[name] = found

    return bind


def _bind_body(operation: OperationModel, shape: StructureShape, codec: BodyCodec) -> Bind | None:
    payload = shape.serialization.get("payload")
    if payload is not None:
        return _bind_payload(payload, shape.members[payload], codec)
    names = [name for name, _ in located(shape, "body")]
    if not names:
        return None
    read, body_of = codec.members_reader(shape, names), body_reader(operation)

    def bind(request: Request, params: Params) -> None:
        body = body_of(request)
        if body:
            params.update(read(body))

    return bind


def _bind_payload(name: str, shape: Shape, codec: BodyCodec) -> Bind:
    if shape.type_name == "blob" or shape.serialization.get("eventstream"):
        return lambda request, params: _bind_bytes(name, request, params)
    read = _read_text if shape.type_name == "string" else codec.payload_reader(shape)

    def bind(request: Request, params: Params) -> None:
        if request.body:
            params[name] = read(request.body)

    return bind


def _read_text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _bind_bytes(name: str, request: Request, params: Params) -> None:
    """A body that the server hands on while it arrives is handed on further as it is."""
    if request.stream is not None:
        params[name] = request.stream
    elif request.body:
        params[name] = request.body


# --- responses ------------------------------------------------------------------------------------------------------

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
    write_headers = _headers_writer(shape)
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


def _headers_writer(shape: StructureShape) -> Callable[[Params, Headers], bool]:
    """The function made says whether a member set the content type."""
    singles = [
        (
            name,
            member.serialization["name"],
            header_writer(member),
            member.serialization["name"].lower() == "content-type",
        )
        for name, member in located(shape, "header")
    ]
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


def _body_writer(
    shape: StructureShape, codec: BodyCodec, blob_type: str
) -> tuple[Callable[[Params], Body], str | None]:
    """The body's writer and its content type."""
    payload = shape.serialization.get("payload")
    stream = next((name for name, member in shape.members.items() if member.serialization.get("eventstream")), None)
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
