"""Carries what the recorder gathered into the database, all of it in one transaction.

Nothing is lost while the database refuses: batches wait and are written with the next. Beyond
`Options.unwritten_events_max` log events the oldest batch is given up, which is logged.
"""

import asyncio
import logging
from collections.abc import Sequence

from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.telemetry import log_rows, metric_rows
from ramuda.telemetry.model import LogGroup
from ramuda.telemetry.options import Options
from ramuda.telemetry.recorder import Batch, BufferedRecorder, BufferedStream
from ramuda.telemetry.statistics import Statistics

_log = logging.getLogger(__name__)


class Flusher:
    """One flush at a time. A flush, once begun, ends also when whoever asked for it gives up."""

    def __init__(self, recorder: BufferedRecorder, database: Database, clock: Clock, options: Options) -> None:
        self._recorder = recorder
        self._database = database
        self._clock = clock
        self._options = options
        self._unwritten: list[Batch] = []
        self._one_at_a_time = asyncio.Lock()
        self._flushes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Flushes for ever."""
        while True:
            await self._clock.sleep(self._options.flush_interval_s)
            try:
                await self.flush()
            except PortError:
                _log.warning("telemetry.flush_failed", exc_info=True)

    async def flush(self) -> None:
        """All that was recorded before the call is on disk when this returns. Raises PortError; what could not be
        written is kept."""
        if not self._recorder.is_dirty and not self._unwritten and not self._flushes:
            return
        task = asyncio.get_running_loop().create_task(self._flush())
        self._flushes.add(task)
        task.add_done_callback(self._flushes.discard)
        await asyncio.shield(task)

    async def finish(self) -> None:
        """Waits for flushes under way and makes a last one."""
        await asyncio.gather(*self._flushes, return_exceptions=True)
        await self.flush()

    async def _flush(self) -> None:
        async with self._one_at_a_time:
            gathered = self._recorder.collect()
            if gathered:
                self._unwritten.append(gathered)
                self._bound()
            if self._unwritten:
                batches = list(self._unwritten)
                now_ms = int(self._clock.time() * 1000)
                try:
                    await self._database.write(lambda tx: write_batches(tx, batches, now_ms))
                except PortError:
                    _forget_numbers(batches)
                    raise
                self._unwritten.clear()

    def _bound(self) -> None:
        while len(self._unwritten) > 1 and self._unwritten_events() > self._options.unwritten_events_max:
            dropped = self._unwritten.pop(0)
            _log.error("telemetry.events_dropped", extra={"events": dropped.event_count})

    def _unwritten_events(self) -> int:
        return sum(batch.event_count for batch in self._unwritten)


def write_batches(tx: Transaction, batches: Sequence[Batch], now_ms: int) -> None:
    """Stores batches, the oldest first. Changes nothing of them but the numbers that streams and series remember."""
    points: list[metric_rows.NumberedPoint] = []
    for batch in batches:
        for stream, events in batch.streams:
            _write_stream(tx, stream, events, now_ms)
        for series, samples in batch.samples:
            series.series_id = series.series_id or metric_rows.ensure_series(tx, series.key)
            for start_s, values in samples.items():
                points.append((series.series_id, metric_rows.STANDARD_PERIOD_S, start_s, Statistics.of(values)))
    metric_rows.merge_points(tx, points)


def _write_stream(tx: Transaction, stream: BufferedStream, events: list[tuple[int, str]], now_ms: int) -> None:
    if not stream.stream_id:
        _find_or_make(tx, stream)
    if events and not log_rows.append_events(tx, stream.group_id, stream.stream_id, events, now_ms):
        _find_or_make(tx, stream)  # a user deleted it meanwhile
        log_rows.append_events(tx, stream.group_id, stream.stream_id, events, now_ms)


def _forget_numbers(batches: Sequence[Batch]) -> None:
    """Those given in a transaction that was rolled back will be given again, to others."""
    for batch in batches:
        for stream, _ in batch.streams:
            stream.group_id = stream.stream_id = 0
        for series, _ in batch.samples:
            series.series_id = 0


def _find_or_make(tx: Transaction, stream: BufferedStream) -> None:
    group_id = log_rows.find_group_id(tx, stream.group)
    if group_id is None:
        log_rows.insert_group(tx, LogGroup(ref=stream.group, created_ms=stream.opened_ms))
        group_id = log_rows.group_id(tx, stream.group)
    stream_id = log_rows.find_stream_id(tx, group_id, stream.name)
    if stream_id is None:
        log_rows.insert_stream(tx, group_id, stream.name, stream.opened_ms)
        stream_id = log_rows.stream_id(tx, group_id, stream.name)
    stream.group_id, stream.stream_id = group_id, stream_id
