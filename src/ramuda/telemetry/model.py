"""What logs and metrics are named by and shown as."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from ramuda.kernel.errors import RamudaError

Dimensions: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, sorted."""


class GroupMissing(RamudaError):  # noqa: N818 - a state of the store, answered as the service's own error
    """There is no such log group."""


class GroupPresent(RamudaError):  # noqa: N818
    """There is such a log group already."""


class StreamMissing(RamudaError):  # noqa: N818
    """There is no such log stream in the group."""


class StreamPresent(RamudaError):  # noqa: N818
    """There is such a log stream already."""


class GroupRef(NamedTuple):
    """Names a log group."""

    account: str
    region: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    """A log group as stored. `stored_bytes` counts what AWS charges: UTF-8 and 26 bytes an event, about."""

    ref: GroupRef
    created_ms: int
    retention_days: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    kms_key_id: str | None = None
    log_class: str = "STANDARD"
    deletion_protected: bool = False
    stored_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDescription:
    """A log stream as stored. The times are None while it has no event."""

    name: str
    created_ms: int
    first_ms: int | None
    last_ms: int | None
    ingested_ms: int | None


StreamOrder: TypeAlias = Literal["name", "last_event"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamQuery:
    """Which streams of a group, in which order. `skip` is how many of them earlier pages showed."""

    group: GroupRef
    prefix: str = ""
    order: StreamOrder = "name"
    descending: bool = False
    skip: int = 0
    limit: int = 50


class Position(NamedTuple):
    """Where an event stands. Positions of a group's events are unique, never change, and sort as the events do: by
    time, then by arrival."""

    at_ms: int
    chunk: int
    place: int


class LogEvent(NamedTuple):
    """One event, read."""

    position: Position
    stream: str
    ingested_ms: int
    message: str


class SeriesKey(NamedTuple):
    """Names a metric with its dimensions and unit."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: Dimensions
    unit: str
