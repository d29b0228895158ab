"""A recorder that keeps everything in memory."""

from collections import defaultdict
from dataclasses import dataclass, field

from tests.unit.runtime.fakes import MemoryStream

Dimensions = tuple[tuple[str, str], ...]


@dataclass
class MemorySeries:
    samples: list[float] = field(default_factory=list)

    def add(self, value: float, at_s: float) -> None:
        self.samples.append(value)


class MemoryRecorder:
    """Implements ports.Recorder."""

    def __init__(self) -> None:
        self.all: defaultdict[tuple[str, Dimensions], MemorySeries] = defaultdict(MemorySeries)

    def open_stream(self, account: str, region: str, group: str, stream: str) -> MemoryStream:
        return MemoryStream(name=stream)

    def series(
        self, account: str, region: str, namespace: str, name: str, dimensions: Dimensions, unit: str
    ) -> MemorySeries:
        assert namespace == "AWS/Lambda"
        return self.all[name, dimensions]

    def values(self, name: str, dimensions: Dimensions) -> list[float]:
        return self.all[name, dimensions].samples
