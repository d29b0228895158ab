"""Form bodies of the query and ec2 protocols: `Tags.member.1.Key=a&Tags.member.1.Value=b` into parameters.

The names are first split at their dots into a tree, so that reading follows what was sent and never guesses at what
may be there; a recursive shape costs nothing.

Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, .../aws-ec2-query-protocol.html
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from botocore.model import ListShape, MapShape, Shape, StructureShape

from ramuda.gateway.messages import Request
from ramuda.gateway.protocols.bodies import decompressed_body
from ramuda.gateway.protocols.malformed import serialization_error, wrong_type
from ramuda.gateway.protocols.query_strings import parse_query_string
from ramuda.gateway.protocols.scalars import text_reader

Reader: TypeAlias = Callable[["Node"], Any]
NamesOf: TypeAlias = Callable[[Shape, str], list[str]]

MAX_DEPTH = 64
_MAX_INDEX_DIGITS = 9


@dataclass(slots=True)
class Node:
    """What stands at one name: its own text, if any, and what is below."""

    text: str | None = None
    children: dict[str, "Node"] = field(default_factory=dict)

    def entries(self) -> list["Node"]:
        """The children that are numbered, in the order of their numbers."""
        numbered = [
            (int(name), child)
            for name, child in self.children.items()
            if name.isascii() and name.isdigit() and len(name) <= _MAX_INDEX_DIGITS
        ]
        return [child for _, child in sorted(numbered, key=lambda entry: entry[0])]


def form_fields(request: Request) -> dict[str, str]:
    """The fields of body and query string; of a repeated one the first counts. A compressed body is decompressed here,
    because the operation's name is inside."""
    pairs = parse_query_string(request.query)
    body = decompressed_body(request)
    if body:
        pairs |= parse_query_string(body.decode("utf-8", "replace").strip())
    return {name: values[0] for name, values in pairs.items()}


def form_tree(fields: dict[str, str]) -> Node:
    """Raises ApiError SerializationException for a name with more than MAX_DEPTH parts."""
    root = Node()
    for name, value in fields.items():
        parts = name.split(".", MAX_DEPTH)
        if len(parts) > MAX_DEPTH:
            raise serialization_error("A parameter name nests too deep")
        node = root
        for part in parts:
            node = node.children.setdefault(part, Node())
        node.text = value
    return root


def query_names(shape: Shape, name: str) -> list[str]:
    """What the query protocol calls a member. Models may give the name of a flattened list to its items instead."""
    names = [str(shape.serialization.get("name", name))]
    if shape.type_name == "list" and shape.serialization.get("flattened") and "name" in shape.member.serialization:
        names.append(str(shape.member.serialization["name"]))
    return names


def ec2_names(shape: Shape, name: str) -> list[str]:
    """What the ec2 protocol calls a member: `queryName`, else the name with its first letter in upper case. botocore
    leaves the letter as it is where the model names nothing, so that is understood too."""
    if "queryName" in shape.serialization:
        return [str(shape.serialization["queryName"])]
    wire_name = str(shape.serialization.get("name", name))
    return [wire_name[:1].upper() + wire_name[1:], name]


class FormReaders:
    """Compiles shapes for reading. Under ec2 (`always_flat`) every list is flattened. One instance serves one
    operation."""

    def __init__(self, names_of: NamesOf, *, always_flat: bool) -> None:
        self._names_of = names_of
        self._always_flat = always_flat
        self._structures: dict[str, Reader] = {}

    def reader(self, shape: Shape) -> Reader:
        match shape.type_name:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case _:
                return _scalar_reader(shape)

    def _structure(self, shape: StructureShape) -> Reader:
        if shape.name in self._structures:
            return self._structures[shape.name]
        members: dict[str, tuple[str, Reader]] = {}

        def read(node: Node) -> dict[str, Any]:
            params = {}
            for wire_name, child in node.children.items():
                member = members.get(wire_name)
                if member is not None:
                    params[member[0]] = member[1](child)
            return params

        self._structures[shape.name] = read
        for name, member in shape.members.items():
            read_member = self.reader(member)
            members.update((wire_name, (name, read_member)) for wire_name in self._names_of(member, name))
        return read

    def _list(self, shape: ListShape) -> Reader:
        read_item = self.reader(shape.member)
        if self._always_flat or shape.serialization.get("flattened"):
            return lambda node: [read_item(entry) for entry in node.entries()]
        item_name = shape.member.serialization.get("name", "member")
        empty = Node()
        return lambda node: [read_item(entry) for entry in node.children.get(item_name, empty).entries()]

    def _map(self, shape: MapShape) -> Reader:
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        read_key, read_value = self.reader(shape.key), self.reader(shape.value)
        flattened = shape.serialization.get("flattened")
        empty = Node()

        def read(node: Node) -> dict[str, Any]:
            entries = node if flattened else node.children.get("entry", empty)
            params = {}
            for entry in entries.entries():
                if key_name not in entry.children:
                    raise serialization_error("A map entry has no key")
                value = entry.children.get(value_name)
                params[read_key(entry.children[key_name])] = None if value is None else read_value(value)
            return params

        return read


def _scalar_reader(shape: Shape) -> Reader:
    read = text_reader(shape)

    def read_node(node: Node) -> Any:
        if node.text is None:
            raise wrong_type({}, shape.type_name)
        return read(node.text)

    return read_node
