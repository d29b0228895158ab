"""The framed log channel: log records of several lines that a runtime's client writes whole, with time and level.

A frame is a type (4 bytes, big-endian; the low byte is the level), a length (4), microseconds since the epoch (8) and a
text. The function can write to this pipe as well: a frame may be false, endless or cut off. What is not a frame is
searched for the beginning of one, an event has the length that log events have, and a time far from now is not
believed.

Source: awslambdaric's and aws-lambda-ric's `_LAMBDA_TELEMETRY_LOG_FD`."""

import struct
from collections.abc import Callable

from ramuda.runtime.pipe_reader import PipeReader

MAGIC = b"\xa5\x5a\x00"
TEXT_TYPES = (0x03, 0x07, 0x0B, 0x0F, 0x13, 0x17, 0x1B)
"""NOTSET, TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL; a JSON record's are one less."""
HEAD = struct.Struct(">IIQ")
FORMER_TYPE, FORMER_HEAD_BYTES = 0xA55A0001, 8
"""Older clients write no time."""
BELIEVED_MS = 60_000

Write = Callable[[str, int], None]
"""Text of an event, and when it was written, in milliseconds since the epoch."""


class Frames(PipeReader):
    """Reads the pipe `fd` (non-blocking) and gives each record's text and time to `write`."""

    def __init__(self, fd: int, write: Write, now_ms: Callable[[], int], record_bytes: int) -> None:
        super().__init__(fd)
        self._write = write
        self._now_ms = now_ms
        self._record_bytes = record_bytes
        self._rest = b""
        self._missing_bytes = 0
        self._at_ms = 0

    @property
    def waiting_bytes(self) -> int:
        """Of a record that is not complete."""
        return len(self._rest)

    def finish(self) -> None:
        """Takes everything; a record that was cut off counts as one, and the next begins with its head."""
        self.drain()
        if self._missing_bytes and self._rest:
            self._emit(self._rest)
        self._rest, self._missing_bytes = b"", 0

    def _take(self, data: bytes) -> None:
        self._rest += data
        at = 0
        while (after := self._take_next(at)) is not None:
            at = after
        self._rest = self._rest[at:]

    def _take_next(self, at: int) -> int | None:
        """Takes what stands at this place; the place after it, None when more has to come."""
        return self._take_text(at) if self._missing_bytes else self._take_head(at)

    def _take_head(self, at: int) -> int | None:
        if len(self._rest) - at < HEAD.size:
            return None
        kind, length, at_us = HEAD.unpack_from(self._rest, at)
        low = kind & 0xFF
        if kind == FORMER_TYPE:
            self._missing_bytes, self._at_ms = length, self._now_ms()
            return at + FORMER_HEAD_BYTES
        if kind >> 8 != 0xA55A00 or (low not in TEXT_TYPES and low + 1 not in TEXT_TYPES):
            return self._next_magic(at + 1)
        now_ms = self._now_ms()
        self._at_ms = at_us // 1000 if abs(at_us // 1000 - now_ms) < BELIEVED_MS else now_ms
        self._missing_bytes = length
        return at + HEAD.size

    def _next_magic(self, begin: int) -> int:
        """Where a frame may begin, at the latest where its first bytes may be the last ones here."""
        found = self._rest.find(MAGIC, begin)
        return found if found >= 0 else max(len(self._rest) - len(MAGIC) + 1, begin)

    def _take_text(self, at: int) -> int | None:
        wanted = min(self._missing_bytes, self._record_bytes)
        if len(self._rest) - at < wanted:
            return None
        self._missing_bytes -= wanted
        self._emit(self._rest[at : at + wanted])
        return at + wanted

    def _emit(self, text: bytes) -> None:
        self._write(text.decode("utf-8", "replace"), self._at_ms)
