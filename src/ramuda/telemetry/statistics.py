"""What is kept of the samples of one metric in one period: count, sum, extremes, and how the values are distributed.

The distribution holds each value with its count while there are at most `EXACT_VALUES_MAX` different ones. Beyond
that values are snapped to a grid of 64 steps per power of two, so that a percentile is off by less than 0.8 %
whatever the range, and some hundred entries hold any number of samples (the idea of HdrHistogram). A *statistic set*
that a user sent brings no values: then the distribution knows of fewer samples than `count`, and there are no
percentiles, as on AWS.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

EXACT_VALUES_MAX = 100
_GRID_STEPS = 128  # of a mantissa in [0.5, 1), which takes the upper half of them

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[bool, list[float], list[float]]).decode


@dataclass(slots=True, kw_only=True)
class Statistics:
    """Of one or more samples. `values` maps a value to how often it came; `exact` is False once they are on the
    grid."""

    count: float
    sum: float
    minimum: float
    maximum: float
    values: dict[float, float] = field(default_factory=dict)
    exact: bool = True

    @classmethod
    def of(cls, values: Iterable[float]) -> "Statistics":
        return cls.of_counts(Counter(values))

    @classmethod
    def of_counts(cls, counts: Mapping[float, float]) -> "Statistics":
        """Of values that came so often. There must be at least one."""
        made = cls(
            count=sum(counts.values()),
            sum=math.fsum(value * count for value, count in counts.items()),
            minimum=min(counts),
            maximum=max(counts),
            values=dict(counts),
        )
        made._limit_values()
        return made

    @classmethod
    def of_set(cls, *, count: float, total: float, minimum: float, maximum: float) -> "Statistics":
        """Of a statistic set. With equal extremes all values are known after all."""
        values = {minimum: count} if minimum == maximum else {}
        return cls(count=count, sum=total, minimum=minimum, maximum=maximum, values=values)

    def copy(self) -> "Statistics":
        return replace(self, values=dict(self.values))

    @property
    def average(self) -> float:
        return self.sum / self.count

    @property
    def is_complete(self) -> bool:
        """Whether the distribution knows every sample."""
        return math.isclose(math.fsum(self.values.values()), self.count)

    def merge(self, other: "Statistics") -> None:
        """Adds the samples of `other`."""
        self.count += other.count
        self.sum += other.sum
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        values, exact = self.values, self.exact
        for value, count in other.values.items():
            key = value if exact else _on_grid(value)
            values[key] = values.get(key, 0.0) + count
        if exact and not other.exact:
            self._snap()
        else:
            self._limit_values()

    def percentile(self, percent: float) -> float | None:
        """The smallest value that at least `percent` of the samples do not exceed. None when the values are not
        known."""
        if not self.is_complete:
            return None
        wanted = self.count * percent / 100
        seen = 0.0
        for value in sorted(self.values):
            seen += self.values[value]
            if seen >= wanted - 1e-9:
                return min(max(value, self.minimum), self.maximum)
        return self.maximum

    def encode_values(self) -> bytes | None:
        """The distribution to store; None when count and extremes say it all."""
        if self.minimum == self.maximum:
            return None
        return _encode((self.exact, list(self.values), list(self.values.values())))

    @classmethod
    def decode(
        cls, *, count: float, total: float, minimum: float, maximum: float, encoded: bytes | None
    ) -> "Statistics":
        made = cls.of_set(count=count, total=total, minimum=minimum, maximum=maximum)
        if encoded is not None:
            made.exact, values, counts = _decode(encoded)
            made.values = dict(zip(values, counts, strict=True))
        return made

    def _limit_values(self) -> None:
        if self.exact and len(self.values) > EXACT_VALUES_MAX:
            self._snap()

    def _snap(self) -> None:
        snapped: dict[float, float] = {}
        for value, count in self.values.items():
            key = _on_grid(value)
            snapped[key] = snapped.get(key, 0.0) + count
        self.values, self.exact = snapped, False


def _on_grid(value: float) -> float:
    """The middle of the step in which `value` lies; a value of the grid stays where it is."""
    mantissa, exponent = math.frexp(value)
    if mantissa == 0.0:
        return 0.0
    step = math.trunc(mantissa * _GRID_STEPS)
    return math.ldexp((step + math.copysign(0.5, mantissa)) / _GRID_STEPS, exponent)
