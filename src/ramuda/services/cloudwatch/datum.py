"""What PutMetricData sends: each datum checked and turned into a sample.

A datum has a value, or values with counts, or a statistic set. As on AWS, the answer to a bad request names every
datum that breaks the same rule, a line each.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ramuda.kernel.errors import ApiError
from ramuda.services.cloudwatch import rules
from ramuda.services.cloudwatch.model import dimensions_of
from ramuda.telemetry.metrics import Sample
from ramuda.telemetry.model import SeriesKey
from ramuda.telemetry.statistics import Statistics

DATA_MAX = 1_000
VALUES_MAX = 150
VALUE_MAX = 2.0**360
_RESOLUTIONS_S = (1, 60)
_PAST_S, _FUTURE_S = 14 * 86_400, 2 * 3600
_FORMS = ("Value", "Values", "StatisticValues")
_SET_MEMBERS = ("SampleCount", "Sum", "Minimum", "Maximum")


class Origin(NamedTuple):
    """Where and when data arrived."""

    account: str
    region: str
    namespace: str
    now_s: float


def samples_of(data: Sequence[tuple[str, Mapping[str, Any]]], origin: Origin) -> list[Sample]:
    """`data` are pairs of a name for errors (`MetricData.member.1`) and a datum. Raises the error for the whole
    request."""
    problems = [problem for name, datum in data for problem in _problems(name, datum, origin.now_s)]
    if problems:
        first = problems[0].code
        message = "\n".join(str(problem.message) for problem in problems if problem.code == first)
        raise ApiError(first, message, status=400)
    return [sample for _, datum in data for sample in _samples(datum, origin)]


def _problems(name: str, datum: Mapping[str, Any], now_s: float) -> Iterator[ApiError]:
    given = [form for form in _FORMS if form in datum]
    if len(given) > 1:
        yield rules.invalid_combination(
            f"The parameters {name}.{given[0]} and {name}.{given[1]} are mutually exclusive and you have specified "
            "both."
        )
    elif not given:
        yield rules.missing(
            f"At least one of the parameters {', '.join(f'{name}.{form}' for form in _FORMS)} is required."
        )
    yield from _value_problems(name, datum)
    yield from _set_problems(f"{name}.StatisticValues", datum.get("StatisticValues"))
    if datum.get("StorageResolution", 60) not in _RESOLUTIONS_S:
        yield rules.invalid_value(f"The parameter {name}.StorageResolution must be a value in the set [ 1, 60 ].")
    at_s = datum["Timestamp"].timestamp() if "Timestamp" in datum else now_s
    if at_s < now_s - _PAST_S:
        yield rules.invalid_value(f"The parameter {name}.Timestamp must specify a time within the past two weeks.")
    if at_s > now_s + _FUTURE_S:
        yield rules.invalid_value(
            f"The parameter {name}.Timestamp must specify a time no more than two hours in the future."
        )


def _value_problems(name: str, datum: Mapping[str, Any]) -> Iterator[ApiError]:
    if "Value" in datum:
        yield from _number_problems(f"{name}.Value", datum["Value"])
    values, counts = datum.get("Values", ()), datum.get("Counts")
    if "Values" in datum and not 1 <= len(values) <= VALUES_MAX:
        yield rules.invalid_value(f"The parameter {name}.Values must have 1 to {VALUES_MAX} elements.")
    if counts is not None and len(counts) != len(values):
        yield rules.invalid_value(f"The parameters {name}.Values and {name}.Counts must be of the same size.")
    for index, value in enumerate(values, 1):
        yield from _number_problems(f"{name}.Values.member.{index}", value)
    for index, count in enumerate(counts or (), 1):
        yield from _number_problems(f"{name}.Counts.member.{index}", count, minimum=0.0)


def _set_problems(name: str, statistic_set: Mapping[str, float] | None) -> Iterator[ApiError]:
    if statistic_set is None:
        return
    for member in _SET_MEMBERS:
        if member in statistic_set:
            yield from _number_problems(f"{name}.{member}", statistic_set[member])
        else:
            yield rules.missing(f"The parameter {name}.{member} is required.")
    if statistic_set.get("SampleCount", 1) <= 0:
        yield rules.invalid_value(f"The parameter {name}.SampleCount must be greater than 0.")
    if statistic_set.get("Minimum", 0) > statistic_set.get("Maximum", math.inf):
        yield rules.invalid_value(f"The parameter {name}.Maximum must be greater than {name}.Minimum.")


def _number_problems(name: str, value: float, minimum: float = -VALUE_MAX) -> Iterator[ApiError]:
    if not math.isfinite(value) or not minimum <= value <= VALUE_MAX:
        yield rules.invalid_value(f"The value {_shown(value)} for parameter {name} is invalid.")


def _shown(value: float) -> str:
    """As Java writes it."""
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), str(value))


def _samples(datum: Mapping[str, Any], origin: Origin) -> Iterator[Sample]:
    """One; none when every count is zero."""
    statistics = _statistics(datum)
    if statistics is None:
        return
    yield Sample(
        SeriesKey(
            origin.account,
            origin.region,
            origin.namespace,
            datum["MetricName"],
            dimensions_of(datum.get("Dimensions")),
            datum.get("Unit", "None"),
        ),
        datum["Timestamp"].timestamp() if "Timestamp" in datum else origin.now_s,
        statistics,
        datum.get("StorageResolution") == 1,
    )


def _statistics(datum: Mapping[str, Any]) -> Statistics | None:
    if "StatisticValues" in datum:
        given = datum["StatisticValues"]
        return Statistics.of_set(
            count=given["SampleCount"], total=given["Sum"], minimum=given["Minimum"], maximum=given["Maximum"]
        )
    values = datum.get("Values") or [datum["Value"]]
    counts: Counter[float] = Counter()
    for value, count in zip(values, datum.get("Counts") or [1] * len(values), strict=True):
        if count:
            counts[value] += count
    return Statistics.of_counts(counts) if counts else None
