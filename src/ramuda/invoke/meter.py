"""The AWS/Lambda metrics of invocations, each under AWS's dimensions: the function; the function's version or alias
when the caller named one, and the version that ran when that alias has two; and all functions of the region together.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from typing import TypeAlias

from ramuda.invoke.concurrency import Seat
from ramuda.invoke.pools import ProvisionedPool
from ramuda.kernel.function import FunctionRef
from ramuda.kernel.ports.recorder import MetricSeries, Recorder
from ramuda.runtime.progress import Conclusion

NAMESPACE = "AWS/Lambda"

Dimensions: TypeAlias = tuple[tuple[str, str], ...]


class _Source:
    """Makes series of one account and region."""

    def __init__(self, recorder: Recorder, ref: FunctionRef) -> None:
        self._recorder = recorder
        self._ref = ref

    def series(self, name: str, dimensions: Dimensions, unit: str = "Count") -> MetricSeries:
        return self._recorder.series(self._ref.account, self._ref.region, NAMESPACE, name, dimensions, unit)


class _Set:
    """The metrics of every invocation under one set of dimensions."""

    def __init__(self, source: _Source, dimensions: Dimensions) -> None:
        self.dimensions = dimensions
        self.invocations = source.series("Invocations", dimensions)
        self.errors = source.series("Errors", dimensions)
        self.throttles = source.series("Throttles", dimensions)
        self.duration = source.series("Duration", dimensions, "Milliseconds")
        self.extensions = source.series("PostRuntimeExtensionsDuration", dimensions, "Milliseconds")


class Meter:
    """Metrics of one function under one qualifier (None: the caller named none). `executed_version` is told for an
    alias of two versions."""

    def __init__(
        self, recorder: Recorder, ref: FunctionRef, qualifier: str | None, executed_version: str | None = None
    ) -> None:
        self._source = source = _Source(recorder, ref)
        function: Dimensions = (("FunctionName", ref.name),)
        self._sets = [_Set(source, function), _Set(source, ())]
        self._resource: Dimensions | None = None
        if qualifier is not None:
            self._resource = (*function, ("Resource", f"{ref.name}:{qualifier}"))
            self._sets.append(_Set(source, self._resource))
            if executed_version is not None:
                self._sets.append(_Set(source, (*self._resource, ("ExecutedVersion", executed_version))))
        self._of_function = source.series("ConcurrentExecutions", function)
        self._of_region = source.series("ConcurrentExecutions", ())
        self._unreserved = source.series("UnreservedConcurrentExecutions", ())
        self._claimed = source.series("ClaimedAccountConcurrency", ())

    def began(self, at_s: float, seat: Seat) -> None:
        """An invocation was let in and is counted already."""
        share, region = seat.share, seat.share.region
        self._of_function.add(share.running, at_s)
        self._of_region.add(region.running, at_s)
        self._claimed.add(region.claimed, at_s)
        if not seat.is_reserved and seat.pool is None:
            self._unreserved.add(region.unreserved, at_s)

    def provisioned(self, at_s: float, seat: Seat, pool: ProvisionedPool) -> None:
        """It got an environment of provisioned concurrency."""
        share, region = seat.share, seat.share.region
        self._count("ProvisionedConcurrencyInvocations", at_s)
        name = "ProvisionedConcurrentExecutions"
        self._source.series(name, self._sets[0].dimensions).add(share.running - share.on_demand, at_s)
        self._source.series(name, ()).add(region.running - region.on_demand, at_s)
        if self._resource is not None:
            utilization = self._source.series("ProvisionedConcurrencyUtilization", self._resource, "None")
            self._source.series(name, self._resource).add(pool.running, at_s)
            utilization.add(pool.running / max(pool.allocated, 1), at_s)

    def spilled_over(self, at_s: float) -> None:
        """All environments of its provisioned concurrency were in use; it runs on demand."""
        self._count("ProvisionedConcurrencySpilloverInvocations", at_s)

    def concluded(self, conclusion: Conclusion) -> None:
        at_s = conclusion.started_at_s
        error = 0.0 if conclusion.error_type is None else 1.0
        for metrics in self._sets:
            metrics.invocations.add(1.0, at_s)
            metrics.errors.add(error, at_s)
            metrics.throttles.add(0.0, at_s)
            metrics.duration.add(conclusion.duration_ms, at_s)
            if conclusion.extensions_ms is not None:
                metrics.extensions.add(conclusion.extensions_ms, at_s)

    def throttled(self, at_s: float) -> None:
        """A throttled request counts neither as an invocation nor as an error."""
        for metrics in self._sets:
            metrics.throttles.add(1.0, at_s)

    def not_restored(self, at_s: float) -> None:
        """The function's own code failed before its event was there: an invocation and an error (ours: AWS does not
        say)."""
        for metrics in self._sets:
            metrics.invocations.add(1.0, at_s)
            metrics.errors.add(1.0, at_s)
            metrics.throttles.add(0.0, at_s)

    def _count(self, name: str, at_s: float) -> None:
        for metrics in self._sets:
            self._source.series(name, metrics.dimensions).add(1.0, at_s)
