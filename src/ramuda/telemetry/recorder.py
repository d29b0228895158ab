"""The way in: implements `kernel.ports.recorder` by appending to lists, and hands over what gathered.

This is the hot path of every invocation (see `benchmarks/telemetry.py`), hence the plain classes with slots and a bound
`append`. All of it runs on the event loop's thread; whatever costs more than an append happens in `collect` or later.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ramuda.kernel.clock import Clock
from ramuda.telemetry.model import GroupRef, SeriesKey

PERIOD_S = 60
"""The platform's own metrics have the standard resolution of one minute."""


class BufferedStream:
    """A `LogStream`. `stream_id` and `group_id` are its numbers in the database once it was written there."""

    __slots__ = ("_dirty", "_events", "closed", "group", "group_id", "name", "opened_ms", "stream_id")

    def __init__(self, group: GroupRef, name: str, opened_ms: int, dirty: "list[BufferedStream]") -> None:
        self.group = group
        self.name = name
        self.opened_ms = opened_ms
        self.closed = False
        self.group_id = 0
        self.stream_id = 0
        self._events: list[tuple[int, str]] = []
        self._dirty = dirty
        dirty.append(self)  # the stream is made also when nothing is ever written

    def write(self, at_ms: int, message: str) -> None:
        events = self._events
        if not events:
            self._dirty.append(self)
        events.append((at_ms, message))

    def close(self) -> None:
        self.closed = True
        self._dirty.append(self)  # so that the next flush forgets it

    def take(self) -> list[tuple[int, str]]:
        events, self._events = self._events, []
        return events


class BufferedSeries:
    """A `MetricSeries`. `total_count`, `total_sum` and `peak` are over all that was taken since the server started;
    `peak` is the greatest value of the period `peak_s`."""

    __slots__ = (
        "_append",
        "_dirty",
        "_from_s",
        "_until_s",
        "_values",
        "key",
        "peak",
        "peak_s",
        "series_id",
        "total_count",
        "total_sum",
    )

    def __init__(self, key: SeriesKey, dirty: "list[BufferedSeries]") -> None:
        self.key = key
        self.series_id = 0
        self.total_count = 0
        self.total_sum = 0.0
        self.peak = 0.0
        self.peak_s = 0
        self._dirty = dirty
        self._values: dict[int, list[float]] = {}
        self._from_s = self._until_s = 0.0
        self._append: Callable[[float], None] = _nowhere

    def add(self, value: float, at_s: float) -> None:
        if not self._from_s <= at_s < self._until_s:
            self._turn_to(at_s)
        self._append(value)

    def _turn_to(self, at_s: float) -> None:
        """Makes the period of `at_s` the one that `add` appends to."""
        if not self._values:
            self._dirty.append(self)
        start_s = int(at_s // PERIOD_S) * PERIOD_S
        self._from_s, self._until_s = start_s, start_s + PERIOD_S
        self._append = self._values.setdefault(start_s, []).append

    def take(self) -> dict[int, list[float]]:
        """The values by period, and begins anew."""
        taken, self._values = self._values, {}
        self._from_s = self._until_s = 0.0
        for start_s, values in taken.items():
            self._count(start_s, values)
        return taken

    def _count(self, start_s: int, values: list[float]) -> None:
        self.total_count += len(values)
        self.total_sum += sum(values)
        if start_s >= self.peak_s:
            self.peak = max(max(values), self.peak if start_s == self.peak_s else 0.0)
            self.peak_s = start_s


def _nowhere(value: float) -> None:
    raise AssertionError("a series has no period before its first sample")


@dataclass(slots=True)
class Batch:
    """What gathered between two flushes. Samples are by series and start of period."""

    streams: list[tuple[BufferedStream, list[tuple[int, str]]]] = field(default_factory=list)
    samples: list[tuple[BufferedSeries, dict[int, list[float]]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.streams or self.samples)

    @property
    def event_count(self) -> int:
        return sum(len(events) for _, events in self.streams)


class BufferedRecorder:
    """Implements `ports.recorder.Recorder`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._streams: dict[tuple[GroupRef, str], BufferedStream] = {}
        self._series: dict[SeriesKey, BufferedSeries] = {}
        self._dirty_streams: list[BufferedStream] = []
        self._dirty_series: list[BufferedSeries] = []

    def open_stream(self, account: str, region: str, group: str, stream: str) -> BufferedStream:
        key = (GroupRef(account, region, group), stream)
        found = self._streams.get(key)
        if found is None or found.closed:
            found = BufferedStream(*key, int(self._clock.time() * 1000), self._dirty_streams)
            self._streams[key] = found
        return found

    def series(
        self,
        account: str,
        region: str,
        namespace: str,
        name: str,
        dimensions: tuple[tuple[str, str], ...],
        unit: str,
    ) -> BufferedSeries:
        key = SeriesKey(account, region, namespace, name, tuple(sorted(dimensions)), unit)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = BufferedSeries(key, self._dirty_series)
        return found

    def all_series(self) -> list[BufferedSeries]:
        """Every series that was asked for since the server started, those without a sample too."""
        return list(self._series.values())

    @property
    def is_dirty(self) -> bool:
        """Whether `collect` would bring anything."""
        return bool(self._dirty_streams or self._dirty_series)

    def collect(self) -> Batch:
        """Takes everything that gathered; it is the caller's now."""
        batch = Batch()
        for stream in dict.fromkeys(self._dirty_streams):
            batch.streams.append((stream, stream.take()))
            if stream.closed and self._streams.get((stream.group, stream.name)) is stream:
                del self._streams[stream.group, stream.name]
        for series in self._dirty_series:
            batch.samples.append((series, series.take()))
        self._dirty_streams.clear()
        self._dirty_series.clear()
        return batch
