"""Reading events across chunks, from either end, against a plain sorted list."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ramuda.kernel.errors import RamudaError
from ramuda.telemetry import Telemetry, log_reading
from ramuda.telemetry.log_reading import EventPage, EventQuery, PageLimits
from ramuda.telemetry.model import GroupMissing, GroupRef, LogEvent, LogGroup, StreamMissing

GROUP = GroupRef("111111111111", "eu-west-1", "/g")
WIDE = PageLimits(events=10_000, answer_bytes=1 << 30, scan_bytes=1 << 30)
HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def few_chunks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "_CHUNKS_AT_ONCE", 2)


async def make_group(telemetry: Telemetry, *streams: str) -> None:
    await telemetry.logs.create_group(LogGroup(ref=GROUP, created_ms=0))
    for stream in streams:
        await telemetry.logs.create_stream(GROUP, stream)


async def pages(telemetry: Telemetry, query: EventQuery, limits: PageLimits) -> list[EventPage]:
    """Page after page until there is none."""
    found = []
    while True:
        page = await telemetry.logs.events(query, limits)
        found.append(page)
        if page.stopped_at is None:
            return found
        query = replace(query, **{"before" if query.newest_first else "after": page.stopped_at})


def texts(found: list[EventPage]) -> list[str]:
    return [event.message for page in found for event in page.events]


batches = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.lists(st.integers(0, 5 * HOUR_MS), min_size=1, max_size=6)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches, st.integers(1, 7), st.booleans(), st.sampled_from([None, ("a",), ("b",), ("a", "b")]))
async def test_pages_together_are_all_events_in_order(
    telemetry: Telemetry,
    batches: list[tuple[str, list[int]]],
    page_size: int,
    newest_first: bool,
    streams: tuple[str, ...] | None,
) -> None:
    await make_group(telemetry, "a", "b")
    for number, (stream, times) in enumerate(batches):
        await telemetry.logs.put(GROUP, stream, [(at_ms, f"{number}") for at_ms in times])
    query = EventQuery(group=GROUP, streams=streams, newest_first=newest_first)
    found = await pages(telemetry, query, replace(WIDE, events=page_size))
    await telemetry.logs.delete_group(GROUP)
    events = [event for page in found for event in page.events]
    written = [
        (at_ms, stream, f"{number}")
        for number, (stream, times) in enumerate(batches)
        for at_ms in times
        if streams is None or stream in streams
    ]
    shown = [(event.position.at_ms, event.stream, event.message) for event in events]
    assert sorted(shown) == sorted(written)
    positions = [event.position for event in events]
    assert positions == sorted(set(positions), reverse=newest_first)
    assert all(len(page.events) <= page_size for page in found)


async def test_events_of_the_same_time_come_in_the_order_of_their_arrival(telemetry: Telemetry) -> None:
    await make_group(telemetry, "a", "b")
    for number in range(6):
        await telemetry.logs.put(GROUP, "ab"[number % 2], [(1_000, f"{number}.0"), (1_000, f"{number}.1")])
    found = await pages(telemetry, EventQuery(group=GROUP), replace(WIDE, events=5))
    assert texts(found) == [f"{number}.{place}" for number in range(6) for place in range(2)]


async def test_start_is_included_and_end_is_not(telemetry: Telemetry) -> None:
    await make_group(telemetry, "a")
    await telemetry.logs.put(GROUP, "a", [(at_ms, f"{at_ms}") for at_ms in (999, 1_000, 1_999, 2_000)])
    for newest_first in (False, True):
        query = EventQuery(group=GROUP, start_ms=1_000, end_ms=2_000, newest_first=newest_first)
        assert sorted(texts(await pages(telemetry, query, WIDE))) == ["1000", "1999"]


async def test_a_long_chunk_that_begins_before_the_start_is_found(telemetry: Telemetry) -> None:
    await make_group(telemetry, "a")
    await telemetry.logs.put(GROUP, "a", [(10, "early"), (HOUR_MS + 9, "late")])
    assert texts(await pages(telemetry, EventQuery(group=GROUP, start_ms=HOUR_MS), WIDE)) == ["late"]


async def test_streams_are_chosen_by_name_or_prefix(telemetry: Telemetry) -> None:
    await make_group(telemetry, "x/1", "x/2", "y")
    for stream in ("x/1", "x/2", "y"):
        await telemetry.logs.put(GROUP, stream, [(1, stream)])

    async def of(**choice: object) -> list[str]:
        return texts(await pages(telemetry, replace(EventQuery(group=GROUP), **choice), WIDE))

    assert await of(streams=("y", "x/1")) == ["x/1", "y"]
    assert await of(stream_prefix="x/") == ["x/1", "x/2"]
    assert await of(stream_prefix="z") == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (EventQuery(group=GroupRef("1", "r", "other")), GroupMissing),
        (EventQuery(group=GROUP, streams=("a", "other")), StreamMissing),
    ],
)
async def test_what_is_not_there_is_said(telemetry: Telemetry, query: EventQuery, error: type[RamudaError]) -> None:
    await make_group(telemetry, "a")
    with pytest.raises(error):
        await telemetry.logs.events(query, WIDE)


async def test_a_page_ends_before_its_bytes_are_too_many(telemetry: Telemetry) -> None:
    await make_group(telemetry, "a")
    await telemetry.logs.put(GROUP, "a", [(at_ms, "é" * 37) for at_ms in range(5)])  # 74 + 26 bytes each
    found = await pages(telemetry, EventQuery(group=GROUP), replace(WIDE, answer_bytes=250))
    assert [len(page.events) for page in found] == [2, 2, 1]


async def test_an_event_larger_than_a_page_still_comes(telemetry: Telemetry) -> None:
    await make_group(telemetry, "a")
    await telemetry.logs.put(GROUP, "a", [(1, "x" * 500), (2, "y" * 500)])
    found = await pages(telemetry, EventQuery(group=GROUP), replace(WIDE, answer_bytes=100))
    assert [len(page.events) for page in found] == [1, 1]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_search_that_finds_little_answers_before_it_has_seen_everything(
    telemetry: Telemetry, newest_first: bool
) -> None:
    await make_group(telemetry, "a")
    for begin in range(0, 100, 5):
        await telemetry.logs.put(GROUP, "a", [(begin + at_ms, f"line {begin + at_ms:04}" * 10) for at_ms in range(5)])
    query, found, turns = EventQuery(group=GROUP, newest_first=newest_first), list[LogEvent](), 0
    while True:
        page = await telemetry.logs.events(query, replace(WIDE, scan_bytes=2_000), lambda text: text[8] in "37")
        found += page.events
        turns += 1
        if page.stopped_at is None:
            break
        query = replace(query, **{"before" if newest_first else "after": page.stopped_at})
    expected = [number for number in range(100) if number % 10 in (3, 7)]
    assert [event.position.at_ms for event in found] == (expected[::-1] if newest_first else expected)
    assert 3 < turns < 12


async def test_a_search_gets_on_where_many_chunks_begin_at_the_same_time(telemetry: Telemetry) -> None:
    await make_group(telemetry, "a")
    for number in range(10):
        await telemetry.logs.put(GROUP, "a", [(1, f"{number}" * 100), (2, "x")])
    limits = replace(WIDE, scan_bytes=1)
    assert len(texts(await pages(telemetry, EventQuery(group=GROUP), limits))) == 20
