"""Requests of the REST protocols to parameters.

An operation's bindings are compiled to lists of (member, where, converter), and a request costs one walk over them.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import unquote

from botocore.model import OperationModel, Shape, StructureShape

from ramuda.gateway.messages import Request
from ramuda.gateway.protocols.bindings import BodyCodec, Params, located
from ramuda.gateway.protocols.bodies import body_reader, guarded
from ramuda.gateway.protocols.contract import Parse, no_params
from ramuda.gateway.protocols.header_values import header_reader
from ramuda.gateway.protocols.query_strings import parse_query_string
from ramuda.gateway.protocols.scalars import text_reader

Bind: TypeAlias = Callable[[Request, Params], None]
"""Takes what it is for from the request and puts it into the parameters."""


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
