"""From the recorder into the database: what is flushed when, and what a failing disk does to it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.database import Transaction
from ramuda.storage.sqlite import SqliteDatabase
from ramuda.telemetry import Options, Telemetry
from ramuda.telemetry.flusher import Flusher
from ramuda.telemetry.log_reading import EventQuery, PageLimits
from ramuda.telemetry.metrics import MetricQuery
from ramuda.telemetry.model import GroupMissing, GroupRef
from ramuda.telemetry.recorder import BufferedRecorder
from ramuda.testing import ManualClock

T = TypeVar("T")
GROUP = GroupRef("111111111111", "eu-west-1", "/aws/lambda/f")
ALL = PageLimits(events=10_000, answer_bytes=1 << 20, scan_bytes=1 << 24)


class FailingDatabase:
    """A database whose writes fail, after having been performed and rolled back, while `failing` is set."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self.failing = False
        self.writes = 0

    async def write(self, work: Callable[[Transaction], T]) -> T:
        self.writes += 1

        def perform(tx: Transaction) -> T:
            result = work(tx)
            if self.failing:
                raise PortError("disk full")
            return result

        return await self._database.write(perform)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._database.read(work)

    async def close(self) -> None:
        await self._database.close()


async def messages(telemetry: Telemetry, group: GroupRef = GROUP) -> list[tuple[str, int, str]]:
    page = await telemetry.logs.events(EventQuery(group=group), ALL)
    return [(event.stream, event.position.at_ms, event.message) for event in page.events]


async def minute(telemetry: Telemetry, start_s: float, period_s: int = 60) -> dict[str, dict[int, tuple[float, float]]]:
    """Count and sum of the metric `Errors` from a minute on, by unit and period."""
    query = MetricQuery("1", "r", "N", "Errors", (("A", "1"), ("B", "2")), period_s, int(start_s), int(start_s) + 600)
    found = await telemetry.metrics.statistics(query)
    return {unit: {at: (one.count, one.sum) for at, one in points.items()} for unit, points in found.items()}


async def test_a_read_sees_what_was_written_just_before(telemetry: Telemetry) -> None:
    stream = telemetry.recorder.open_stream(*GROUP, "s1")
    stream.write(1_000, "one")
    stream.write(2_000, "two")
    assert await messages(telemetry) == [("s1", 1_000, "one"), ("s1", 2_000, "two")]
    stream.write(3_000, "three")
    assert len(await messages(telemetry)) == 3


