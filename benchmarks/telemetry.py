"""What logs and metrics cost: a write of an event, a sample of a metric, a flush, and the share of a core at full load.

Full load is 5,000 invocations a second with three log events and twelve samples each.

    python -m benchmarks.telemetry
"""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ramuda.kernel.clock import SystemClock
from ramuda.storage.sqlite import SqliteDatabase
from ramuda.telemetry import Telemetry
from ramuda.telemetry.log_reading import EventQuery, PageLimits
from ramuda.telemetry.model import GroupRef
from ramuda.telemetry.recorder import BufferedSeries, BufferedStream

INVOCATIONS_A_SECOND = 5_000
EVENTS_AN_INVOCATION, SAMPLES_AN_INVOCATION = 3, 12
ENVIRONMENTS, FUNCTIONS = 16, 50
CALLS = 300_000
ROUNDS = 5


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="ramuda-bench-") as folder:
        database = SqliteDatabase.open(Path(folder) / "telemetry.db", schema="telemetry", sync="normal")
        telemetry = Telemetry(database, SystemClock())
        await _measure(telemetry)
        await telemetry.stop()
        await database.close()
        _show("database after all this", _size_mb(f"{folder}/telemetry.db"), "MB")


async def _measure(telemetry: Telemetry) -> None:
    recorder, now_s = telemetry.recorder, time.time()
    streams = [recorder.open_stream("1", "r", "/aws/lambda/f", f"s{number}") for number in range(ENVIRONMENTS)]
    series = _series_of_functions(telemetry)
    write, add = streams[0].write, series[0].add
    at_ms = int(now_s * 1000)
    _show("LogStream.write", _fastest_us(telemetry, lambda: write(at_ms, "a line")), "µs")
    _show("MetricSeries.add", _fastest_us(telemetry, lambda: add(1.0, now_s)), "µs")
    flushes = [await _flush_a_second(telemetry, streams, series) for _ in range(ROUNDS)]
    _show(f"flush of {EVENTS:,} events and {SAMPLES:,} samples", min(flushes) * 1000, "ms")
    _show("share of one core at that load", min(flushes) * 100, "%")
    begun = time.perf_counter()
    query = EventQuery(group=GroupRef("1", "r", "/aws/lambda/f"), streams=("s1",), newest_first=True)
    await telemetry.logs.events(query, PageLimits(events=100, answer_bytes=1 << 20, scan_bytes=1 << 25))
    _show("the last 100 events of a stream", (time.perf_counter() - begun) * 1000, "ms")


EVENTS = INVOCATIONS_A_SECOND * EVENTS_AN_INVOCATION
SAMPLES = INVOCATIONS_A_SECOND * SAMPLES_AN_INVOCATION


def _series_of_functions(telemetry: Telemetry) -> list[BufferedSeries]:
    names = ("Invocations", "Errors", "Throttles", "Duration")
    return [
        telemetry.recorder.series("1", "r", "AWS/Lambda", name, (("FunctionName", f"f{number}"),), "Count")
        for number in range(FUNCTIONS)
        for name in names
    ]


def _fastest_us(telemetry: Telemetry, call: Callable[[], None]) -> float:
    """Of a call, without the loop and the lambda around it; what gathered is thrown away after each round."""
    times = []
    for _ in range(ROUNDS):
        times.append(_timed(call) - _timed(lambda: None))
        telemetry.recorder.collect()
    return min(times) / CALLS * 1e6


def _timed(call: Callable[[], None]) -> float:
    begun = time.perf_counter()
    for _ in range(CALLS):
        call()
    return time.perf_counter() - begun


async def _flush_a_second(telemetry: Telemetry, streams: list[BufferedStream], series: list[BufferedSeries]) -> float:
    """CPU seconds to store what a second of full load recorded."""
    now_s = time.time()
    for number in range(EVENTS):
        message = f"START RequestId: {number:08x}-0000-4000-8000-000000000000 Version: $LATEST {random.random()}\n"
        streams[number % ENVIRONMENTS].write(int(now_s * 1000) + number // 15, message)
    for number in range(SAMPLES):
        of = series[number % len(series)]
        of.add(random.random() * 100 if of.key.name == "Duration" else 1.0, now_s)
    begun = time.process_time()
    await telemetry.logs.groups("1", "r", limit=1)  # a read flushes
    return time.process_time() - begun


def _size_mb(path: str) -> float:
    return os.path.getsize(path) / 1e6


def _show(what: str, value: float, unit: str) -> None:
    print(f"{what:48} {value:8.2f} {unit}")


if __name__ == "__main__":
    asyncio.run(main())
