"""Values of JSON and CBOR documents, to and from the shape of botocore's parameters.

A shape is compiled into one function that converts a decoded value (`reader`) or prepares one for encoding
(`writer`). The two formats differ only in how they carry blobs, timestamps and special floats: that is a `Style`. A
writer is None where a value goes out as it is, so that a list of strings costs nothing.

Shapes may be recursive. A structure's function is known before its members are compiled, which closes the circle; how
deep a value may nest is bounded by the decoder and, beyond that, by Python's own limit (see `guarded` in `bodies`).
"""

import base64
import binascii
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.model import Shape

from ramuda.gateway.protocols.malformed import WHOLE_NUMBERS, wrong_type
from ramuda.gateway.protocols.timestamps import read_timestamp, timestamp_writer

Reader: TypeAlias = Callable[[Any], Any]
Writer: TypeAlias = Callable[[Any], Any] | None

_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class Style:
    """How a format carries what JSON and CBOR disagree about. `timestamp_writer` gets the shape."""

    read_blob: Reader
    write_blob: Writer
    write_float: Writer
    timestamp_writer: Callable[[Shape], Writer]


# --- reading --------------------------------------------------------------------------------------------------------


class Readers:
    """Compiles shapes for reading. One instance serves one operation."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._structures: dict[str, Reader] = {}

    def reader(self, shape: Shape) -> Reader:
        match shape.type_name:
            case "structure":
                return _read_document if shape.is_document_type else self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case "string" | "character":
                return _read_string
            case "integer" | "long":
                return _read_long if shape.type_name == "long" else _read_integer
            case "float" | "double":
                return _read_float
            case "boolean":
                return _read_boolean
            case "timestamp":
                return read_timestamp
            case "blob":
                return self._style.read_blob
            case unknown:
                raise NotImplementedError(f"no reader for shapes of type {unknown}")

    def _structure(self, shape: Shape) -> Reader:
        if shape.name in self._structures:
            return self._structures[shape.name]
        members: dict[str, tuple[str, Reader]] = {}
        self._structures[shape.name] = read = _structure_reader(members)
        for name, member in shape.members.items():
            members[member.serialization.get("name", name)] = (name, self.reader(member))
        return read

    def member_reader(self, shape: Shape, names: list[str]) -> Reader:
        """Reads only the members `names` of a structure: those that an HTTP body carries."""
        return _structure_reader(
            {shape.members[n].serialization.get("name", n): (n, self.reader(shape.members[n])) for n in names}
        )

    def _list(self, shape: Shape) -> Reader:
        read_item = self.reader(shape.member)

        def read(value: Any) -> list[Any]:
            if value.__class__ is not list:
                raise wrong_type(value, "list")
            return [None if item is None else read_item(item) for item in value]

        return read

    def _map(self, shape: Shape) -> Reader:
        read_item = self.reader(shape.value)

        def read(value: Any) -> dict[str, Any]:
            if value.__class__ is not dict:
                raise wrong_type(value, "map")
            return {_read_string(key): None if item is None else read_item(item) for key, item in value.items()}

        return read


def _structure_reader(members: dict[str, tuple[str, Reader]]) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if value.__class__ is not dict:
            raise wrong_type(value, "structure")
        params = {}
        for key, item in value.items():
            if item is not None and (member := members.get(key)) is not None:
                params[member[0]] = member[1](item)
        return params

    return read


def _read_document(value: Any) -> Any:
    return value


def _read_string(value: Any) -> str:
    if value.__class__ is str:
        return value
    raise wrong_type(value, "string")


def _read_whole(value: Any, kind: str) -> int:
    """AWS cuts off what is behind the point of a number where it wants a whole one."""
    if value.__class__ is float and math.isfinite(value):
        value = int(value)
    if value.__class__ is int and value in WHOLE_NUMBERS[kind]:
        return value
    raise wrong_type(value, kind)


def _read_integer(value: Any) -> int:
    return _read_whole(value, "integer")


def _read_long(value: Any) -> int:
    return _read_whole(value, "long")


def _read_float(value: Any) -> float:
    if value.__class__ is float or value.__class__ is int:
        return value
    if value.__class__ is str and value in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[value]
    raise wrong_type(value, "double")


def _read_boolean(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise wrong_type(value, "boolean")


# --- writing --------------------------------------------------------------------------------------------------------


class Writers:
    """Compiles shapes for writing. One instance serves one operation."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._structures: dict[str, Writer] = {}

    def writer(self, shape: Shape) -> Writer:
        match shape.type_name:
            case "structure":
                return None if shape.is_document_type else self._structure(shape)
            case "list":
                return _list_writer(self.writer(shape.member))
            case "map":
                return _map_writer(self.writer(shape.value))
            case "timestamp":
                return self._style.timestamp_writer(shape)
            case "blob":
                return self._style.write_blob
            case "float" | "double":
                return self._style.write_float
            case _:
                return None

    def _structure(self, shape: Shape) -> Writer:
        if shape.name in self._structures:
            return self._structures[shape.name]
        members: dict[str, tuple[str, Writer]] = {}
        self._structures[shape.name] = write = _structure_writer(members)
        for name, member in shape.members.items():
            members[name] = (member.serialization.get("name", name), self.writer(member))
        return write

    def member_writer(self, shape: Shape, names: list[str]) -> Callable[[Any], dict[str, Any]]:
        """Writes only the members `names` of a structure: those that an HTTP body carries."""
        return _structure_writer(
            {n: (shape.members[n].serialization.get("name", n), self.writer(shape.members[n])) for n in names}
        )


def _structure_writer(members: dict[str, tuple[str, Writer]]) -> Callable[[Any], dict[str, Any]]:
    def write(value: Any) -> dict[str, Any]:
        document = {}
        for name, item in value.items():
            if item is not None and (member := members.get(name)) is not None:
                key, write_item = member
                document[key] = item if write_item is None else write_item(item)
        return document

    return write


def _list_writer(write_item: Writer) -> Writer:
    if write_item is None:
        return list
    return lambda value: [None if item is None else write_item(item) for item in value]


def _map_writer(write_item: Writer) -> Writer:
    if write_item is None:
        return None
    return lambda value: {key: None if item is None else write_item(item) for key, item in value.items()}


# --- JSON's style ---------------------------------------------------------------------------------------------------


def read_base64(value: Any) -> bytes:
    """Base64 text to bytes. Raises ApiError SerializationException."""
    if value.__class__ is not str:
        raise wrong_type(value, "blob")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise wrong_type(value, "blob") from None


def write_base64(value: bytes | str) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def write_json_float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _json_timestamp_writer(shape: Shape) -> Writer:
    return timestamp_writer(shape, "unixTimestamp")


JSON_STYLE = Style(
    read_blob=read_base64,
    write_blob=write_base64,
    write_float=write_json_float,
    timestamp_writer=_json_timestamp_writer,
)
