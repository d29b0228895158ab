"""Scalars written as text: in paths, query strings, headers, forms and XML.

Reading text that is not what the model says gives the same SerializationException as a wrong type in JSON does.
"""

import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from botocore.model import Shape

from ramuda.gateway.protocols.documents import read_base64, write_base64
from ramuda.gateway.protocols.malformed import WHOLE_NUMBERS, wrong_type
from ramuda.gateway.protocols.timestamps import read_timestamp, timestamp_writer

TextReader: TypeAlias = Callable[[str], Any]
TextWriter: TypeAlias = Callable[[Any], str]

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?|NaN|-?Infinity")


def text_reader(shape: Shape) -> TextReader:
    """The reader for a scalar shape."""
    return _READERS[shape.type_name]


def text_writer(shape: Shape, default_timestamp: str) -> TextWriter:
    """The writer for a scalar shape; `default_timestamp` is the place's own timestamp format."""
    if shape.type_name == "timestamp":
        write = timestamp_writer(shape, default_timestamp)
        return lambda value: str(write(value))
    return _WRITERS.get(shape.type_name, str)


def _read_string(text: str) -> str:
    return text


def _read_whole(text: str, kind: str) -> int:
    if _WHOLE.fullmatch(text) and (value := int(text)) in WHOLE_NUMBERS[kind]:
        return value
    raise wrong_type(text, kind)


def _read_integer(text: str) -> int:
    return _read_whole(text.strip(), "integer")


def _read_long(text: str) -> int:
    return _read_whole(text.strip(), "long")


def _read_float(text: str) -> float:
    if _DECIMAL.fullmatch(text.strip()):
        return float(text)
    raise wrong_type(text, "double")


def _read_boolean(text: str) -> bool:
    match text.strip().lower():
        case "true":
            return True
        case "false":
            return False
        case _:
            raise wrong_type(text, "boolean")


def _read_timestamp(text: str) -> Any:
    return read_timestamp(text.strip())


def _read_blob(text: str) -> bytes:
    return read_base64(text.strip())


_READERS: dict[str, TextReader] = {
    "string": _read_string,
    "character": _read_string,
    "integer": _read_integer,
    "long": _read_long,
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "timestamp": _read_timestamp,
    "blob": _read_blob,
}


def _write_boolean(value: Any) -> str:
    return "true" if value else "false"


def _write_float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


_WRITERS: dict[str, TextWriter] = {
    "boolean": _write_boolean,
    "float": _write_float,
    "double": _write_float,
    "blob": write_base64,
}
