"""`Telemetry.metrics`: metric samples of users in, series and statistics out.

Reads see all that was recorded before them: they flush what they are about to look at.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from ramuda.kernel.ports.database import Database, Transaction
from ramuda.telemetry import metric_rows
from ramuda.telemetry.model import Dimensions, SeriesKey
from ramuda.telemetry.statistics import Statistics


class Sample(NamedTuple):
    """What a user sent of one metric at one time. With `high_resolution` it is also kept by the second."""

    key: SeriesKey
    at_s: float
    statistics: Statistics
    high_resolution: bool = False


class MetricQuery(NamedTuple):
    """Statistics of one metric. Periods of `period_s` seconds begin at `start_s`; `end_s` is exclusive. `unit` None
    means every unit."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions
    period_s: int
    start_s: int
    end_s: int
    unit: str | None = None


class Metrics:
    """Metrics of every account and region."""

    def __init__(self, database: Database, flush: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._flush = flush

    async def put(self, samples: Iterable[Sample]) -> None:
        """They are on disk when this returns."""
        given = list(samples)

        def merge(tx: Transaction) -> None:
            points: list[metric_rows.NumberedPoint] = []
            for sample in given:
                series = metric_rows.ensure_series(tx, sample.key)
                periods = [metric_rows.STANDARD_PERIOD_S]
                if sample.high_resolution:
                    periods.append(metric_rows.HIGH_RESOLUTION_PERIOD_S)
                for period_s in periods:
                    start_s = int(sample.at_s // period_s) * period_s
                    points.append((series, period_s, start_s, sample.statistics.copy()))
            metric_rows.merge_points(tx, points)

        await self._database.write(merge)

    async def series(
        self, account: str, region: str, *, namespace: str | None = None, name: str | None = None, since_s: float
    ) -> list[SeriesKey]:
        """Those that had a sample at or after `since_s`, in a fixed order."""
        await self._flush()
        begin_s = int(since_s // metric_rows.STANDARD_PERIOD_S) * metric_rows.STANDARD_PERIOD_S
        return await self._database.read(
            lambda tx: metric_rows.read_series(tx, account, region, namespace=namespace, name=name, since_s=begin_s)
        )

    async def statistics(self, query: MetricQuery) -> dict[str, dict[int, Statistics]]:
        """By unit and start of period; periods without a sample are absent."""
        await self._flush()
        return await self._database.read(lambda tx: _statistics(tx, query))


def _statistics(tx: Transaction, query: MetricQuery) -> dict[str, dict[int, Statistics]]:
    units = metric_rows.find_series(tx, query.account, query.region, query.namespace, query.name, query.dimensions)
    wanted = [series for series, unit in units.items() if query.unit is None or unit == query.unit]
    if not wanted:
        return {}
    # Under a minute only what was sent in high resolution can answer; else a minute and whatever it was rolled up into.
    stored = (metric_rows.STANDARD_PERIOD_S, *metric_rows.ROLLED_PERIODS_S)
    fitting = [period_s for period_s in stored if period_s <= query.period_s] or [metric_rows.HIGH_RESOLUTION_PERIOD_S]
    points = metric_rows.read_points(
        tx,
        wanted,
        shortest_s=fitting[0],
        longest_s=fitting[-1],
        start_s=query.start_s,
        end_s=query.end_s,
    )
    found: dict[str, dict[int, Statistics]] = {}
    for series, _, point_start_s, statistics in points:
        start_s = query.start_s + (point_start_s - query.start_s) // query.period_s * query.period_s
        there = found.setdefault(units[series], {}).setdefault(start_s, statistics)
        if there is not statistics:
            there.merge(statistics)
    return found
