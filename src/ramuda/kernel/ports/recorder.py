"""What happened goes in here: log events and metric samples. Never blocks, never fails, takes no part in an invocation.

What is recorded reaches the disk within a second; a crash loses at most that second.
"""

from typing import Protocol


class LogStream(Protocol):
    """One log stream, open for writing by the platform."""

    @property
    def name(self) -> str: ...

    def write(self, at_ms: int, message: str) -> None:
        """Appends one event. `at_ms` is milliseconds since the epoch."""
        ...

    def close(self) -> None:
        """Nothing more will be written; what was stays."""
        ...


class MetricSeries(Protocol):
    """One metric with its dimensions and unit, bound once and used often."""

    def add(self, value: float, at_s: float) -> None:
        """Records one sample. `at_s` is seconds since the epoch."""
        ...


class Recorder(Protocol):
    """The way in of telemetry."""

    def open_stream(self, account: str, region: str, group: str, stream: str) -> LogStream:
        """Makes group and stream when they are missing (as Lambda does)."""
        ...

    def series(
        self,
        account: str,
        region: str,
        namespace: str,
        name: str,
        dimensions: tuple[tuple[str, str], ...],
        unit: str,
    ) -> MetricSeries:
        """The series is made when the first sample arrives. `dimensions` in any order; the same series for the same
        ones."""
        ...
