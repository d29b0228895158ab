"""XML documents of rest-xml, query and ec2, written from results and read into parameters.

Reading goes through expat into a plain tree. A document type declaration is refused, so that no entity is ever
expanded. Element names are compared without their namespace, as AWS does.

Source: https://smithy.io/2.0/spec/protocol-traits.html (xmlName, xmlFlattened, xmlAttribute, xmlNamespace)
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from botocore.model import ListShape, MapShape, Shape, StructureShape

from ramuda.gateway.protocols.malformed import serialization_error
from ramuda.gateway.protocols.scalars import text_reader, text_writer

Emit: TypeAlias = Callable[[str], None]
Writer: TypeAlias = Callable[[Any, Emit], None]
Reader: TypeAlias = Callable[["Element"], Any]

MAX_DEPTH = 100
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_TIMESTAMP_FORMAT = "iso8601"


def text(value: str) -> str:
    """Escaped for an element's text; what XML cannot say at all becomes U+FFFD."""
    return escape(_UNWRITABLE.sub("\ufffd", value), {"\r": "&#xD;"})


def namespace_attribute(shape: Shape) -> str:
    """` xmlns="..."` as the model declares it for this element, or nothing."""
    namespace = shape.serialization.get("xmlNamespace")
    if not namespace:
        return ""
    if isinstance(namespace, str):
        return f" xmlns={quoteattr(namespace)}"
    prefix = namespace.get("prefix")
    return f" xmlns{':' + prefix if prefix else ''}={quoteattr(namespace['uri'])}"


# --- writing --------------------------------------------------------------------------------------------------------


class XmlWriters:
    """Compiles shapes for writing. One instance serves one operation."""

    def __init__(self) -> None:
        self._members: dict[str, Writer] = {}

    def root(self, shape: StructureShape, names: list[str], tag: str, attributes: str) -> Writer:
        """Writes `<tag>` with the members `names` of the structure that a whole body stands for."""
        return self._around(shape, self.members(shape, names), tag, f"<{tag}{attributes}")

    def element(self, shape: Shape, tag: str, attributes: str = "") -> Writer:
        """Writes `<tag>value</tag>`; a flattened list or map writes one element for each entry instead."""
        opening = f"<{tag}{attributes}{namespace_attribute(shape)}"
        match shape.type_name:
            case "structure":
                return self._structure(shape, tag, opening)
            case "list":
                return self._list(shape, tag, opening)
            case "map":
                return self._map(shape, tag, opening)
            case _:
                return _scalar(shape, tag, opening)

    def members(self, shape: StructureShape, names: list[str] | None = None) -> Writer:
        """Writes a structure's members, or those in `names`, without an element around them."""
        if names is None and shape.name in self._members:
            return self._members[shape.name]
        writers: list[tuple[str, Writer]] = []

        def write(value: Any, emit: Emit) -> None:
            for name, write_member in writers:
                item = value.get(name)
                if item is not None:
                    write_member(item, emit)

        if names is None:
            self._members[shape.name] = write
        for name in shape.members if names is None else names:
            member = shape.members[name]
            if not member.serialization.get("xmlAttribute"):
                writers.append((name, self.element(member, member.serialization.get("name", name))))
        return write

    def _structure(self, shape: StructureShape, tag: str, opening: str) -> Writer:
        return self._around(shape, self.members(shape), tag, opening)

    def _around(self, shape: StructureShape, write_members: Writer, tag: str, opening: str) -> Writer:
        attributes = [
            (name, member.serialization["name"], text_writer(member, _TIMESTAMP_FORMAT))
            for name, member in shape.members.items()
            if member.serialization.get("xmlAttribute")
        ]

        def write(value: Any, emit: Emit) -> None:
            emit(opening)
            for name, wire_name, write_value in attributes:
                if value.get(name) is not None:
                    emit(f" {wire_name}={quoteattr(write_value(value[name]))}")
            emit(">")
            write_members(value, emit)
            emit(f"</{tag}>")

        return write

    def _list(self, shape: ListShape, tag: str, opening: str) -> Writer:
        if shape.serialization.get("flattened"):
            write_entry = self.element(shape.member, tag)

            def write_flat(value: Any, emit: Emit) -> None:
                for item in value:
                    if item is not None:
                        write_entry(item, emit)

            return write_flat
        write_item = self.element(shape.member, shape.member.serialization.get("name", "member"))

        def write(value: Any, emit: Emit) -> None:
            emit(opening + ">")
            for item in value:
                if item is not None:
                    write_item(item, emit)
            emit(f"</{tag}>")

        return write

    def _map(self, shape: MapShape, tag: str, opening: str) -> Writer:
        flattened = shape.serialization.get("flattened")
        write_key = self.element(shape.key, shape.key.serialization.get("name", "key"))
        write_value = self.element(shape.value, shape.value.serialization.get("name", "value"))
        before, after = (opening + ">", f"</{tag}>") if flattened else ("<entry>", "</entry>")

        def write(value: Any, emit: Emit) -> None:
            if not flattened:
                emit(opening + ">")
            for key, item in value.items():
                if item is not None:
                    emit(before)
                    write_key(key, emit)
                    write_value(item, emit)
                    emit(after)
            if not flattened:
                emit(f"</{tag}>")

        return write


