"""Removing what is past its retention.

Log events go when their group's retention says so. Metrics follow CloudWatch: seconds are kept for three hours,
minutes for 15 days, then rolled up into five minutes until 63 days, then into hours until 455 days.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html"""

import logging
from functools import partial

from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.telemetry import metric_rows
from ramuda.telemetry.options import Options

_DAY_S = 86_400
_DAY_MS = _DAY_S * 1000
_SECONDS_KEPT_S = 3 * 3600
_ROLL_UPS = ((60, 15 * _DAY_S, 300), (300, 63 * _DAY_S, 3600))
"""Points of the first period, when as old as the second, become part of points of the third."""
_HOURS_KEPT_S = 455 * _DAY_S
_ROLLED_AT_ONCE = 2_000  # bounds how long one sweep's transaction keeps other writes waiting

_log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps at the start, and again and again."""

    def __init__(self, database: Database, clock: Clock, options: Options) -> None:
        self._database = database
        self._clock = clock
        self._options = options

    async def run(self) -> None:
        while True:
            try:
                await self.sweep()
            except PortError:
                _log.warning("telemetry.sweep_failed", exc_info=True)
            await self._clock.sleep(self._options.sweep_interval_s)

    async def sweep(self) -> None:
        now_s = int(self._clock.time())
        await self._database.write(lambda tx: sweep_logs(tx, now_s * 1000))
        await self._database.write(lambda tx: expire_points(tx, now_s))
        for period_s, age_s, target_s in _ROLL_UPS:
            before_s = (now_s - age_s) // target_s * target_s
            step = partial(roll_up, period_s=period_s, before_s=before_s, target_s=target_s)
            while await self._database.write(step):
                pass


def sweep_logs(tx: Transaction, now_ms: int) -> None:
    """Chunks go as a whole, once their last event is too old."""
    groups = tx.fetch_all("SELECT id, retention_days FROM log_groups WHERE retention_days IS NOT NULL")
    for group in groups:
        params = {"group": group["id"], "before_ms": now_ms - group["retention_days"] * _DAY_MS}
        removed = tx.execute(
            "DELETE FROM log_chunks WHERE group_id = :group AND first_ms < :before_ms AND last_ms < :before_ms", params
        )
        if removed:
            tx.execute(
                "UPDATE log_streams SET stored_bytes = (SELECT COALESCE(SUM(c.stored_bytes), 0) FROM log_chunks c"
                " WHERE c.stream_id = log_streams.id),"
                " first_ms = (SELECT MIN(c.first_ms) FROM log_chunks c WHERE c.stream_id = log_streams.id)"
                " WHERE group_id = :group AND first_ms < :before_ms",
                params,
            )


def expire_points(tx: Transaction, now_s: int) -> None:
    for period_s, kept_s in (
        (metric_rows.HIGH_RESOLUTION_PERIOD_S, _SECONDS_KEPT_S),
        (metric_rows.ROLLED_PERIODS_S[-1], _HOURS_KEPT_S),
    ):
        tx.execute(
            "DELETE FROM metric_points WHERE period_s = :period_s AND start_s < :before_s",
            {"period_s": period_s, "before_s": now_s - kept_s},
        )


def roll_up(tx: Transaction, period_s: int, before_s: int, target_s: int) -> bool:
    """Some points of `period_s` that begin before `before_s`; whether there may be more."""
    rows = tx.fetch_all(
        "SELECT * FROM metric_points WHERE period_s = :period_s AND start_s < :before_s ORDER BY start_s LIMIT :limit",
        {"period_s": period_s, "before_s": before_s, "limit": _ROLLED_AT_ONCE},
    )
    points = [metric_rows.point_of_row(row) for row in rows]
    metric_rows.merge_points(
        tx, [(series, target_s, start_s // target_s * target_s, made) for series, _, start_s, made in points]
    )
    tx.execute_many(
        "DELETE FROM metric_points WHERE series_id = :series AND period_s = :period_s AND start_s = :start_s",
        [{"series": series, "period_s": period_s, "start_s": start_s} for series, _, start_s, _ in points],
    )
    return len(rows) == _ROLLED_AT_ONCE
