"""What belongs to a function, a layer or an account beside its versions: aliases, policies, URLs, mappings ...

    lambda_records  kind, account, region, name, qualifier | record

`name` is the function's, or the layer's, or an id; `qualifier` is an alias, a version, or empty. One `Records` per
kind; records are JSON of a class of `model`.
"""

from typing import Generic, TypeVar

import msgspec

from ramuda.kernel.codec import encode_json
from ramuda.kernel.ports.database import Transaction

T = TypeVar("T")

OF_A_FUNCTION = ("alias", "policy", "event-invoke-config", "provisioned-concurrency", "url")
"""Kinds that are named after a function and go with it."""

_KEY = "kind = :kind AND account = :account AND region = :region AND name = :name AND qualifier = :qualifier"


class Records(Generic[T]):
    """One kind of record."""

    def __init__(self, kind: str, record_type: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(record_type)

    def put(self, tx: Transaction, account: str, region: str, name: str, qualifier: str, record: T) -> None:
        """Adds or replaces."""
        tx.execute(
            "INSERT INTO lambda_records (kind, account, region, name, qualifier, record) "
            "VALUES (:kind, :account, :region, :name, :qualifier, :record) "
            "ON CONFLICT (kind, account, region, name, qualifier) DO UPDATE SET record = excluded.record",
            {**self._key(account, region, name, qualifier), "record": encode_json(record).decode()},
        )

    def get(self, tx: Transaction, account: str, region: str, name: str, qualifier: str = "") -> T | None:
        row = tx.fetch_one(
            f"SELECT record FROM lambda_records WHERE {_KEY}",  # noqa: S608 - a constant
            self._key(account, region, name, qualifier),
        )
        return None if row is None else self._decoder.decode(row["record"])

    def of(self, tx: Transaction, account: str, region: str, name: str) -> list[T]:
        """All of one name, by qualifier."""
        rows = tx.fetch_all(
            "SELECT record FROM lambda_records WHERE kind = :kind AND account = :account AND region = :region "
            "AND name = :name ORDER BY qualifier",
            {"kind": self._kind, "account": account, "region": region, "name": name},
        )
        return [self._decoder.decode(row["record"]) for row in rows]

    def all(self, tx: Transaction, account: str | None = None, region: str | None = None) -> list[T]:
        """Of one account and region, or of all, by name and qualifier."""
        rows = tx.fetch_all(
            "SELECT record FROM lambda_records WHERE kind = :kind AND (:everywhere = 1 OR "
            "(account = :account AND region = :region)) ORDER BY account, region, name, qualifier",
            {"kind": self._kind, "everywhere": int(account is None), "account": account or "", "region": region or ""},
        )
        return [self._decoder.decode(row["record"]) for row in rows]

    def delete(self, tx: Transaction, account: str, region: str, name: str, qualifier: str = "") -> bool:
        """Whether there was one."""
        key = self._key(account, region, name, qualifier)
        return tx.execute(f"DELETE FROM lambda_records WHERE {_KEY}", key) > 0  # noqa: S608 - a constant

    def _key(self, account: str, region: str, name: str, qualifier: str) -> dict[str, str]:
        return {"kind": self._kind, "account": account, "region": region, "name": name, "qualifier": qualifier}


def delete_of_function(tx: Transaction, account: str, region: str, name: str) -> None:
    """Everything that goes with a function."""
    for kind in OF_A_FUNCTION:
        tx.execute(
            "DELETE FROM lambda_records WHERE kind = :kind AND account = :account AND region = :region "
            "AND name = :name",
            {"kind": kind, "account": account, "region": region, "name": name},
        )


def delete_of_qualifier(tx: Transaction, account: str, region: str, name: str, qualifier: str) -> None:
    """What goes with a version or an alias of a function. A URL stays: it answers 403 from then on (recorded)."""
    for kind in OF_A_FUNCTION:
        if kind != "url":
            tx.execute(
                f"DELETE FROM lambda_records WHERE {_KEY}",  # noqa: S608 - a constant
                {"kind": kind, "account": account, "region": region, "name": name, "qualifier": qualifier},
            )
