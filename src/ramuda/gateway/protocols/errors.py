"""What an ApiError becomes on the wire: which modelled error it is, its status, who is at fault, and its members.

The error's own shape in the model says whether its text is called `message` or `Message`, and whether it has a `Type`
(Lambda's have: `User` for the caller's faults, `Service` for the service's). Errors that no model has, such as the
framework's ValidationException, carry `message` alone; those of AWS's front door spell it `Message`.
Source: the models, and answers recorded from AWS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.model import ServiceModel, StructureShape

from ramuda.gateway.messages import Headers
from ramuda.gateway.protocols.documents import Style, Writers
from ramuda.gateway.protocols.header_values import header_writer
from ramuda.kernel.errors import ApiError

_CAPITAL_MESSAGE = frozenset({"AccessDeniedException", "SerializationException", "UnknownOperationException"})
_TEXT_MEMBERS = ("message", "Message", "errorMessage")


@dataclass(slots=True)
class WireError:
    """`name` is the shape's name (JSON and CBOR), `code` the code of the query protocol. `members` are by member
    name."""

    name: str
    code: str
    status: int
    is_sender: bool
    message: str | None
    members: dict[str, Any]
    shape: StructureShape | None


def wire_error(service: ServiceModel, error: ApiError) -> WireError:
    shape = _shapes(service).get(error.code)
    trait = shape.metadata.get("error", {}) if shape else {}
    status = error.status or trait.get("httpStatusCode") or (400 if error.fault == "Client" else 500)
    members: dict[str, Any] = {}
    if message_member := _message_member(shape, error):
        members[message_member] = error.message
    if shape is not None and "Type" in shape.members:
        members["Type"] = "User" if status < 500 else "Service"
    members.update(error.members)
    return WireError(
        name=shape.name if shape else error.code,
        code=shape.error_code if shape else error.code,
        status=status,
        is_sender=status < 500,
        message=error.message,
        members=members,
        shape=shape,
    )


@lru_cache(maxsize=64)
def _shapes(service: ServiceModel) -> dict[str, StructureShape]:
    """The service's errors by their shape's name and by their query code; a name wins over a code."""
    shapes = service.error_shapes
    return {shape.error_code: shape for shape in shapes} | {shape.name: shape for shape in shapes}


def _message_member(shape: StructureShape | None, error: ApiError) -> str | None:
    """Where the text goes; None for an error without a text whose shape has no place for one."""
    if shape is None:
        return "Message" if error.code in _CAPITAL_MESSAGE else "message"
    modelled = next((name for name in _TEXT_MEMBERS if name in shape.members), None)
    return modelled or ("message" if error.message is not None else None)


def error_document(wire: WireError, style: Style) -> dict[str, Any]:
    """The error's members for a JSON or CBOR body: the modelled ones by their shapes (a null text stays), others as
    they are. Members that travel in headers are not among them."""
    modelled = wire.shape.members if wire.shape else {}
    document = _body_writer(wire.shape, style)(wire.members) if wire.shape else {}
    for name, value in wire.members.items():
        if name not in modelled or (value is None and name in _TEXT_MEMBERS):
            document[name] = value
    return document


@lru_cache(maxsize=256)
def _body_writer(shape: StructureShape, style: Style) -> Callable[[Any], dict[str, Any]]:
    in_body = [name for name, member in shape.members.items() if "location" not in member.serialization]
    return Writers(style).member_writer(shape, in_body)


def query_error_header(service: ServiceModel, wire: WireError) -> Headers:
    """Tells clients of a service that once spoke the query protocol the code they knew then."""
    if not service.is_query_compatible:
        return []
    return [("x-amzn-query-error", f"{wire.code};{'Sender' if wire.is_sender else 'Receiver'}")]


def error_headers(wire: WireError) -> Headers:
    """The error's members that travel in headers (`Retry-After`)."""
    headers: Headers = []
    for name, member in wire.shape.members.items() if wire.shape else ():
        value = wire.members.get(name)
        if value is not None and member.serialization.get("location") == "header":
            write = header_writer(member)
            headers.append((member.serialization["name"], value if write is None else write(value)))
    return headers
