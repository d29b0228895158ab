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

    def admits(self, position: Position) -> bool:
        return (
            self.start_ms <= position.at_ms < self.end_ms
            and (self.after is None or position > self.after)
            and (self.before is None or position < self.before)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLimits:
    """Where a page ends: so many events or bytes answered, or so many bytes looked at."""

    events: int
    answer_bytes: int
    scan_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """`stopped_at` is the last event looked at when there may be more behind it, else None."""

    events: list[LogEvent]
    stopped_at: Position | None


def read_page(
    tx: Transaction, query: EventQuery, limits: PageLimits, accepts: Callable[[str], bool] | None = None
) -> EventPage:
    """The first events, in the query's direction, whose message `accepts` takes. Raises GroupMissing, StreamMissing."""
    found: list[LogEvent] = []
    answer_bytes = scan_bytes = 0
    last: Position | None = None
    for event in read(tx, query):
        size = len(event.message.encode(errors="replace")) + chunks.EVENT_OVERHEAD_BYTES
        wanted = accepts is None or accepts(event.message)
        full = len(found) == limits.events or (found and answer_bytes + size > limits.answer_bytes)
        if last is not None and ((wanted and full) or scan_bytes > limits.scan_bytes):
            return EventPage(events=found, stopped_at=last)
        if wanted:
            found.append(event)
            answer_bytes += size
        scan_bytes += size
        last = event.position
    return EventPage(events=found, stopped_at=None)


def read(tx: Transaction, query: EventQuery) -> Iterator[LogEvent]:
    """The events of a query, in order, read as far as the caller goes."""
    group = log_rows.group_id(tx, query.group)
    names = _stream_names(tx, group, query)
    sign = -1 if query.newest_first else 1
    waiting: list[tuple[Position, LogEvent]] = []
    for row in _chunk_rows(tx, group, query, names):
        edge_ms = sign * row["last_ms" if query.newest_first else "first_ms"]
        while waiting and waiting[0][0].at_ms < edge_ms:
            yield heapq.heappop(waiting)[1]
        for event in _events(row, names[row["stream_id"]]):
            if query.admits(event.position):
                heapq.heappush(waiting, (Position(*(sign * part for part in event.position)), event))
    while waiting:
        yield heapq.heappop(waiting)[1]


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
        "SELECT id, stream_id, first_ms, last_ms, ingested_ms, events FROM log_chunks"  # noqa: S608 - our own words and numbers
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


def _events(row: Row, stream: str) -> Iterator[LogEvent]:
    for index, (at_ms, message) in enumerate(chunks.decode(row["first_ms"], row["events"])):
        yield LogEvent(Position(at_ms, row["id"], index), stream, row["ingested_ms"], message)