def _scalar(shape: Shape, tag: str, opening: str) -> Writer:
    write_value = text_writer(shape, _TIMESTAMP_FORMAT)
    before, after = opening + ">", f"</{tag}>"

    def write(value: Any, emit: Emit) -> None:
        emit(before)
        emit(text(write_value(value)))
        emit(after)

    return write


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Element:
    """One element; `tag` and the names of `attributes` are without namespace prefix, except an attribute's own."""

    tag: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def parse_xml(body: bytes) -> Element:
    """The document's root. Raises ApiError SerializationException."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    top = Element("", {})
    open_elements = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag.rpartition(":")[2], attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)
        if len(open_elements) > MAX_DEPTH:
            raise serialization_error("The XML document nests too deep")

    def refuse(*_: Any) -> None:
        raise serialization_error("Document type declarations are not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_elements.pop()
    parser.CharacterDataHandler = lambda data: open_elements[-1].pieces.append(data)
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as e:
        raise serialization_error(f"The XML document is malformed: {e}") from None
    return top.children[0]


class XmlReaders:
    """Compiles shapes for reading. One instance serves one operation."""

    def __init__(self) -> None:
        self._structures: dict[str, Reader] = {}

    def reader(self, shape: Shape) -> Reader:
        match shape.type_name:
            case "structure":
                return self._structure(shape)
            case "list":
                read_item = self.reader(shape.member)
                return lambda element: [read_item(child) for child in element.children]
            case "map":
                read_entry = self._map_entry(shape)
                return lambda element: dict(read_entry(child) for child in element.children)
            case _:
                read = text_reader(shape)
                return lambda element: read(element.text)

    def members(self, shape: StructureShape, names: list[str]) -> Reader:
        """Reads the members `names` of a structure."""
        takers, attributes = _Takers(), _Attributes()
        self._fill(shape, names, takers, attributes)
        return _structure_reader(takers, attributes)

    def _structure(self, shape: StructureShape) -> Reader:
        if shape.name not in self._structures:
            takers, attributes = _Takers(), _Attributes()
            self._structures[shape.name] = _structure_reader(takers, attributes)
            self._fill(shape, list(shape.members), takers, attributes)
        return self._structures[shape.name]

    def _fill(self, shape: StructureShape, names: list[str], takers: "_Takers", attributes: "_Attributes") -> None:
        for name in names:
            member = shape.members[name]
            if member.serialization.get("xmlAttribute"):
                attributes.append((name, member.serialization["name"], text_reader(member)))
                continue
            takers[member.serialization.get("name", name)] = self._taker(name, member)

    def _taker(self, name: str, shape: Shape) -> Callable[[dict[str, Any], Element], None]:
        """Puts one child into the parameters; a flattened list or map has one child for each entry."""
        if shape.type_name == "list" and shape.serialization.get("flattened"):
            read_item = self.reader(shape.member)
            return lambda params, child: params.setdefault(name, []).append(read_item(child))
        if shape.type_name == "map" and shape.serialization.get("flattened"):
            read_entry = self._map_entry(shape)
            return lambda params, child: params.setdefault(name, {}).update([read_entry(child)])
        read = self.reader(shape)
        return lambda params, child: params.update({name: read(child)})

    def _map_entry(self, shape: MapShape) -> Callable[[Element], tuple[Any, Any]]:
        key_tag = shape.key.serialization.get("name", "key")
        value_tag = shape.value.serialization.get("name", "value")
        read_key, read_value = self.reader(shape.key), self.reader(shape.value)

        def read(entry: Element) -> tuple[Any, Any]:
            by_tag = {child.tag: child for child in entry.children}
            if key_tag not in by_tag:
                raise serialization_error("A map entry has no key")
            value = by_tag.get(value_tag)
            return read_key(by_tag[key_tag]), None if value is None else read_value(value)

        return read


class _Takers(dict[str, Callable[[dict[str, Any], Element], None]]):
    """By element name: puts the element into the parameters."""


class _Attributes(list[tuple[str, str, Callable[[str], Any]]]):
    """Member, attribute name, reader."""


def _structure_reader(takers: _Takers, attributes: _Attributes) -> Reader:
    def read(element: Element) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for child in element.children:
            take = takers.get(child.tag)
            if take is not None:
                take(params, child)
        for name, wire_name, read_text in attributes:
            if wire_name in element.attributes:
                params[name] = read_text(element.attributes[wire_name])
        return params

    return read
