"""Many log events as few rows: what one stream received at once is one chunk, compressed.

A chunk holds events in the order of their times and spans at most `SPAN_MS`, so that the chunks that may hold an
event of a given time are found by an index on where they begin. A chunk never changes: an event's place in it is part
of the event's id."""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

SPAN_MS = 3_600_000
EVENT_OVERHEAD_BYTES = 26
"""What AWS adds to each event's UTF-8 length:
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""
_COMPRESS_FROM_BYTES = 256
_PLAIN, _DEFLATED = b"\0", b"\1"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[int], list[str]]).decode


class Chunk(NamedTuple):
    """Events to store. `stored_bytes` is what AWS would count, about: lengths are taken from the encoded form."""

    first_ms: int
    last_ms: int
    stored_bytes: int
    events: bytes


def split(events: list[tuple[int, str]]) -> Iterator[Chunk]:
    """Chunks of `events`, which may be in any order; those of the same time stay in the order given."""
    ordered = sorted(events, key=_time_of)
    while ordered:
        until_ms = ordered[0][0] + SPAN_MS
        if ordered[-1][0] < until_ms:
            yield _chunk(ordered)
            return
        cut = next(index for index, event in enumerate(ordered) if event[0] >= until_ms)
        yield _chunk(ordered[:cut])
        ordered = ordered[cut:]


def decode(first_ms: int, events: bytes) -> list[tuple[int, str]]:
    """The events of a chunk that begins at `first_ms`."""
    kind, body = events[:1], events[1:]
    offsets, messages = _decode(zlib.decompress(body) if kind == _DEFLATED else body)
    return [(first_ms + offset, message) for offset, message in zip(offsets, messages, strict=True)]


def _chunk(events: list[tuple[int, str]]) -> Chunk:
    first_ms = events[0][0]
    body = _encoded([at_ms - first_ms for at_ms, _ in events], [message for _, message in events])
    stored_bytes = len(body) + EVENT_OVERHEAD_BYTES * len(events)
    packed = _PLAIN + body if len(body) < _COMPRESS_FROM_BYTES else _DEFLATED + zlib.compress(body, 1)
    return Chunk(first_ms, events[-1][0], stored_bytes, packed)


def _encoded(offsets: list[int], messages: list[str]) -> bytes:
    try:
        return _encode((offsets, messages))
    except UnicodeEncodeError:  # a lone surrogate, which has no UTF-8 form: shown as a question mark
        return _encode((offsets, [message.encode("utf-8", "replace").decode() for message in messages]))


def _time_of(event: tuple[int, str]) -> int:
    return event[0]
