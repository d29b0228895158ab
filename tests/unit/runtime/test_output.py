"""Output cut into log events."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.runtime.output import Output


class Pipe:
    def __init__(self, line_bytes: int = 1000) -> None:
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        self.events: list[str] = []
        self.output = Output(self.read_end, self.events.append, line_bytes)

    def close(self) -> None:
        os.close(self.read_end)
        if self.write_end >= 0:
            os.close(self.write_end)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def test_every_line_is_an_event_and_an_unfinished_one_waits(pipe: Pipe) -> None:
    os.write(pipe.write_end, b"one\ntwo\nthr")
    pipe.output.drain()
    assert pipe.events == ["one\n", "two\n"]
    os.write(pipe.write_end, b"ee\n")
    pipe.output.finish()
    assert pipe.events == ["one\n", "two\n", "three\n"]


def test_the_end_of_an_invocation_ends_a_line(pipe: Pipe) -> None:
    os.write(pipe.write_end, b"rest")
    pipe.output.finish()
    pipe.output.finish()
    assert pipe.events == ["rest"]


def test_a_flood_is_read_a_turn_at_a_time(pipe: Pipe) -> None:
    os.write(pipe.write_end, b"\n" * 20_000)
    pipe.output.read_some()
    assert len(pipe.events) == 8192
    pipe.output.drain()
    assert len(pipe.events) == 20_000


def test_a_line_over_the_limit_is_split(pipe: Pipe) -> None:
    os.write(pipe.write_end, b"x" * 2500 + b"\nshort\n")
    pipe.output.finish()
    assert [len(event) for event in pipe.events] == [1000, 1000, 501, 6]


def test_bytes_that_are_not_utf8_are_replaced(pipe: Pipe) -> None:
    os.write(pipe.write_end, b"\xff\xfe\n")
    pipe.output.drain()
    assert pipe.events == ["\ufffd\ufffd\n"]


def test_a_closed_pipe_is_noticed(pipe: Pipe) -> None:
    os.write(pipe.write_end, b"last words")
    os.close(pipe.write_end)
    pipe.write_end = -1
    pipe.output.drain()
    pipe.output.drain()
    assert pipe.output.is_closed
    pipe.output.finish()
    assert pipe.events == ["last words"]


def test_a_carriage_return_is_a_newline_within_one_event(pipe: Pipe) -> None:
    os.write(pipe.write_end, b"[ERROR] ValueError: no\rTraceback\r  File\r\n")
    pipe.output.drain()
    assert pipe.events == ["[ERROR] ValueError: no\nTraceback\n  File\n"]


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_nothing_is_lost_however_it_is_cut(pieces: list[bytes]) -> None:
    written = [piece.replace(b"\xff", b"\n").replace(b"\r", b"r") for piece in pieces]
    pipe = Pipe(line_bytes=97)
    try:
        for piece in written:
            os.write(pipe.write_end, piece)
            pipe.output.drain()
        pipe.output.finish()
    finally:
        pipe.close()
    together = b"".join(written)
    assert "".join(pipe.events).count("\n") == together.count(b"\n")
    assert all(len(event) <= 97 for event in pipe.events)
    if together.isascii():
        assert "".join(pipe.events) == together.decode()
