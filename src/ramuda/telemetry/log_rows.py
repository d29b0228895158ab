"""Log groups, streams and chunks as rows: the statements that find, make and remove them."""

from typing import Any

from ramuda.kernel.codec import decode_json, encode_json
from ramuda.kernel.ports.database import Row, Transaction
from ramuda.telemetry import chunks
from ramuda.telemetry.model import GroupMissing, GroupRef, LogGroup, StreamDescription, StreamMissing, StreamQuery

_RECORD_VERSION = 1

_GROUP = (
    "SELECT g.id, g.account, g.region, g.name, g.created_ms, g.retention_days, g.record,"
    " (SELECT COALESCE(SUM(s.stored_bytes), 0) FROM log_streams s WHERE s.group_id = g.id) AS stored_bytes"
    " FROM log_groups g WHERE g.account = :account AND g.region = :region"
)


def group_of_row(row: Row) -> LogGroup:
    record = decode_json(row["record"])
    return LogGroup(
        ref=GroupRef(row["account"], row["region"], row["name"]),
        created_ms=row["created_ms"],
        retention_days=row["retention_days"],
        tags=record["tags"],
        kms_key_id=record["kms_key_id"],
        log_class=record["log_class"],
        deletion_protected=record["deletion_protected"],
        stored_bytes=row["stored_bytes"],
    )


def stream_of_row(row: Row) -> StreamDescription:
    return StreamDescription(
        name=row["name"],
        created_ms=row["created_ms"],
        first_ms=row["first_ms"],
        last_ms=row["last_ms"],
        ingested_ms=row["ingested_ms"],
    )


def find_group_id(tx: Transaction, ref: GroupRef) -> int | None:
    row = tx.fetch_one(
        "SELECT id FROM log_groups WHERE account = :account AND region = :region AND name = :name", ref._asdict()
    )
    return None if row is None else int(row["id"])


def group_id(tx: Transaction, ref: GroupRef) -> int:
    """Raises GroupMissing."""
    found = find_group_id(tx, ref)
    if found is None:
        raise GroupMissing(ref.name)
    return found


def find_stream_id(tx: Transaction, group: int, name: str) -> int | None:
    row = tx.fetch_one(
        "SELECT id FROM log_streams WHERE group_id = :group_id AND name = :name", {"group_id": group, "name": name}
    )
    return None if row is None else int(row["id"])


def stream_id(tx: Transaction, group: int, name: str) -> int:
    """Raises StreamMissing."""
    found = find_stream_id(tx, group, name)
    if found is None:
        raise StreamMissing(name)
    return found


def read_group(tx: Transaction, ref: GroupRef) -> LogGroup:
    """Raises GroupMissing."""
    row = tx.fetch_one(f"{_GROUP} AND g.name = :name", ref._asdict())
    if row is None:
        raise GroupMissing(ref.name)
    return group_of_row(row)


def read_groups(
    tx: Transaction, account: str, region: str, *, after: str, prefix: str, containing: str, limit: int
) -> list[LogGroup]:
    """In the order of their names, from the first after `after`, with their case."""
    rows = tx.fetch_all(
        f"{_GROUP} AND g.name > :after AND SUBSTR(g.name, 1, :prefix_length) = :prefix"
        " AND (:containing = '' OR REPLACE(g.name, :containing, '') <> g.name) ORDER BY g.name LIMIT :limit",
        {
            "account": account,
            "region": region,
            "after": after,
            "prefix": prefix,
            "prefix_length": len(prefix),
            "containing": containing,
            "limit": limit,
        },
    )
    return [group_of_row(row) for row in rows]


def insert_group(tx: Transaction, group: LogGroup) -> None:
    """Raises Conflict when there is one of this name."""
    tx.execute(
        "INSERT INTO log_groups (account, region, name, created_ms, retention_days, record)"
        " VALUES (:account, :region, :name, :created_ms, :retention_days, :record)",
        {**group.ref._asdict(), "created_ms": group.created_ms, **_changeable(group)},
    )


