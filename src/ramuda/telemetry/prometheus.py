"""The platform's own metrics of functions as Prometheus text, for `GET /metrics`.

Counters begin at the start of the server and trail what happens by at most one flush. Metrics that users put are not
shown: CloudWatch's API is the way to them.
https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ramuda.telemetry.recorder import PERIOD_S, BufferedSeries
from ramuda.telemetry.telemetry import Telemetry

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NAMESPACE = "AWS/Lambda"
_MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class _Counter:
    metric: str
    name: str
    text: str


_COUNTERS = (
    _Counter("Invocations", "ramuda_lambda_invocations_total", "Invocations of a function, failed ones too."),
    _Counter("Errors", "ramuda_lambda_errors_total", "Invocations that ended in an error of the function."),
    _Counter("Throttles", "ramuda_lambda_throttles_total", "Requests refused because no concurrency was left."),
)


def render(telemetry: Telemetry, gauges: Mapping[str, float] | None = None) -> bytes:
    """`gauges` are further values, of the process for example, by their full names."""
    lines = [*_functions(telemetry), *_gauges(gauges or {})]
    return ("\n".join(lines) + "\n").encode()


def _functions(telemetry: Telemetry) -> Iterator[str]:
    series = [one for one in telemetry.recorder.all_series() if _is_of_function(one) and one.total_count]
    series.sort(key=lambda one: one.key)
    for counter in _COUNTERS:
        yield from _head(counter.name, "counter", counter.text)
        for one in _named(series, counter.metric):
            yield f"{counter.name}{_labels(one)} {_number(one.total_sum)}"
    name = "ramuda_lambda_duration_seconds"
    yield from _head(name, "summary", "Time a function's code ran, per invocation.")
    for one in _named(series, "Duration"):
        yield f"{name}_sum{_labels(one)} {_number(one.total_sum / _MS_PER_S)}"
        yield f"{name}_count{_labels(one)} {one.total_count}"
    name = "ramuda_lambda_concurrent_executions"
    yield from _head(name, "gauge", "The most invocations of a function that ran at once in the last minute or two.")
    recent_s = telemetry.clock.time() - 2 * PERIOD_S
    for one in _named(series, "ConcurrentExecutions"):
        yield f"{name}{_labels(one)} {_number(one.peak if one.peak_s > recent_s else 0.0)}"


def _gauges(gauges: Mapping[str, float]) -> Iterator[str]:
    for name, value in sorted(gauges.items()):
        yield f"# TYPE {name} gauge"
        yield f"{name} {_number(value)}"


def _is_of_function(series: BufferedSeries) -> bool:
    """Not that of a version, nor the sum of a region: these would count everything twice."""
    dimensions = series.key.dimensions
    return series.key.namespace == _NAMESPACE and len(dimensions) == 1 and dimensions[0][0] == "FunctionName"


def _named(series: list[BufferedSeries], metric: str) -> Iterator[BufferedSeries]:
    return (one for one in series if one.key.name == metric)


def _head(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _labels(series: BufferedSeries) -> str:
    labels = {
        "account": series.key.account,
        "region": series.key.region,
        "function": series.key.dimensions[0][1],
    }
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
