"""Binary event streams: `application/vnd.amazon.eventstream`, as InvokeWithResponseStream and StartLiveTail answer.

One message: total length (4 bytes), headers' length (4), CRC-32 of those eight; headers; payload; CRC-32 of
everything before. One header: name length (1), name, value type (1), value. All numbers are big-endian.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import struct
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias
from zlib import crc32

from botocore.model import OperationModel, Shape, StructureShape

from ramuda.kernel.errors import ApiError, InternalError

CONTENT_TYPE = "application/vnd.amazon.eventstream"

HeaderValue: TypeAlias = bool | int | str | bytes | datetime | uuid.UUID
Events: TypeAlias = AsyncIterator[dict[str, Any]]

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


# --- a modelled stream ----------------------------------------------------------------------------------------------


class EventBodies(Protocol):
    """How the payload of an event is written."""

    content_type: str

    def members_writer(self, shape: StructureShape, names: list[str]) -> Callable[[dict[str, Any]], bytes]: ...
    def payload_writer(self, shape: Shape) -> Callable[[Any], bytes]: ...


def compile_stream(shape: StructureShape, bodies: EventBodies) -> Callable[[Events], AsyncIterator[bytes]]:
    """`shape` is the union of events. The function made turns one-key dicts, as botocore's clients see them, into
    messages; an ApiError from the events ends the stream as a message, as AWS does."""
    writers = {name: _compile_event(name, member, bodies) for name, member in shape.members.items()}

    def message(event: dict[str, Any]) -> bytes:
        ((name, value),) = event.items()
        if name not in writers:
            raise InternalError(f"{shape.name} has no event named {name}")
        return writers[name](value)

    return lambda events: _Messages(events, message, lambda error: _exception(error, shape, bodies))


class _Messages:
    """Events as messages, each when it comes. Closing closes the events, also before the first was asked for."""

    def __init__(
        self,
        events: Events,
        message: Callable[[dict[str, Any]], bytes],
        exception: Callable[[ApiError], bytes],
    ) -> None:
        self._events = aiter(events)
        self._message, self._exception = message, exception
        self._is_over = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._is_over:
            raise StopAsyncIteration
        try:
            return self._message(await anext(self._events))
        except ApiError as error:
            self._is_over = True
            return self._exception(error)

    async def aclose(self) -> None:
        self._is_over = True
        aclose = getattr(self._events, "aclose", None)
        if aclose is not None:
            await aclose()


def compile_rpc_stream(
    operation: OperationModel, bodies: EventBodies
) -> Callable[[dict[str, Any]], AsyncIterator[bytes]]:
    """The body of an RPC protocol's streamed answer: an `initial-response` with the other members, then the
    events."""
    output = operation.output_shape
    stream_name = output.event_stream_name
    write_events = compile_stream(output.members[stream_name], bodies)
    write_rest = bodies.members_writer(output, [name for name in output.members if name != stream_name])

    async def body(result: dict[str, Any]) -> AsyncIterator[bytes]:
        yield encode_message(_event_headers("initial-response", bodies.content_type), write_rest(result))
        async for message in write_events(result[stream_name]):
            yield message

    return body


def _event_headers(event_type: str, content_type: str | None) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {":event-type": event_type}
    if content_type is not None:
        headers[":content-type"] = content_type
    return headers | {":message-type": "event"}


def _compile_event(name: str, shape: StructureShape, bodies: EventBodies) -> Callable[[dict[str, Any]], bytes]:
    """An event's members marked as headers become headers; one marked as payload is the payload, else the others
    are."""
    header_names = [n for n, member in shape.members.items() if member.serialization.get("eventheader")]
    write_payload, payload_type = _event_payload(shape, header_names, bodies)
    fixed = _event_headers(name, payload_type)

    def write(event: dict[str, Any]) -> bytes:
        named = {n: event[n] for n in header_names if event.get(n) is not None}
        return encode_message({**fixed, **named}, write_payload(event))

    return write


def _event_payload(
    shape: StructureShape, header_names: list[str], bodies: EventBodies
) -> tuple[Callable[[dict[str, Any]], bytes], str | None]:
    """The payload's writer and its content type."""
    name = next((n for n, member in shape.members.items() if member.serialization.get("eventpayload")), None)
    if name is None:
        body_names = [n for n in shape.members if n not in header_names]
        return (bodies.members_writer(shape, body_names), bodies.content_type) if body_names else (_no_payload, None)
    member = shape.members[name]
    match member.type_name:
        case "blob":
            return lambda event: event.get(name) or b"", "application/octet-stream"
        case "string":
            return lambda event: (event.get(name) or "").encode(), "text/plain"
        case _:
            write = bodies.payload_writer(member)
            return lambda event: write(event.get(name) or {}), bodies.content_type


def _no_payload(event: dict[str, Any]) -> bytes:
    return b""


def _exception(error: ApiError, shape: StructureShape, bodies: EventBodies) -> bytes:
    """A modelled exception is a member of the event union, found by its shape; any other is an unmodelled error."""
    name = next((name for name, member in shape.members.items() if member.name == error.code), None)
    if name is None:
        unmodelled = {":error-code": error.code, ":error-message": error.message or "", ":message-type": "error"}
        return encode_message(unmodelled, b"")
    member = shape.members[name]
    text_name = next((n for n in member.members if n.lower() == "message"), "message")
    body = bodies.members_writer(member, list(member.members))({text_name: error.message, **error.members})
    headers = {":exception-type": name, ":content-type": bodies.content_type, ":message-type": "exception"}
    return encode_message(headers, body)
