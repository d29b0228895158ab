"""The AWS/Lambda metrics of invocations, each under AWS's dimensions: the function, the function's version or alias
when the caller named one, and all functions of the region together.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from ramuda.kernel.function import FunctionRef
from ramuda.kernel.ports.recorder import MetricSeries, Recorder
from ramuda.runtime.progress import Conclusion

NAMESPACE = "AWS/Lambda"


class _Set:
    """The five metrics under one set of dimensions."""

    def __init__(self, recorder: Recorder, ref: FunctionRef, dimensions: tuple[tuple[str, str], ...]) -> None:
        def series(name: str, unit: str) -> MetricSeries:
            return recorder.series(ref.account, ref.region, NAMESPACE, name, dimensions, unit)

        self.invocations = series("Invocations", "Count")
        self.errors = series("Errors", "Count")
        self.throttles = series("Throttles", "Count")
        self.duration = series("Duration", "Milliseconds")
        self.concurrent = series("ConcurrentExecutions", "Count")


class Meter:
    """Metrics of one function under one qualifier (None: the caller named none)."""

    def __init__(self, recorder: Recorder, ref: FunctionRef, qualifier: str | None) -> None:
        self._function = _Set(recorder, ref, (("FunctionName", ref.name),))
        self._region = _Set(recorder, ref, ())
        self._sets = [self._function, self._region]
        if qualifier is not None:
            dimensions = (("FunctionName", ref.name), ("Resource", f"{ref.name}:{qualifier}"))
            self._sets.append(_Set(recorder, ref, dimensions))

    def began(self, at_s: float, function_running: int, region_running: int) -> None:
        self._function.concurrent.add(function_running, at_s)
        self._region.concurrent.add(region_running, at_s)

    def concluded(self, conclusion: Conclusion) -> None:
        at_s = conclusion.started_at_s
        error = 0.0 if conclusion.error_type is None else 1.0
        for metrics in self._sets:
            metrics.invocations.add(1.0, at_s)
            metrics.errors.add(error, at_s)
            metrics.throttles.add(0.0, at_s)
            metrics.duration.add(conclusion.duration_ms, at_s)

    def throttled(self, at_s: float) -> None:
        """A throttled request counts neither as an invocation nor as an error."""
        for metrics in self._sets:
            metrics.throttles.add(1.0, at_s)
