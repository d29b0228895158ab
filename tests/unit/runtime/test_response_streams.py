"""A streamed response between a runtime that writes and a caller that reads: limits, pace, and giving up."""

import asyncio
from base64 import b64encode
from typing import cast

import pytest

from ramuda.kernel import limits
from ramuda.runtime.api.bodies import STREAM_BUFFER_BYTES, ResponseStream, StreamLimits
from ramuda.runtime.api.connection import Exchange
from ramuda.testing import ManualClock

TOO_LARGE = (
    "Function.ResponseSizeTooLarge",
    "Response payload size exceeded maximum allowed payload size (10 bytes).",
)
DONE = 202


class FakeExchange:
    """The runtime's request: whether it is held back, and how it was answered."""

    def __init__(self) -> None:
        self.is_held = False
        self.holds = 0
        self.replies: list[int] = []

    def hold(self) -> None:
        self.is_held = True
        self.holds += 1

    def release(self) -> None:
        self.is_held = False

    def reply(self, status: int, body: bytes = b"") -> None:
        self.replies.append(status)


def stream(exchange: FakeExchange, stream_limits: StreamLimits | None = None) -> ResponseStream:
    return ResponseStream(cast(Exchange, exchange), "text/plain", stream_limits or StreamLimits())


async def test_the_first_byte_is_read_before_the_last_is_written() -> None:
    written = stream(FakeExchange())
    reading = asyncio.ensure_future(anext(written))
    await asyncio.sleep(0)
    written.feed(b"first")
    assert await reading == b"first"
    assert written.outcome.error is None


async def test_it_ends_when_the_body_and_the_invocation_have() -> None:
    exchange = FakeExchange()
    written = stream(exchange)
    written.feed(b"all")
    written.end({})
    assert await anext(written) == b"all"
    reading = asyncio.ensure_future(anext(written))
    await asyncio.sleep(0)
    assert not reading.done()
    written.finish()
    with pytest.raises(StopAsyncIteration):
        await reading
    assert exchange.replies == [DONE]


async def test_a_slow_reader_holds_the_runtime_back_and_memory_stays_bounded() -> None:
    exchange = FakeExchange()
    written = stream(exchange)
    piece = b"x" * 65_536
    fed = 0
    while not exchange.is_held:  # a runtime stops when it is held
        written.feed(piece)
        fed += len(piece)
    assert STREAM_BUFFER_BYTES < fed <= STREAM_BUFFER_BYTES + len(piece)
    for _ in range(2):
        await anext(written)
    assert exchange.is_held
    await anext(written)
    assert not exchange.is_held


async def test_what_is_over_the_limit_ends_the_stream_there() -> None:
    written = stream(FakeExchange(), StreamLimits(bytes_max=10))
    written.feed(b"123456")
    written.feed(b"789012")
    written.feed(b"more")
    assert [piece async for piece in written] == [b"123456", b"7890"]
    assert written.outcome.error == TOO_LARGE


async def test_a_reader_who_wants_the_log_waits_for_it_at_the_limit_too() -> None:
    written = stream(FakeExchange(), StreamLimits(bytes_max=10))
    written.waits_for_log = True
    written.feed(b"12345678901")
    assert await anext(written) == b"1234567890"
    reading = asyncio.ensure_future(anext(written))
    await asyncio.sleep(0)
    assert not reading.done()
    written.end({})
    written.finish()
    with pytest.raises(StopAsyncIteration):
        await reading
    assert written.outcome.error == TOO_LARGE


async def test_the_limit_itself_is_allowed() -> None:
    written = stream(FakeExchange(), StreamLimits(bytes_max=10))
    written.feed(b"1234567890")
    written.end({})
    written.finish()
    assert [piece async for piece in written] == [b"1234567890"]
    assert written.outcome.error is None


async def test_two_hundred_megabytes_pass_and_one_byte_more_does_not() -> None:
    exchange = FakeExchange()
    written = stream(exchange)
    piece = bytes(limits.MIB)
    for _ in range(200):
        written.feed(piece)
        assert await anext(written) is piece
    written.feed(b"!")
    with pytest.raises(StopAsyncIteration):
        await anext(written)
    assert written.size_bytes == 200 * limits.MIB + 1
    assert written.outcome.error is not None
    assert "(209715200 bytes)" in written.outcome.error[1]


async def test_by_default_no_bandwidth_is_kept() -> None:
    clock = ManualClock()
    written = stream(FakeExchange(), StreamLimits(clock=clock, burst_bytes=1))
    for _ in range(3):
        written.feed(b"x" * 100)
        assert len(await anext(written)) == 100


async def test_after_the_burst_pieces_come_at_the_bandwidth() -> None:
    clock = ManualClock()
    written = stream(FakeExchange(), StreamLimits(bytes_per_s=100.0, burst_bytes=200, clock=clock))
    for _ in range(5):
        written.feed(b"x" * 100)
    for _ in range(3):  # the burst, and the first piece after it
        assert await asyncio.wait_for(anext(written), 1)
    for _ in range(2):
        reading = asyncio.ensure_future(anext(written))
        await clock.advance(0.99)
        assert not reading.done()
        await clock.advance(0.01)
        assert await reading == b"x" * 100


async def test_a_caller_who_gives_up_does_not_stop_the_function() -> None:
    exchange = FakeExchange()
    written = stream(exchange)
    while not exchange.is_held:
        written.feed(b"x" * 65_536)
    await written.aclose()
    assert not exchange.is_held
    for _ in range(100):
        written.feed(b"x" * 65_536)
    written.end({})
    assert (exchange.holds, exchange.replies) == (1, [DONE])
    with pytest.raises(StopAsyncIteration):
        await anext(written)


async def test_an_error_in_the_trailers_is_the_streams() -> None:
    written = stream(FakeExchange())
    written.feed(b"one")
    body = b'{"errorType":"E"}'
    written.end(
        {
            b"lambda-runtime-function-error-type": b"Runtime.E",
            b"lambda-runtime-function-error-body": b64encode(body),
        }
    )
    written.finish()
    assert [piece async for piece in written] == [b"one"]
    assert written.outcome.error == ("Runtime.E", body.decode())


async def test_a_connection_that_breaks_truncates_the_stream() -> None:
    written = stream(FakeExchange())
    written.feed(b"one")
    written.abort()
    written.finish(("Runtime.ExitError", "{}"))
    assert [piece async for piece in written] == [b"one"]
    assert written.outcome.error == ("Runtime.TruncatedResponse", "Response stream was truncated")


async def test_a_time_out_in_the_middle_is_the_streams_error() -> None:
    written = stream(FakeExchange())
    written.feed(b"one")
    written.finish(("Sandbox.Timedout", "{}"))
    assert [piece async for piece in written] == [b"one"]
    assert written.outcome.error == ("Sandbox.Timedout", "{}")
