"""Data of many metrics at once. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html

Queries of metrics are answered. Expressions (metric math, Metrics Insights) are refused with words that say so.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import ApiError
from ramuda.services.cloudwatch import rules, stat
from ramuda.services.cloudwatch.model import dimensions_of, instant
from ramuda.services.cloudwatch.stat import Stat
from ramuda.telemetry.metrics import MetricQuery, Metrics
from ramuda.telemetry.statistics import Statistics

_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


class DataOperations:
    """GetMetricData."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock

    async def get_metric_data(self, call: Call) -> Result:
        queries = call.params["MetricDataQueries"]
        _check(queries, call.params["StartTime"], call.params["EndTime"])
        newest_first = call.params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results = []
        for number, query in enumerate(queries, 1):
            value = _stat(number, query)
            if query.get("ReturnData", True):
                points = await self._points(call, query["MetricStat"], value)
                results.append((query, sorted(points, reverse=newest_first)))
        return _page(results, call.params.get("NextToken"), call.params.get("MaxDatapoints", rules.DATA_POINTS_MAX))

    async def _points(self, call: Call, metric_stat: dict[str, Any], value: Stat) -> list[tuple[int, float]]:
        metric, period_s = metric_stat["Metric"], metric_stat["Period"]
        by_unit = await self._metrics.statistics(
            MetricQuery(
                account=call.account,
                region=call.region,
                namespace=metric["Namespace"],
                name=metric["MetricName"],
                dimensions=dimensions_of(metric.get("Dimensions")),
                period_s=period_s,
                start_s=rules.aligned_start_s(call.params["StartTime"], period_s, self._clock.time()),
                end_s=rules.end_s(call.params["EndTime"]),
                unit=metric_stat.get("Unit"),
            )
        )
        values = ((start_s, value(statistics)) for start_s, statistics in _over_units(by_unit).items())
        return [(start_s, shown) for start_s, shown in values if shown is not None]


def _check(queries: Sequence[dict[str, Any]], start: datetime, end: datetime) -> None:
    if start >= end:
        raise rules.validation_error("The parameter StartTime must be less than the parameter EndTime.")
    if len(queries) > rules.DATA_QUERIES_MAX:
        raise rules.validation_error(
            f"The collection MetricDataQueries must not have a size greater than {rules.DATA_QUERIES_MAX}."
        )
    ids = [query["Id"] for query in queries]
    if wrong := [
        f"The value {text} for parameter MetricDataQueries.member.{number}.Id is not matching the expected pattern "
        "^[a-z][a-zA-Z0-9_]*$."
        for number, text in enumerate(ids, 1)
        if not _ID.fullmatch(text)
    ]:
        raise rules.validation_error("\n".join(wrong))
    if len(set(ids)) < len(ids):
        raise rules.validation_error("The values for parameter id in MetricDataQueries are not unique.")
    if not any(query.get("ReturnData", True) for query in queries):
        raise rules.validation_error("At least one MetricDataQuery must have ReturnData set to true.")


def _stat(number: int, query: dict[str, Any]) -> Stat:
    name = f"MetricDataQueries.member.{number}"
    if "Expression" in query:
        if "MetricStat" in query:
            raise rules.validation_error(
                f"The parameters {name}.Expression and {name}.MetricStat are mutually exclusive and you have "
                "specified both."
            )
        raise rules.validation_error(
            f"Error in expression '{query['Id']}': Ramuda does not support expressions yet. Query the metrics with "
            "MetricStat and compute from their values."
        )
    if "MetricStat" not in query:
        raise rules.validation_error(f"Exactly one of {name}.MetricStat and {name}.Expression is required.")
    metric_stat = query["MetricStat"]
    if not rules.period_is_valid(metric_stat["Period"]):
        raise rules.validation_error(f"The parameter {name}.MetricStat.Period {rules.PERIOD_WORDS}.")
    try:
        return stat.parse(metric_stat["Stat"])
    except ValueError:
        raise rules.validation_error(
            f"The value {metric_stat['Stat']} for parameter {name}.MetricStat.Stat is not supported."
        ) from None


def _over_units(by_unit: dict[str, dict[int, Statistics]]) -> dict[int, Statistics]:
    """Without a unit in the query, samples of every unit count together."""
    merged: dict[int, Statistics] = {}
    for by_start in by_unit.values():
        for start_s, statistics in by_start.items():
            there = merged.setdefault(start_s, statistics)
            if there is not statistics:
                there.merge(statistics)
    return merged


def _page(results: list[tuple[dict[str, Any], list[tuple[int, float]]]], token: str | None, limit: int) -> Result:
    """At most `limit` values over all results. The token is how many earlier pages showed."""
    skip = rules.offset_of(token)
    if skip is None:
        raise ApiError("InvalidNextToken", "The specified NextToken is invalid.", status=400)
    if not 1 <= limit <= rules.DATA_POINTS_MAX:
        raise rules.validation_error(f"The parameter MaxDatapoints must be between 1 and {rules.DATA_POINTS_MAX}.")
    begin, left, shown = skip, limit, []
    for query, points in results:
        page = points[begin : begin + left]
        complete = begin + len(page) >= len(points)
        begin, left = max(begin - len(points), 0), left - len(page)
        shown.append(
            {
                "Id": query["Id"],
                "Label": query.get("Label") or query["MetricStat"]["Metric"]["MetricName"],
                "Timestamps": [instant(start_s) for start_s, _ in page],
                "Values": [value for _, value in page],
                "StatusCode": "Complete" if complete else "PartialData",
            }
        )
    answer: Result = {"MetricDataResults": shown, "Messages": []}
    if skip + limit < sum(len(points) for _, points in results):
        answer["NextToken"] = str(skip + limit)
    return answer
