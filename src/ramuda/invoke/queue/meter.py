"""The AWS/Lambda metrics of asynchronous invocation, each for the function, for the version or alias that the caller
named, and for all functions of the region together.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from ramuda.invoke.meter import NAMESPACE
from ramuda.kernel.function import FunctionRef
from ramuda.kernel.ports.recorder import MetricSeries, Recorder

METERS_MAX = 10_000
"""Functions whose series are remembered."""


class EventMeter:
    """Of one function under one qualifier."""

    def __init__(self, recorder: Recorder, ref: FunctionRef) -> None:
        of_function = (("FunctionName", ref.name),)
        sets: list[tuple[tuple[str, str], ...]] = [of_function, ()]
        if ref.qualifier is not None:
            sets.append((*of_function, ("Resource", f"{ref.name}:{ref.qualifier}")))

        def series(name: str, unit: str = "Count") -> list[MetricSeries]:
            return [recorder.series(ref.account, ref.region, NAMESPACE, name, one, unit) for one in sets]

        self._received = series("AsyncEventsReceived")
        self._age = series("AsyncEventAge", "Milliseconds")
        self._dropped = series("AsyncEventsDropped")
        self._dead_letter_errors = series("DeadLetterErrors")
        self._delivery_failures = series("DestinationDeliveryFailures")

    def received(self, now_s: float) -> None:
        _count(self._received, now_s)

    def attempted(self, accepted_at_s: float, now_s: float) -> None:
        """The age of an event when an attempt at it begins."""
        for series in self._age:
            series.add((now_s - accepted_at_s) * 1e3, now_s)

    def dropped(self, now_s: float) -> None:
        _count(self._dropped, now_s)

    def not_delivered(self, now_s: float, *, is_dead_letter: bool) -> None:
        _count(self._dead_letter_errors if is_dead_letter else self._delivery_failures, now_s)


class EventMeters:
    """One `EventMeter` for each way of naming a function."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._meters: dict[FunctionRef, EventMeter] = {}

    def of(self, ref: FunctionRef) -> EventMeter:
        meter = self._meters.get(ref)
        if meter is None:
            if len(self._meters) >= METERS_MAX:
                self._meters.clear()
            meter = self._meters[ref] = EventMeter(self._recorder, ref)
        return meter


def _count(sets: list[MetricSeries], now_s: float) -> None:
    for series in sets:
        series.add(1.0, now_s)
