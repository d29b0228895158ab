"""The HTTP side of the REST protocols: which member travels in path, query string, headers, status or body.

rest-json and rest-xml bind members to HTTP in the same way and differ in their bodies alone, so the body is a
`BodyCodec`. `request_bindings` reads requests, `response_bindings` writes answers.

Source: https://smithy.io/2.0/spec/http-bindings.html
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from botocore.model import Shape, StructureShape

Params: TypeAlias = dict[str, Any]


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
