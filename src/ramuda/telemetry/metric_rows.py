"""Metric series and points as rows: the statements that find, make and merge them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from ramuda.kernel.codec import decode_json, encode_json
from ramuda.kernel.ports.database import Row, Transaction
from ramuda.telemetry.model import Dimensions, SeriesKey
from ramuda.telemetry.statistics import Statistics

STANDARD_PERIOD_S, HIGH_RESOLUTION_PERIOD_S = 60, 1
ROLLED_PERIODS_S = (300, 3600)
"""What the points of a minute become as they age (see `telemetry.retention`)."""

NumberedPoint: TypeAlias = tuple[int, int, int, Statistics]
"""Series number, period and its start in seconds, statistics."""

_NUMBERS_IN_A_STATEMENT = 500
_POINT_COLUMNS = "series_id, period_s, start_s, count, sum, minimum, maximum, distribution"


def ensure_series(tx: Transaction, key: SeriesKey) -> int:
    """The number of the series, made when there is none."""
    params = {**key._asdict(), "dimensions": dimensions_text(key.dimensions)}
    tx.execute(
        "INSERT INTO metric_series (account, region, namespace, name, dimensions, unit)"
        " VALUES (:account, :region, :namespace, :name, :dimensions, :unit) ON CONFLICT DO NOTHING",
        params,
    )
    row = tx.fetch_one(
        "SELECT id FROM metric_series WHERE account = :account AND region = :region AND namespace = :namespace"
        " AND name = :name AND dimensions = :dimensions AND unit = :unit",
        params,
    )
    assert row is not None
    return int(row["id"])


def read_series(
    tx: Transaction, account: str, region: str, *, namespace: str | None, name: str | None, since_s: int
) -> list[SeriesKey]:
    """Those with a sample at or after `since_s`, in a fixed order."""
    rows = tx.fetch_all(
        "SELECT account, region, namespace, name, dimensions, unit FROM metric_series s"
        " WHERE account = :account AND region = :region"
        " AND (:namespace = '' OR namespace = :namespace) AND (:name = '' OR name = :name)"
        " AND EXISTS (SELECT 1 FROM metric_points p WHERE p.series_id = s.id AND p.period_s >= 60"
        " AND p.start_s >= :since_s) ORDER BY namespace, name, dimensions, unit",
        {
            "account": account,
            "region": region,
            "namespace": namespace or "",
            "name": name or "",
            "since_s": since_s,
        },
    )
    return [_key_of_row(row) for row in rows]


def find_series(
    tx: Transaction, account: str, region: str, namespace: str, name: str, dimensions: Dimensions
) -> dict[int, str]:
    """Number and unit of each series of a metric."""
    rows = tx.fetch_all(
        "SELECT id, unit FROM metric_series WHERE account = :account AND region = :region AND namespace = :namespace"
        " AND name = :name AND dimensions = :dimensions",
        {
            "account": account,
            "region": region,
            "namespace": namespace,
            "name": name,
            "dimensions": dimensions_text(dimensions),
        },
    )
    return {row["id"]: row["unit"] for row in rows}


def merge_points(tx: Transaction, points: Iterable[NumberedPoint]) -> None:
    """Adds the statistics to what is stored for the same series and period. The statistics given are used up."""
    by_period: defaultdict[tuple[int, int], dict[int, Statistics]] = defaultdict(dict)
    for series, period_s, start_s, statistics in points:
        there = by_period[period_s, start_s].setdefault(series, statistics)
        if there is not statistics:
            there.merge(statistics)
    for (period_s, start_s), added in by_period.items():
        for series, stored in _stored(tx, period_s, start_s, list(added)):
            stored.merge(added[series])
            added[series] = stored
        tx.execute_many(
            f"INSERT INTO metric_points ({_POINT_COLUMNS})"  # noqa: S608 - our own words and numbers
            " VALUES (:series_id, :period_s, :start_s, :count, :sum, :minimum, :maximum, :distribution)"
            " ON CONFLICT (series_id, period_s, start_s) DO UPDATE SET count = excluded.count, sum = excluded.sum,"
            " minimum = excluded.minimum, maximum = excluded.maximum, distribution = excluded.distribution",
            [_row_of_point(series, period_s, start_s, statistics) for series, statistics in added.items()],
        )


def read_points(
    tx: Transaction, series: Sequence[int], *, shortest_s: int, longest_s: int, start_s: int, end_s: int
) -> Iterator[NumberedPoint]:
    """Points whose period begins in the time asked for and has a length between the two given."""
    rows = tx.fetch_all(
        f"SELECT {_POINT_COLUMNS} FROM metric_points WHERE series_id IN ({_numbers(series)})"  # noqa: S608 - our own words and numbers
        " AND period_s BETWEEN :shortest_s AND :longest_s AND start_s >= :start_s AND start_s < :end_s"
        " ORDER BY series_id, start_s",
        {"shortest_s": shortest_s, "longest_s": longest_s, "start_s": start_s, "end_s": end_s},
    )
    return map(point_of_row, rows)


def point_of_row(row: Row) -> NumberedPoint:
    statistics = Statistics.decode(
        count=row["count"],
        total=row["sum"],
        minimum=row["minimum"],
        maximum=row["maximum"],
        encoded=row["distribution"],
    )
    return row["series_id"], row["period_s"], row["start_s"], statistics


def dimensions_text(dimensions: Dimensions) -> str:
    return encode_json(sorted(dimensions)).decode()


def _stored(tx: Transaction, period_s: int, start_s: int, series: Sequence[int]) -> Iterator[tuple[int, Statistics]]:
    for begin in range(0, len(series), _NUMBERS_IN_A_STATEMENT):
        numbers = _numbers(series[begin : begin + _NUMBERS_IN_A_STATEMENT])
        rows = tx.fetch_all(
            f"SELECT {_POINT_COLUMNS} FROM metric_points WHERE series_id IN ({numbers})"  # noqa: S608 - our own words and numbers
            " AND period_s = :period_s AND start_s = :start_s",
            {"period_s": period_s, "start_s": start_s},
        )
        for row in rows:
            number, _, _, statistics = point_of_row(row)
            yield number, statistics


def _numbers(series: Iterable[int]) -> str:
    """A list for IN (...). They are our own numbers, and a statement takes a limited number of parameters."""
    return ", ".join(map(str, series))


def _row_of_point(series: int, period_s: int, start_s: int, statistics: Statistics) -> dict[str, object]:
    return {
        "series_id": series,
        "period_s": period_s,
        "start_s": start_s,
        "count": statistics.count,
        "sum": statistics.sum,
        "minimum": statistics.minimum,
        "maximum": statistics.maximum,
        "distribution": statistics.encode_values(),
    }


def _key_of_row(row: Row) -> SeriesKey:
    dimensions = tuple((name, value) for name, value in decode_json(row["dimensions"]))
    return SeriesKey(row["account"], row["region"], row["namespace"], row["name"], dimensions, row["unit"])
