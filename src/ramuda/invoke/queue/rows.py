"""Events and deliveries as they lie in the database.

lambda_events      sequence | account, region, name, qualifier, request_id, payload, trace, accepted_at, due_at,
                   attempts, refusals, answer, answer_version, answer_is_error
lambda_deliveries  id | target, delivery, made_at, due_at, attempts

`due_at` NULL: this process has it in memory; a start makes it due (`recover`). Instants are seconds since the epoch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from ramuda.invoke.decide import Progress
from ramuda.invoke.destinations.record import Answer
from ramuda.invoke.queue.event import Event
from ramuda.kernel.codec import encode_json
from ramuda.kernel.function import FunctionRef
from ramuda.kernel.ports.database import Row, Transaction
from ramuda.kernel.ports.target import Delivery

FunctionKey: TypeAlias = tuple[str, str, str]
"""Account, region, name."""

ROWS_TOGETHER = 64
"""Rows in one statement, whose text is kept for each number of them."""

EVENT_BYTES = 512
"""What an event takes up beside its payload."""

_deliveries = msgspec.json.Decoder(Delivery)

_OF_FUNCTION = "account = :account AND region = :region AND name = :name AND due_at IS NOT NULL"


@dataclass(slots=True, kw_only=True)
class Errand:
    """A stored delivery: to `target`, an ARN; tried `attempts` times since `made_at_s`."""

    delivery: Delivery
    target: str
    made_at_s: float
    attempts: int = 0

    @property
    def is_dead_letter(self) -> bool:
        return self.delivery.kind == "DeadLetter"


def recover(tx: Transaction) -> None:
    """What a crash left half done is due again."""
    tx.execute("UPDATE lambda_events SET due_at = accepted_at WHERE due_at IS NULL")
    tx.execute("UPDATE lambda_deliveries SET due_at = made_at WHERE due_at IS NULL")


def last_sequence(tx: Transaction) -> int:
    row = tx.fetch_one("SELECT COALESCE(MAX(sequence), 0) AS last FROM lambda_events")
    return 0 if row is None else int(row["last"])


def backlog_bytes(tx: Transaction) -> int:
    """What all events take up, as `event_bytes` has it."""
    row = tx.fetch_one("SELECT COUNT(*) AS events, COALESCE(SUM(LENGTH(payload)), 0) AS size FROM lambda_events")
    return 0 if row is None else int(row["size"]) + EVENT_BYTES * int(row["events"])


def event_bytes(event: Event) -> int:
    return len(event.payload) + EVENT_BYTES


def functions_with_events(tx: Transaction) -> list[tuple[FunctionKey, float]]:
    """Every function that has events in the database alone, and when the first is due."""
    rows = tx.fetch_all(
        "SELECT account, region, name, MIN(due_at) AS due_at FROM lambda_events WHERE due_at IS NOT NULL "
        "GROUP BY account, region, name"
    )
    return [((row["account"], row["region"], row["name"]), row["due_at"]) for row in rows]


def add_events(tx: Transaction, events: Sequence[tuple[Event, float | None]]) -> None:
    """Each with its `due_at`. Many rows in one statement: the writer's thread gives the interpreter up at each row of
    a statement repeated, and has to wait for it again while the event loop is busy."""
    for begin in range(0, len(events), ROWS_TOGETHER):
        chunk = events[begin : begin + ROWS_TOGETHER]
        params: dict[str, Any] = {}
        for i, (event, due_at_s) in enumerate(chunk):
            function = event.function
            params[f"s{i}"], params[f"a{i}"], params[f"r{i}"] = event.sequence, function.account, function.region
            params[f"n{i}"], params[f"q{i}"], params[f"i{i}"] = function.name, function.qualifier, event.request_id
            params[f"p{i}"], params[f"t{i}"] = event.payload, event.trace
            params[f"at{i}"], params[f"d{i}"] = event.progress.accepted_at_s, due_at_s
        tx.execute(_insert(len(chunk)), params)


def delete_events(tx: Transaction, sequences: Sequence[int]) -> None:
    for begin in range(0, len(sequences), ROWS_TOGETHER):
        among = ", ".join(str(int(sequence)) for sequence in sequences[begin : begin + ROWS_TOGETHER])
        tx.execute(f"DELETE FROM lambda_events WHERE sequence IN ({among})")  # noqa: S608 - numbers


def postpone_event(tx: Transaction, event: Event, due_at_s: float) -> None:
    answer = event.answer
    tx.execute(
        "UPDATE lambda_events SET due_at = :due_at, attempts = :attempts, refusals = :refusals, answer = :answer, "
        "answer_version = :version, answer_is_error = :is_error WHERE sequence = :sequence",
        {
            "sequence": event.sequence,
            "due_at": due_at_s,
            "attempts": event.progress.attempts,
            "refusals": event.progress.refusals,
            "answer": None if answer is None else answer.payload,
            "version": None if answer is None else answer.version,
            "is_error": None if answer is None else int(answer.is_error),
        },
    )


def take_events(
    tx: Transaction, function: FunctionKey, *, now_s: float, count: int, payload_bytes: int
) -> tuple[list[Event], float | None]:
    """Up to `count` events of a function that are due, in the order of their dues, and when the next one is. Their
    payloads add up to `payload_bytes` at most, unless the first alone is larger."""
    account, region, name = function
    key = {"account": account, "region": region, "name": name}
    sizes = tx.fetch_all(
        f"SELECT sequence, LENGTH(payload) AS size FROM lambda_events WHERE {_OF_FUNCTION} AND due_at <= :now "  # noqa: S608 - a constant
        "ORDER BY due_at, sequence LIMIT :count",
        {**key, "now": now_s, "count": count},
    )
    chosen = _within(sizes, payload_bytes)
    events: list[Event] = []
    if chosen:
        among = ", ".join(str(int(sequence)) for sequence in chosen)
        found = tx.fetch_all(f"SELECT * FROM lambda_events WHERE sequence IN ({among}) ORDER BY due_at, sequence")  # noqa: S608 - numbers
        events = [_event(row) for row in found]
        tx.execute(f"UPDATE lambda_events SET due_at = NULL WHERE sequence IN ({among})")  # noqa: S608 - numbers
    row = tx.fetch_one(f"SELECT MIN(due_at) AS due_at FROM lambda_events WHERE {_OF_FUNCTION}", key)  # noqa: S608 - a constant
    return events, None if row is None else row["due_at"]


def add_deliveries(tx: Transaction, errands: Iterable[tuple[Errand, float | None]]) -> None:
    """Each with its `due_at`."""
    tx.execute_many(
        "INSERT INTO lambda_deliveries (id, target, delivery, made_at, due_at, attempts) "
        "VALUES (:id, :target, :delivery, :made_at, :due_at, 0)",
        [
            {
                "id": errand.delivery.id,
                "target": errand.target,
                "delivery": encode_json(errand.delivery).decode(),
                "made_at": errand.made_at_s,
                "due_at": due_at_s,
            }
            for errand, due_at_s in errands
        ],
    )


def delete_deliveries(tx: Transaction, ids: Iterable[str]) -> None:
    tx.execute_many("DELETE FROM lambda_deliveries WHERE id = :id", [{"id": i} for i in ids])


def postpone_delivery(tx: Transaction, errand: Errand, due_at_s: float) -> None:
    tx.execute(
        "UPDATE lambda_deliveries SET due_at = :due_at, attempts = :attempts WHERE id = :id",
        {"id": errand.delivery.id, "due_at": due_at_s, "attempts": errand.attempts},
    )


def take_deliveries(tx: Transaction, *, now_s: float, count: int) -> tuple[list[Errand], float | None]:
    """Up to `count` deliveries that are due, and when the next one is."""
    rows = tx.fetch_all(
        "SELECT id, target, delivery, made_at, attempts FROM lambda_deliveries "
        "WHERE due_at <= :now ORDER BY due_at LIMIT :count",
        {"now": now_s, "count": count},
    )
    for row in rows:
        tx.execute("UPDATE lambda_deliveries SET due_at = NULL WHERE id = :id", {"id": row["id"]})
    errands = [
        Errand(
            delivery=_deliveries.decode(row["delivery"]),
            target=row["target"],
            made_at_s=row["made_at"],
            attempts=row["attempts"],
        )
        for row in rows
    ]
    return errands, next_delivery(tx)


def next_delivery(tx: Transaction) -> float | None:
    """When the next one is due that is in the database alone."""
    row = tx.fetch_one("SELECT MIN(due_at) AS due_at FROM lambda_deliveries WHERE due_at IS NOT NULL")
    return None if row is None else row["due_at"]


@lru_cache
def _insert(count: int) -> str:
    values = ", ".join(
        f"(:s{i}, :a{i}, :r{i}, :n{i}, :q{i}, :i{i}, :p{i}, :t{i}, :at{i}, :d{i}, 0, 0)" for i in range(count)
    )
    return (
        "INSERT INTO lambda_events (sequence, account, region, name, qualifier, request_id, payload, trace, "  # noqa: S608 - parameters
        f"accepted_at, due_at, attempts, refusals) VALUES {values}"
    )


def _within(sizes: Sequence[Row], payload_bytes: int) -> list[int]:
    chosen: list[int] = []
    for row in sizes:
        payload_bytes -= row["size"]
        if payload_bytes < 0 and chosen:
            break
        chosen.append(row["sequence"])
    return chosen


def _event(row: Row) -> Event:
    answer = None
    if row["answer"] is not None:
        answer = Answer(
            payload=bytes(row["answer"]), version=row["answer_version"], is_error=bool(row["answer_is_error"])
        )
    return Event(
        function=FunctionRef(
            account=row["account"], region=row["region"], name=row["name"], qualifier=row["qualifier"]
        ),
        request_id=row["request_id"],
        payload=bytes(row["payload"]),
        trace=row["trace"],
        progress=Progress(accepted_at_s=row["accepted_at"], attempts=row["attempts"], refusals=row["refusals"]),
        sequence=row["sequence"],
        answer=answer,
    )