def update_group(tx: Transaction, group: LogGroup) -> None:
    tx.execute(
        "UPDATE log_groups SET retention_days = :retention_days, record = :record"
        " WHERE account = :account AND region = :region AND name = :name",
        {**group.ref._asdict(), **_changeable(group)},
    )


def _changeable(group: LogGroup) -> dict[str, Any]:
    record = {
        "version": _RECORD_VERSION,
        "tags": group.tags,
        "kms_key_id": group.kms_key_id,
        "log_class": group.log_class,
        "deletion_protected": group.deletion_protected,
    }
    return {"retention_days": group.retention_days, "record": encode_json(record).decode()}


def delete_group(tx: Transaction, group: int) -> None:
    for statement in (
        "DELETE FROM log_chunks WHERE group_id = :group",
        "DELETE FROM log_streams WHERE group_id = :group",
        "DELETE FROM log_groups WHERE id = :group",
    ):
        tx.execute(statement, {"group": group})


def insert_stream(tx: Transaction, group: int, name: str, created_ms: int) -> None:
    """Raises Conflict when there is one of this name."""
    tx.execute(
        "INSERT INTO log_streams (group_id, name, created_ms, stored_bytes) VALUES (:group_id, :name, :created_ms, 0)",
        {"group_id": group, "name": name, "created_ms": created_ms},
    )


def read_streams(tx: Transaction, query: StreamQuery) -> list[StreamDescription]:
    direction = "DESC" if query.descending else "ASC"
    order = f"name {direction}"
    if query.order == "last_event":
        order = f"COALESCE(last_ms, 0) {direction}, {order}"
    rows = tx.fetch_all(
        "SELECT * FROM log_streams WHERE group_id = :group AND SUBSTR(name, 1, :prefix_length) = :prefix"  # noqa: S608 - our own words and numbers
        f" ORDER BY {order} LIMIT :limit OFFSET :skip",
        {
            "group": group_id(tx, query.group),
            "prefix": query.prefix,
            "prefix_length": len(query.prefix),
            "limit": query.limit,
            "skip": query.skip,
        },
    )
    return [stream_of_row(row) for row in rows]


def delete_stream(tx: Transaction, stream: int) -> None:
    tx.execute("DELETE FROM log_chunks WHERE stream_id = :stream", {"stream": stream})
    tx.execute("DELETE FROM log_streams WHERE id = :stream", {"stream": stream})


def append_events(tx: Transaction, group: int, stream: int, events: list[tuple[int, str]], ingested_ms: int) -> bool:
    """Adds events, at least one, to a stream. False, and nothing is added, when there is no such stream any more."""
    made = list(chunks.split(events))
    changed = tx.execute(
        "UPDATE log_streams SET stored_bytes = stored_bytes + :stored_bytes, ingested_ms = :ingested_ms,"
        " first_ms = CASE WHEN first_ms < :first_ms THEN first_ms ELSE :first_ms END,"
        " last_ms = CASE WHEN last_ms > :last_ms THEN last_ms ELSE :last_ms END WHERE id = :stream",
        {
            "stream": stream,
            "stored_bytes": sum(chunk.stored_bytes for chunk in made),
            "ingested_ms": ingested_ms,
            "first_ms": made[0].first_ms,
            "last_ms": made[-1].last_ms,
        },
    )
    if not changed:
        return False
    tx.execute_many(
        "INSERT INTO log_chunks (group_id, stream_id, first_ms, last_ms, ingested_ms, stored_bytes, events)"
        " VALUES (:group_id, :stream_id, :first_ms, :last_ms, :ingested_ms, :stored_bytes, :events)",
        [{"group_id": group, "stream_id": stream, "ingested_ms": ingested_ms, **chunk._asdict()} for chunk in made],
    )
    return True