async def test_opening_a_stream_makes_group_and_stream_before_any_event(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    telemetry.recorder.open_stream(*GROUP, "s1")
    group = await telemetry.logs.group(GROUP)
    assert (group.ref, group.created_ms, group.retention_days) == (GROUP, int(clock.time() * 1000), None)
    assert await messages(telemetry) == []


async def test_the_same_stream_opened_twice_is_one(telemetry: Telemetry) -> None:
    telemetry.recorder.open_stream(*GROUP, "s1").write(1, "a")
    telemetry.recorder.open_stream(*GROUP, "s1").write(2, "b")
    assert await messages(telemetry) == [("s1", 1, "a"), ("s1", 2, "b")]


async def test_what_was_written_before_closing_stays_and_the_recorder_forgets_the_stream(telemetry: Telemetry) -> None:
    stream = telemetry.recorder.open_stream(*GROUP, "s1")
    stream.write(1, "last")
    stream.close()
    assert await messages(telemetry) == [("s1", 1, "last")]
    assert telemetry.recorder.open_stream(*GROUP, "s1") is not stream


async def test_groups_of_other_accounts_and_regions_are_apart(telemetry: Telemetry) -> None:
    places = [("1", "a"), ("1", "b"), ("2", "a")]
    for account, region in places:
        telemetry.recorder.open_stream(account, region, "/g", "s").write(1, f"{account}{region}")
    found = [await messages(telemetry, GroupRef(account, region, "/g")) for account, region in places]
    assert found == [[("s", 1, "1a")], [("s", 1, "1b")], [("s", 1, "2a")]]


async def test_a_group_deleted_under_an_open_stream_comes_back_with_what_is_written_later(telemetry: Telemetry) -> None:
    stream = telemetry.recorder.open_stream(*GROUP, "s1")
    stream.write(1, "before")
    await telemetry.logs.delete_group(GROUP)
    with pytest.raises(GroupMissing):
        await telemetry.logs.group(GROUP)
    stream.write(2, "after")
    assert await messages(telemetry) == [("s1", 2, "after")]


async def test_what_was_recorded_reaches_the_disk_within_half_a_second(
    database: SqliteDatabase, clock: ManualClock
) -> None:
    counted, recorder = FailingDatabase(database), BufferedRecorder(clock)
    flusher = Flusher(recorder, counted, clock, Options())
    running = asyncio.ensure_future(flusher.run())
    recorder.open_stream(*GROUP, "s1").write(1, "one")
    await clock.advance(0.49)
    writes_before = counted.writes
    await clock.advance(0.02)
    assert (writes_before, counted.writes) == (0, 1)
    running.cancel()
    await flusher.finish()
    assert await messages(Telemetry(database, clock)) == [("s1", 1, "one")]


async def test_a_running_telemetry_flushes_and_sweeps_until_it_is_stopped(
    telemetry: Telemetry, clock: ManualClock
) -> None:
    await telemetry.start()
    telemetry.recorder.open_stream(*GROUP, "s1").write(1, "one")
    while telemetry.recorder.is_dirty:
        await clock.advance(0.1)
    await telemetry.stop()
    assert await messages(telemetry) == [("s1", 1, "one")]


async def test_stopping_writes_what_is_left(database: SqliteDatabase, clock: ManualClock) -> None:
    first = Telemetry(database, clock)
    await first.start()
    first.recorder.open_stream(*GROUP, "s1").write(1, "one")
    first.recorder.series("1", "r", "N", "Errors", (("A", "1"), ("B", "2")), "Count").add(1.0, 600.0)
    await first.stop()
    await first.stop()
    second = Telemetry(database, clock)
    assert await messages(second) == [("s1", 1, "one")]
    assert await minute(second, 600) == {"Count": {600: (1, 1.0)}}


async def test_nothing_is_lost_or_doubled_while_the_disk_is_full(database: SqliteDatabase, clock: ManualClock) -> None:
    failing = FailingDatabase(database)
    telemetry = Telemetry(failing, clock)
    stream = telemetry.recorder.open_stream(*GROUP, "s1")
    series = telemetry.recorder.series("1", "r", "N", "Errors", (("A", "1"), ("B", "2")), "Count")
    failing.failing = True
    for turn in range(3):
        stream.write(turn, f"message {turn}")
        series.add(1.0, 600.0)
        with pytest.raises(PortError, match="disk full"):
            await messages(telemetry)
    # A number that was taken in the failed transaction goes to somebody else meanwhile.
    await database.write(
        lambda tx: tx.execute(
            "INSERT INTO log_groups (account, region, name, created_ms, record) VALUES ('x', 'x', 'x', 0, '{}')"
        )
    )
    failing.failing = False
    assert await messages(telemetry) == [("s1", turn, f"message {turn}") for turn in range(3)]
    assert await minute(telemetry, 600) == {"Count": {600: (3, 3.0)}}


async def test_beyond_the_limit_the_oldest_events_are_given_up(
    database: SqliteDatabase, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    failing = FailingDatabase(database)
    telemetry = Telemetry(failing, clock, Options(unwritten_events_max=5))
    stream = telemetry.recorder.open_stream(*GROUP, "s1")
    failing.failing = True
    for turn in range(4):
        for event in range(2):
            stream.write(turn, f"{turn}.{event}")
        with pytest.raises(PortError):
            await messages(telemetry)
    failing.failing = False
    assert [message for _, _, message in await messages(telemetry)] == ["2.0", "2.1", "3.0", "3.1"]
    assert [record.message for record in caplog.records] == ["telemetry.events_dropped"] * 2


async def test_a_reader_that_gives_up_does_not_break_the_flush(telemetry: Telemetry) -> None:
    telemetry.recorder.open_stream(*GROUP, "s1").write(1, "one")
    reader = asyncio.ensure_future(messages(telemetry))
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await messages(telemetry) == [("s1", 1, "one")]


async def test_samples_of_a_minute_become_one_point_over_flushes_and_restarts(
    database: SqliteDatabase, clock: ManualClock
) -> None:
    for _ in range(2):
        telemetry = Telemetry(database, clock)
        series = telemetry.recorder.series("1", "r", "N", "Errors", (("B", "2"), ("A", "1")), "Count")
        for _ in range(2):
            series.add(1.0, 660.0)
            series.add(2.0, 719.999)
            await telemetry.stop()
    assert await minute(telemetry, 600) == {"Count": {660: (8, 12.0)}}


async def test_each_minute_is_its_own_point_also_when_samples_come_late(telemetry: Telemetry) -> None:
    series = telemetry.recorder.series("1", "r", "N", "Errors", (("A", "1"), ("B", "2")), "Count")
    for at_s in (600, 660, 601, 719, 720, 602):
        series.add(1.0, at_s)
    assert await minute(telemetry, 600) == {"Count": {600: (3, 3.0), 660: (2, 2.0), 720: (1, 1.0)}}
    assert await minute(telemetry, 600, period_s=120) == {"Count": {600: (5, 5.0), 720: (1, 1.0)}}


async def test_the_same_dimensions_in_any_order_are_the_same_series(telemetry: Telemetry) -> None:
    one = telemetry.recorder.series("1", "r", "N", "Errors", (("A", "1"), ("B", "2")), "Count")
    other = telemetry.recorder.series("1", "r", "N", "Errors", (("B", "2"), ("A", "1")), "Count")
    assert one is other


async def test_a_series_without_a_sample_is_not_listed(telemetry: Telemetry) -> None:
    telemetry.recorder.series("1", "r", "N", "Errors", (), "Count")
    telemetry.recorder.series("1", "r", "N", "Calls", (), "Count").add(1.0, 600.0)
    assert [key.name for key in await telemetry.metrics.series("1", "r", since_s=0)] == ["Calls"]
