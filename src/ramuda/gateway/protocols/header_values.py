"""Members in HTTP headers: scalars, comma-separated lists with quoting, and JSON in base64.

Source: https://smithy.io/2.0/spec/http-bindings.html#httpheader-trait
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from botocore.model import Shape

from ramuda.gateway.protocols.documents import read_base64, write_base64
from ramuda.gateway.protocols.malformed import serialization_error
from ramuda.gateway.protocols.scalars import text_reader, text_writer
from ramuda.kernel.codec import decode_json, encode_json

HeaderReader: TypeAlias = Callable[[str], Any] | None
HeaderWriter: TypeAlias = Callable[[Any], str] | None

_TIMESTAMP_FORMAT = "rfc822"
_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)')
_HTTP_DATE = re.compile(r"[^,]+,[^,]+")


def header_reader(shape: Shape) -> HeaderReader:
    """None for a plain string, which needs no conversion."""
    if shape.type_name == "list":
        return _list_reader(shape.member)
    if shape.serialization.get("jsonvalue"):
        return _read_json
    return None if shape.type_name == "string" else text_reader(shape)


def header_writer(shape: Shape) -> HeaderWriter:
    """None for a plain string, which needs no conversion."""
    if shape.type_name == "list":
        return _list_writer(shape.member)
    if shape.serialization.get("jsonvalue"):
        return lambda value: write_base64(encode_json(value))
    return None if shape.type_name == "string" else text_writer(shape, _TIMESTAMP_FORMAT)


def _read_json(text: str) -> Any:
    try:
        return decode_json(read_base64(text))
    except (ValueError, RecursionError):
        raise serialization_error("Invalid JSON value in a header") from None


def _list_reader(member: Shape) -> HeaderReader:
    read = text_reader(member)
    if member.type_name == "timestamp" and member.serialization.get("timestampFormat", "rfc822") == "rfc822":
        return lambda text: [read(date) for date in _HTTP_DATE.findall(text)]
    return lambda text: [read(item) for item in _split(text)]


def _split(text: str) -> list[str]:
    """`a, "b, c", "say \\"hi\\""` to its items."""
    items = []
    at = 0
    while at < len(text):
        found = _ITEM.match(text, at)
        if found is None:  # an opening quote that nothing closes: the rest is one item
            items.append(text[at:].strip())
            break
        quoted, plain = found.groups()
        items.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain.strip())
        at = found.end()
    return items


def _list_writer(member: Shape) -> HeaderWriter:
    write = text_writer(member, _TIMESTAMP_FORMAT)
    if member.type_name == "string":
        return lambda values: ", ".join(_quoted(write(value)) for value in values if value is not None)
    return lambda values: ", ".join(write(value) for value in values if value is not None)


def _quoted(text: str) -> str:
    if '"' in text or "," in text:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text
