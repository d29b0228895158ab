"""Log events packed into chunks."""

from hypothesis import given
from hypothesis import strategies as st

from ramuda.telemetry import chunks

events_of_any_kind = st.lists(
    st.tuples(st.integers(0, 10 * chunks.SPAN_MS), st.text(max_size=300)), min_size=1, max_size=40
)


@given(events_of_any_kind)
def test_events_come_back_in_the_order_of_their_times(events: list[tuple[int, str]]) -> None:
    made = list(chunks.split(events))
    read = [event for chunk in made for event in chunks.decode(chunk.first_ms, chunk.events)]
    assert read == sorted(events, key=lambda event: event[0])


@given(events_of_any_kind)
def test_no_chunk_is_longer_than_the_span(events: list[tuple[int, str]]) -> None:
    for chunk in chunks.split(events):
        times = [at_ms for at_ms, _ in chunks.decode(chunk.first_ms, chunk.events)]
        assert (chunk.first_ms, chunk.last_ms) == (times[0], times[-1])
        assert chunk.last_ms - chunk.first_ms < chunks.SPAN_MS


def test_no_events_make_no_chunk() -> None:
    assert list(chunks.split([])) == []


def test_lines_that_are_alike_take_little_room() -> None:
    (chunk,) = chunks.split([(i, f"START RequestId: {i} Version: $LATEST\n") for i in range(1000)])
    assert len(chunk.events) * 4 < chunk.stored_bytes


def test_a_lone_surrogate_is_stored_as_a_question_mark() -> None:
    (chunk,) = chunks.split([(5, "bad \ud800 text"), (6, "good ü")])
    assert chunks.decode(5, chunk.events) == [(5, "bad ? text"), (6, "good ü")]
