"""Binary event streams: `application/vnd.amazon.eventstream`, as InvokeWithResponseStream and StartLiveTail answer.

One message: total length (4 bytes), headers' length (4), CRC-32 of those eight; headers; payload; CRC-32 of everything before.
One header: name length (1), name, value type (1), value. All numbers are big-endian.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import struct
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from zlib import crc32

from botocore.model import OperationModel, Shape, StructureShape

from ramuda.gateway.protocols.documents import Writer, Writers
from ramuda.kernel.errors import ApiError, InternalError

CONTENT_TYPE = "application/vnd.amazon.eventstream"

HeaderValue: TypeAlias = bool | int | str | bytes | datetime | uuid.UUID
Encode: TypeAlias = Callable[[Any], bytes]

_PRELUDE = struct.Struct(">II")
_U32 = struct.Struct(">I")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_message(headers: Mapping[str, HeaderValue], payload: bytes) -> bytes:
    """One message. Integers are written in the smallest of the format's four sizes that holds them."""
    head = b"".join(_encode_header(name, value) for name, value in headers.items())
    prelude = _PRELUDE.pack(16 + len(head) + len(payload), len(head))
    prelude_crc = crc32(prelude)
    message = b"".join((prelude, _U32.pack(prelude_crc), head, payload))
    return message + _U32.pack(crc32(message))


def _encode_header(name: str, value: HeaderValue) -> bytes:
    encoded = name.encode()
    return bytes((len(encoded),)) + encoded + _encode_value(value)


def _encode_value(value: HeaderValue) -> bytes:
    match value:
        case bool():
            return b"\x00" if value else b"\x01"
        case int():
            return _encode_integer(value)
        case bytes():
            return b"\x06" + struct.pack(">H", len(value)) + value
        case str():
            text = value.encode()
            return b"\x07" + struct.pack(">H", len(text)) + text
        case datetime():
            return b"\x08" + struct.pack(">q", round((value - _EPOCH).total_seconds() * 1000))
        case uuid.UUID():
            return b"\x09" + value.bytes


def _encode_integer(value: int) -> bytes:
    for kind, code, bits in ((2, ">b", 7), (3, ">h", 15), (4, ">i", 31)):
        if -(1 << bits) <= value < 1 << bits:
            return bytes((kind,)) + struct.pack(code, value)
    return b"\x05" + struct.pack(">q", value)


# --- a modelled stream ---------------------------------------------------------------------------------------------------


def compile_stream(
    shape: StructureShape, writers: Writers, encode: Encode, content_type: str
) -> Callable[[AsyncIterator[dict[str, Any]]], AsyncIterator[bytes]]:
    """`shape` is the union of events. The function made turns one-key dicts, as botocore's clients see them, into messages;
    an ApiError from the events ends the stream as a message, as AWS does."""
    events = {
        name: _compile_event(name, member, writers, encode, content_type) for name, member in shape.members.items()
    }

    async def messages(source: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
        try:
            async for event in source:
                for name, value in event.items():
                    if name not in events:
                        raise InternalError(f"{shape.name} has no event named {name}")
                    yield events[name](value)
        except ApiError as error:
            yield _exception(error, shape, encode, content_type)

    return messages


def compile_rpc_stream(
    operation: OperationModel, writers: Writers, encode: Encode, content_type: str
) -> Callable[[dict[str, Any]], AsyncIterator[bytes]]:
    """The body of an RPC protocol's streamed answer: first an `initial-response` with the other members, then the events."""
    output = operation.output_shape
    stream_name = output.event_stream_name
    write_events = compile_stream(output.members[stream_name], writers, encode, content_type)
    write_rest = writers.member_writer(output, [name for name in output.members if name != stream_name])

    async def body(result: dict[str, Any]) -> AsyncIterator[bytes]:
        yield encode_message(_event_headers("initial-response", content_type), encode(write_rest(result)))
        async for message in write_events(result[stream_name]):
            yield message

    return body


def _event_headers(event_type: str, content_type: str | None) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {":event-type": event_type}
    if content_type is not None:
        headers[":content-type"] = content_type
    return headers | {":message-type": "event"}


def _compile_event(
    name: str, shape: StructureShape, writers: Writers, encode: Encode, content_type: str
) -> Callable[[dict[str, Any]], bytes]:
    """An event's members marked as headers become headers; one marked as payload is the payload, else the others are."""
    header_names = [n for n, member in shape.members.items() if member.serialization.get("eventheader")]
    payload_name = next((n for n, member in shape.members.items() if member.serialization.get("eventpayload")), None)
    if payload_name is not None:
        write_payload, payload_type = _payload(payload_name, shape.members[payload_name], writers, encode, content_type)
    else:
        body_names = [n for n in shape.members if n not in header_names]
        write_body = writers.member_writer(shape, body_names)
        write_payload, payload_type = lambda event: encode(write_body(event)), content_type if body_names else None
        if not body_names:
            write_payload = _no_payload
    fixed = _event_headers(name, payload_type)

    def write(event: dict[str, Any]) -> bytes:
        named = {n: event[n] for n in header_names if event.get(n) is not None}
        return encode_message({**fixed, **named}, write_payload(event))

    return write


def _no_payload(event: dict[str, Any]) -> bytes:
    return b""


def _payload(
    name: str, shape: Shape, writers: Writers, encode: Encode, content_type: str
) -> tuple[Callable[[dict[str, Any]], bytes], str]:
    match shape.type_name:
        case "blob":
            return lambda event: event.get(name) or b"", "application/octet-stream"
        case "string":
            return lambda event: (event.get(name) or "").encode(), "text/plain"
        case _:
            write: Writer = writers.writer(shape)
            assert write is not None
            return lambda event: encode(write(event.get(name) or {})), content_type


def _exception(error: ApiError, shape: StructureShape, encode: Encode, content_type: str) -> bytes:
    """A modelled exception is a member of the event union, found by its shape; any other is an unmodelled error."""
    modelled = next((name for name, member in shape.members.items() if member.name == error.code), None)
    if modelled is None:
        headers: dict[str, HeaderValue] = {":error-code": error.code, ":error-message": error.message or ""}
        return encode_message({**headers, ":message-type": "error"}, b"")
    body = encode({"message": error.message, **error.members})
    return encode_message(
        {":exception-type": modelled, ":content-type": content_type, ":message-type": "exception"}, body
    )
