"""What is removed when, and what becomes of old metrics."""

import asyncio

from ramuda.storage.sqlite import SqliteDatabase
from ramuda.telemetry import Options, Telemetry
from ramuda.telemetry.log_reading import EventQuery, PageLimits
from ramuda.telemetry.metrics import MetricQuery, Sample
from ramuda.telemetry.model import GroupRef, LogGroup, SeriesKey, StreamQuery
from ramuda.telemetry.retention import Sweeper
from ramuda.telemetry.statistics import Statistics
from ramuda.testing import ManualClock

DAY_S = 86_400
ALL = PageLimits(events=10_000, answer_bytes=1 << 20, scan_bytes=1 << 24)
KEY = SeriesKey("1", "r", "N", "M", (), "Count")


def query(period_s: int, start_s: int, end_s: int) -> MetricQuery:
    return MetricQuery("1", "r", "N", "M", (), period_s, start_s, end_s)


async def test_events_past_their_groups_retention_are_removed(
    telemetry: Telemetry, database: SqliteDatabase, clock: ManualClock
) -> None:
    now_ms = int(clock.time() * 1000)
    for name, days in (("/kept", None), ("/short", 1), ("/long", 30)):
        group = GroupRef("1", "r", name)
        await telemetry.logs.create_group(LogGroup(ref=group, created_ms=0, retention_days=days))
        await telemetry.logs.create_stream(group, "s")
        await telemetry.logs.put(group, "s", [(now_ms - 2 * DAY_S * 1000, "old")])
        await telemetry.logs.put(group, "s", [(now_ms, "new")])
    await Sweeper(database, clock, Options()).sweep()
    left = {}
    for group in await telemetry.logs.groups("1", "r", limit=10):
        page = await telemetry.logs.events(EventQuery(group=group.ref), ALL)
        left[group.ref.name] = [event.message for event in page.events]
    assert left == {"/kept": ["old", "new"], "/short": ["new"], "/long": ["old", "new"]}


async def test_a_stream_shows_what_the_sweep_left(
    telemetry: Telemetry, database: SqliteDatabase, clock: ManualClock
) -> None:
    now_ms = int(clock.time() * 1000)
    group = GroupRef("1", "r", "/g")
    await telemetry.logs.create_group(LogGroup(ref=group, created_ms=0, retention_days=1))
    await telemetry.logs.create_stream(group, "s")
    await telemetry.logs.put(group, "s", [(now_ms - 2 * DAY_S * 1000, "x" * 1000)])
    await telemetry.logs.put(group, "s", [(now_ms, "new")])
    before = (await telemetry.logs.group(group)).stored_bytes
    await Sweeper(database, clock, Options()).sweep()
    (stream,) = await telemetry.logs.streams(StreamQuery(group=group))
    assert (stream.first_ms, stream.last_ms) == (now_ms, now_ms)
    assert (before > 1000, (await telemetry.logs.group(group)).stored_bytes < 100) == (True, True)


async def test_the_sweep_runs_again_and_again(database: SqliteDatabase, clock: ManualClock) -> None:
    telemetry = Telemetry(database, clock, Options(sweep_interval_s=600))
    group = GroupRef("1", "r", "/g")
    await telemetry.logs.create_group(LogGroup(ref=group, created_ms=0, retention_days=1))
    await telemetry.logs.create_stream(group, "s")
    await telemetry.logs.put(group, "s", [(int(clock.time() * 1000), "old")])
    sweeper = Sweeper(database, clock, Options(sweep_interval_s=600))
    task = asyncio.ensure_future(sweeper.run())
    page = await telemetry.logs.events(EventQuery(group=group), ALL)
    assert len(page.events) == 1
    await clock.advance(DAY_S + 1)
    while page.events:
        await clock.advance(600)
        page = await telemetry.logs.events(EventQuery(group=group), ALL)
    task.cancel()
    assert (await telemetry.logs.group(group)).stored_bytes == 0


async def test_minutes_become_five_minutes_then_hours_then_nothing(
    telemetry: Telemetry, database: SqliteDatabase, clock: ManualClock
) -> None:
    begin_s = int(clock.time()) // 3600 * 3600
    await telemetry.metrics.put(
        Sample(KEY, begin_s + 60 * minute, Statistics.of([float(minute)])) for minute in range(120)
    )
    sweeper = Sweeper(database, clock, Options())
    seen = []
    for days in (14, 16, 64, 456):
        await clock.advance(begin_s + days * DAY_S - clock.time())
        await sweeper.sweep()
        counts = {}
        for period_s in (60, 300, 3600):
            found = await telemetry.metrics.statistics(query(period_s, begin_s, begin_s + 7200))
            counts[period_s] = [one.count for one in found.get("Count", {}).values()]
        seen.append(counts)
    hours = [60.0, 60.0]
    assert seen == [
        {60: [1.0] * 120, 300: [5.0] * 24, 3600: hours},
        {60: [], 300: [5.0] * 24, 3600: hours},
        {60: [], 300: [], 3600: hours},
        {60: [], 300: [], 3600: []},
    ]


async def test_what_was_rolled_up_still_has_its_sum_extremes_and_percentiles(
    telemetry: Telemetry, database: SqliteDatabase, clock: ManualClock
) -> None:
    begin_s = int(clock.time()) // 3600 * 3600
    await telemetry.metrics.put(Sample(KEY, begin_s + 60 * m, Statistics.of([float(m)])) for m in range(60))
    await clock.advance(70 * DAY_S)
    await Sweeper(database, clock, Options()).sweep()
    found = await telemetry.metrics.statistics(query(3600, begin_s, begin_s + 3600))
    hour = found["Count"][begin_s]
    assert (hour.count, hour.sum, hour.minimum, hour.maximum, hour.percentile(50)) == (60, 1770.0, 0.0, 59.0, 29.0)


async def test_seconds_are_kept_for_three_hours(
    telemetry: Telemetry, database: SqliteDatabase, clock: ManualClock
) -> None:
    at_s = int(clock.time())
    await telemetry.metrics.put([Sample(KEY, at_s, Statistics.of([1.0]), high_resolution=True)])
    sweeper = Sweeper(database, clock, Options())
    seen = []
    for _ in range(2):
        await sweeper.sweep()
        found = await telemetry.metrics.statistics(query(1, at_s, at_s + 1))
        seen.append([one.count for one in found.get("Count", {}).values()])
        await clock.advance(3 * 3600 + 1)
    assert seen == [[1.0], []]
