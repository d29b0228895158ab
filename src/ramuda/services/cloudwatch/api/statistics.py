"""Statistics of one metric.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html"""

from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import Clock
from ramuda.services.cloudwatch import rules, stat
from ramuda.services.cloudwatch.model import dimensions_of, instant
from ramuda.services.cloudwatch.stat import Stat
from ramuda.telemetry.metrics import MetricQuery, Metrics
from ramuda.telemetry.statistics import Statistics


class StatisticsOperations:
    """GetMetricStatistics."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock

    async def get_metric_statistics(self, call: Call) -> Result:
        params = call.params
        simple, extended = _stats(call)
        query = self._query(call)
        by_unit = await self._metrics.statistics(query)
        points = [
            _datapoint(unit, start_s, statistics, simple, extended)
            for unit, by_start in by_unit.items()
            for start_s, statistics in by_start.items()
        ]
        return {
            "Label": params["MetricName"],
            "Datapoints": sorted(points, key=lambda point: (point["Timestamp"], point["Unit"])),
        }

    def _query(self, call: Call) -> MetricQuery:
        params = call.params
        period_s = params["Period"]
        if not rules.period_is_valid(period_s):
            raise rules.invalid_value(f"The parameter Period {rules.PERIOD_WORDS}.")
        rules.check_times(params["StartTime"], params["EndTime"])
        start_s = rules.aligned_start_s(params["StartTime"], period_s, self._clock.time())
        until_s = rules.end_s(params["EndTime"])
        rules.check_point_count(start_s, until_s, period_s)
        return MetricQuery(
            account=call.account,
            region=call.region,
            namespace=params["Namespace"],
            name=params["MetricName"],
            dimensions=dimensions_of(params.get("Dimensions")),
            period_s=period_s,
            start_s=start_s,
            end_s=until_s,
            unit=params.get("Unit"),
        )


def _stats(call: Call) -> tuple[dict[str, Stat], dict[str, Stat]]:
    """The simple statistics and the extended ones, by name."""
    simple, extended = call.params.get("Statistics", ()), call.params.get("ExtendedStatistics", ())
    if not simple and not extended:
        raise rules.invalid_combination("Must specify either Statistics or ExtendedStatistics")
    if simple and extended:
        raise rules.invalid_combination(
            "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both."
        )
    try:
        return {name: stat.SIMPLE[name] for name in simple}, {name: stat.parse_extended(name) for name in extended}
    except ValueError:
        shown = ", ".join(extended)
        raise rules.invalid_value(f"The value {shown} for parameter ExtendedStatistics is invalid.") from None


def _datapoint(
    unit: str, start_s: int, statistics: Statistics, simple: dict[str, Stat], extended: dict[str, Stat]
) -> Result:
    point: Result = {"Timestamp": instant(start_s), "Unit": unit}
    point |= {name: value(statistics) for name, value in simple.items()}
    shown = {name: value(statistics) for name, value in extended.items()}
    if extended:
        point["ExtendedStatistics"] = {name: value for name, value in shown.items() if value is not None}
    return point
