"""Statistics by their names: `Average`, `p99.9`, `tm90`, `IQM`, `TC(0.005:0.030)`, `PR(:300)`, `WM(10%:90%)` ...

A name becomes a function of the statistics of one period; it gives None where there is nothing to show, which is so for
whatever needs single values when the samples came as statistic sets or some are negative.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from ramuda.telemetry.statistics import Statistics

Stat: TypeAlias = Callable[[Statistics], float | None]

SIMPLE: dict[str, Stat] = {
    "SampleCount": lambda statistics: statistics.count,
    "Average": lambda statistics: statistics.average,
    "Sum": lambda statistics: statistics.sum,
    "Minimum": lambda statistics: statistics.minimum,
    "Maximum": lambda statistics: statistics.maximum,
}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{0,10})?|100)")
_SHORT = re.compile(r"(tm|tc|ts|wm)(\d{1,2}(?:\.\d{0,10})?|100)")
_RANGE = re.compile(r"(TM|TC|TS|WM|PR)\((\d*\.?\d*)(%?):(\d*\.?\d*)(%?)\)")


@dataclass(frozen=True, slots=True)
class _Range:
    """Which part of the samples counts: between two percentages of them, or those above `low` and up to `high`."""

    low: float | None
    high: float | None
    in_percent: bool

    def parts(self, statistics: Statistics) -> Iterator[tuple[float, float]]:
        """Values, ascending, with how many of their samples are inside."""
        seen = 0.0
        low, high = self._bounds(statistics)
        for value in sorted(statistics.values):
            count = statistics.values[value]
            if self.in_percent:
                inside = min(seen + count, high) - max(seen, low)
            else:
                inside = count if low < value <= high else 0.0
            seen += count
            if inside > 0:
                yield value, inside

    def _bounds(self, statistics: Statistics) -> tuple[float, float]:
        if self.in_percent:
            low, high = self.low or 0.0, 100.0 if self.high is None else self.high
            return statistics.count * low / 100, statistics.count * high / 100
        return (
            float("-inf") if self.low is None else self.low,
            float("inf") if self.high is None else self.high,
        )


def parse(name: str) -> Stat:
    """Raises ValueError."""
    if name in SIMPLE:
        return SIMPLE[name]
    return parse_extended(name)


def parse_extended(name: str) -> Stat:
    """Every statistic but the five simple ones. Raises ValueError."""
    if percentile := _PERCENTILE.fullmatch(name):
        return _from_values(lambda statistics: statistics.percentile(float(percentile[1])))
    if name == "IQM":
        return _from_values(partial(_trimmed_mean, _Range(25.0, 75.0, True)))
    if short := _SHORT.fullmatch(name):
        return _from_values(partial(_OF_RANGE[short[1].upper()], _Range(None, float(short[2]), True)))
    if ranged := _RANGE.fullmatch(name):
        return _from_values(partial(_OF_RANGE[ranged[1]], _parse_range(*ranged.groups())))
    raise ValueError(f"not a statistic: {name}")


def _parse_range(kind: str, low: str, low_unit: str, high: str, high_unit: str) -> _Range:
    in_percent = "%" in (low_unit, high_unit)
    given = [(text, unit) for text, unit in ((low, low_unit), (high, high_unit)) if text]
    if not given or any((unit == "%") != in_percent for _, unit in given) or (in_percent and kind == "PR"):
        raise ValueError("the bounds do not fit together")
    bounds = _Range(float(low) if low else None, float(high) if high else None, in_percent)
    if bounds.low is not None and bounds.high is not None and bounds.low >= bounds.high:
        raise ValueError("the lower bound is not below the upper")
    if (in_percent and (bounds.low or 0) > 100) or (in_percent and (bounds.high or 0) > 100):
        raise ValueError("a percentage is above 100")
    return bounds


def _from_values(stat: Stat) -> Stat:
    def checked(statistics: Statistics) -> float | None:
        return stat(statistics) if statistics.is_complete and statistics.minimum >= 0 else None

    return checked


def _trimmed_count(bounds: _Range, statistics: Statistics) -> float:
    return sum(count for _, count in bounds.parts(statistics))


def _trimmed_sum(bounds: _Range, statistics: Statistics) -> float:
    return sum(value * count for value, count in bounds.parts(statistics))


def _trimmed_mean(bounds: _Range, statistics: Statistics) -> float | None:
    count = _trimmed_count(bounds, statistics)
    return _trimmed_sum(bounds, statistics) / count if count else None


def _percentile_rank(bounds: _Range, statistics: Statistics) -> float:
    return 100 * _trimmed_count(bounds, statistics) / statistics.count


def _winsorized_mean(bounds: _Range, statistics: Statistics) -> float | None:
    """Samples outside count as the nearest one inside."""
    inside = [value for value, _ in bounds.parts(statistics)]
    if not inside:
        return None
    low, high = inside[0], inside[-1]
    clamped = sum(min(max(value, low), high) * count for value, count in statistics.values.items())
    return clamped / statistics.count


_OF_RANGE: dict[str, Callable[[_Range, Statistics], float | None]] = {
    "TM": _trimmed_mean,
    "TC": _trimmed_count,
    "TS": _trimmed_sum,
    "WM": _winsorized_mean,
    "PR": _percentile_rank,
}
