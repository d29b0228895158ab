"""Reading events in their order: across the chunks of one stream, or of many interleaved, from either end.

Chunks may overlap in time. They are fetched a few at a time in the order in which they begin (or, backward, end); an
event goes out once no chunk still to come can hold an earlier one."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ramuda.kernel.ports.database import Row, Transaction
from ramuda.telemetry import chunks, log_rows
from ramuda.telemetry.model import GroupRef, LogEvent, Position

_CHUNKS_AT_ONCE = 32
_END_OF_TIME_MS = 1 << 62
_BEYOND = 1 << 63  # more than any time, number of a chunk or place in one


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events. `streams` None means all of the group, else those named (StreamMissing when one is not there), and
    those whose name begins with `stream_prefix`. `end_ms` is the first millisecond not wanted. `after` and `before` are
    positions, exclusive."""

    group: GroupRef
    streams: tuple[str, ...] | None = None
    stream_prefix: str = ""
    start_ms: int = 0
    end_ms: int = _END_OF_TIME_MS
    after: Position | None = None
    before: Position | None = None
    newest_first: bool = False

    @property
    def sign(self) -> int:
        return -1 if self.newest_first else 1

    def order_of(self, position: Position) -> Position:
        """What sorts as the events shall come."""
        sign = self.sign
        return Position(sign * position.at_ms, sign * position.chunk, sign * position.place)

    def admits(self, position: Position) -> bool:
        return (
            self.start_ms <= position.at_ms < self.end_ms
            and (self.after is None or position > self.after)
            and (self.before is None or position < self.before)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLimits:
    """Where a page ends: so many events or bytes answered, or, at the next chunk, so many bytes looked at."""

    events: int
    answer_bytes: int
    scan_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """`stopped_at` is where the next page goes on, when there may be more."""

    events: list[LogEvent]
    stopped_at: Position | None


def read_page(
    tx: Transaction, query: EventQuery, limits: PageLimits, accepts: Callable[[str], bool] | None = None
) -> EventPage:
    """The first events, in the query's direction, whose message `accepts` takes. Raises GroupMissing, StreamMissing."""
    group = log_rows.group_id(tx, query.group)
    names = _stream_names(tx, group, query)
    page = _GrowingPage(limits)
    waiting: list[tuple[Position, LogEvent]] = []
    scanned_bytes, first_edge_ms = 0, None
    for row in _chunk_rows(tx, group, query, names):
        edge_ms = row["last_ms" if query.newest_first else "first_ms"]
        if not page.take(waiting, Position(query.sign * edge_ms, -_BEYOND, 0)):
            return page.stopped()
        # Only where the edge has moved on does stopping here bring the next page further.
        first_edge_ms = edge_ms if first_edge_ms is None else first_edge_ms
        if scanned_bytes > limits.scan_bytes and edge_ms != first_edge_ms:
            return EventPage(events=page.events, stopped_at=_before_all_of(edge_ms, query))
        for event in _events(row, names[row["stream_id"]], query, accepts):
            heapq.heappush(waiting, (query.order_of(event.position), event))
        scanned_bytes += row["stored_bytes"]
    if not page.take(waiting, Position(_BEYOND, 0, 0)):
        return page.stopped()
    return EventPage(events=page.events, stopped_at=None)


class _GrowingPage:
    """Takes events until the page is full."""

    def __init__(self, limits: PageLimits) -> None:
        self.events: list[LogEvent] = []
        self._limits = limits
        self._bytes = 0

    def take(self, waiting: list[tuple[Position, LogEvent]], until: Position) -> bool:
        """Moves those that come before `until` out of the heap; False when one does not fit."""
        while waiting and waiting[0][0] < until:
            event = waiting[0][1]
            size = len(event.message.encode()) + chunks.EVENT_OVERHEAD_BYTES
            if len(self.events) == self._limits.events:
                return False
            if self.events and self._bytes + size > self._limits.answer_bytes:
                return False
            heapq.heappop(waiting)
            self.events.append(event)
            self._bytes += size
        return True

    def stopped(self) -> EventPage:
        return EventPage(events=self.events, stopped_at=self.events[-1].position)


def _before_all_of(edge_ms: int, query: EventQuery) -> Position:
    """The place, in the query's direction, before every event of that time."""
    return Position(edge_ms + 1, 0, 0) if query.newest_first else Position(edge_ms, 0, 0)


def _stream_names(tx: Transaction, group: int, query: EventQuery) -> dict[int, str]:
    """The streams to read, by number."""
    if query.streams is not None:
        return {log_rows.stream_id(tx, group, name): name for name in query.streams}
    rows = tx.fetch_all(
        "SELECT id, name FROM log_streams WHERE group_id = :group AND SUBSTR(name, 1, :length) = :prefix",
        {"group": group, "prefix": query.stream_prefix, "length": len(query.stream_prefix)},
    )
    return {row["id"]: row["name"] for row in rows}


def _chunk_rows(tx: Transaction, group: int, query: EventQuery, names: dict[int, str]) -> Iterator[Row]:
    edge, order, beyond = ("last_ms", "DESC", "<") if query.newest_first else ("first_ms", "ASC", ">")
    all_streams = query.streams is None and not query.stream_prefix
    if not names:
        return
    source = f"group_id = {group}" if all_streams else f"stream_id IN ({', '.join(map(str, names))})"
    statement = (
        "SELECT id, stream_id, first_ms, last_ms, ingested_ms, stored_bytes, events FROM log_chunks"  # noqa: S608 - our own words and numbers
        f" WHERE {source} AND last_ms >= :start_ms AND first_ms < :end_ms"
        " AND first_ms > :earliest_begin_ms AND last_ms < :latest_end_ms"
    )
    bounds, following = _bounds(query), ""
    while True:
        rows = tx.fetch_all(
            f"{statement} {following} ORDER BY {edge} {order}, id {order} LIMIT {_CHUNKS_AT_ONCE}", bounds
        )
        yield from rows
        if len(rows) < _CHUNKS_AT_ONCE:
            return
        following = f"AND ({edge}, id) {beyond} (:edge, :id)"
        bounds |= {"edge": rows[-1][edge], "id": rows[-1]["id"]}


def _bounds(query: EventQuery) -> dict[str, int]:
    start_ms = max(query.start_ms, query.after.at_ms if query.after else 0)
    end_ms = min(query.end_ms, query.before.at_ms + 1 if query.before else _END_OF_TIME_MS)
    return {
        "start_ms": start_ms,
        "end_ms": end_ms,
        # No chunk is longer than the span, so that the index can bound both ends of the search.
        "earliest_begin_ms": start_ms - chunks.SPAN_MS,
        "latest_end_ms": end_ms + chunks.SPAN_MS,
    }


def _events(row: Row, stream: str, query: EventQuery, accepts: Callable[[str], bool] | None) -> Iterator[LogEvent]:
    """Those that are wanted. Most are not, of most chunks of a search, hence no object is made of them."""
    is_whole = query.admits(Position(row["first_ms"], row["id"], 0)) and query.admits(
        Position(row["last_ms"], row["id"], _BEYOND)
    )
    for place, (at_ms, message) in enumerate(chunks.decode(row["first_ms"], row["events"])):
        if accepts is not None and not accepts(message):
            continue
        position = Position(at_ms, row["id"], place)
        if is_whole or query.admits(position):
            yield LogEvent(position, stream, row["ingested_ms"], message)
