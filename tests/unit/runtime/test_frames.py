"""The framed log channel: records of a client, and bytes of anybody else."""

import os
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.runtime.frames import BELIEVED_MS, Frames

NOW_MS = 1_800_000_000_000
TEXT_ERROR, JSON_INFO = 0xA55A0017, 0xA55A000E


def frame(text: bytes, kind: int = TEXT_ERROR, at_ms: int = NOW_MS - 5) -> bytes:
    return struct.pack(">IIQ", kind, len(text), at_ms * 1000) + text


class Channel:
    def __init__(self, record_bytes: int = 1000) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        self.got: list[tuple[str, int]] = []
        self.frames = Frames(
            self.reading, lambda text, at_ms: self.got.append((text, at_ms)), lambda: NOW_MS, record_bytes
        )

    def write(self, data: bytes) -> list[str]:
        os.write(self.writing, data)
        self.frames.drain()
        return [text for text, _ in self.got]

    def close(self) -> None:
        os.close(self.reading)
        os.close(self.writing)


@pytest.fixture
def channel() -> Iterator[Channel]:
    made = Channel()
    yield made
    made.close()


def test_a_record_of_several_lines_is_one_event_with_its_own_time(channel: Channel) -> None:
    channel.write(frame(b"Traceback\n  File\nValueError: \xc3\xa4") + frame(b'{"a": 1}', JSON_INFO))
    assert channel.got == [("Traceback\n  File\nValueError: \u00e4", NOW_MS - 5), ('{"a": 1}', NOW_MS - 5)]


def test_a_frame_may_arrive_byte_by_byte(channel: Channel) -> None:
    for byte in frame(b"one") + frame(b"two"):
        channel.write(bytes([byte]))
    assert [text for text, _ in channel.got] == ["one", "two"]


def test_a_frame_of_an_older_client_has_no_time(channel: Channel) -> None:
    channel.write(struct.pack(">II", 0xA55A0001, 3) + b"old" + frame(b"new"))
    assert channel.got == [("old", NOW_MS), ("new", NOW_MS - 5)]


@pytest.mark.parametrize("at_ms", [0, NOW_MS - BELIEVED_MS, NOW_MS + BELIEVED_MS, 2**64 // 1000 - 1])
def test_a_time_far_from_now_is_not_believed(channel: Channel, at_ms: int) -> None:
    channel.write(frame(b"x", at_ms=at_ms))
    assert channel.got == [("x", NOW_MS)]


def test_what_is_no_frame_is_skipped_up_to_the_next_one(channel: Channel) -> None:
    assert channel.write(b"nonsense that is longer than a head" + frame(b"real")) == ["real"]
    assert channel.write(b"\xa5\x5a\x00\x99" + bytes(20) + frame(b"again")) == ["real", "again"]


def test_an_endless_record_becomes_events_of_the_greatest_length(channel: Channel) -> None:
    head = struct.pack(">IIQ", TEXT_ERROR, 0xFFFFFFFF, NOW_MS * 1000)
    assert channel.write(head + b"x" * 2500) == ["x" * 1000, "x" * 1000]
    channel.frames.finish()
    assert [text for text, _ in channel.got] == ["x" * 1000, "x" * 1000, "x" * 500]
    assert channel.write(frame(b"next"))[-1] == "next"


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_bytes_break_it_or_make_it_keep_more_than_a_record(pieces: list[bytes]) -> None:
    channel = Channel(record_bytes=100)
    for piece in pieces:
        channel.write(piece)
        assert channel.frames.waiting_bytes <= 100
    channel.frames.finish()
    assert channel.write(frame(b"end"))[-1] == "end"
    channel.close()
