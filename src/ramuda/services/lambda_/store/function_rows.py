"""Functions and their versions.

functions          account, region, name | record
function_versions  account, region, name, version (0 is $LATEST) | code_bytes, unsettled, record
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from ramuda.kernel.codec import encode_json
from ramuda.kernel.ports.database import Row, Transaction
from ramuda.services.lambda_.model import LATEST, Deployment, Function, Version
from ramuda.services.lambda_.store import records, sealing

_functions = msgspec.json.Decoder(Function)
_versions = msgspec.json.Decoder(Version)


def add_function(tx: Transaction, function: Function) -> None:
    """Raises Conflict when the name is taken."""
    tx.execute(
        "INSERT INTO functions (account, region, name, record) VALUES (:account, :region, :name, :record)",
        {**key_of(function), "record": _text(function)},
    )


def put_function(tx: Transaction, function: Function) -> None:
    tx.execute(
        "UPDATE functions SET record = :record WHERE account = :account AND region = :region AND name = :name",
        {**key_of(function), "record": _text(function)},
    )


def function(tx: Transaction, account: str, region: str, name: str) -> Function | None:
    row = tx.fetch_one(
        "SELECT record FROM functions WHERE account = :account AND region = :region AND name = :name",
        {"account": account, "region": region, "name": name},
    )
    return None if row is None else _functions.decode(row["record"])


def functions(tx: Transaction, account: str, region: str) -> list[Function]:
    rows = tx.fetch_all(
        "SELECT record FROM functions WHERE account = :account AND region = :region ORDER BY name",
        {"account": account, "region": region},
    )
    return [_functions.decode(row["record"]) for row in rows]


def functions_with_reservation(tx: Transaction) -> list[Function]:
    """Of every account and region."""
    rows = tx.fetch_all("SELECT record FROM functions")
    found = (_functions.decode(row["record"]) for row in rows)
    return [function for function in found if function.reserved_concurrency is not None]


def delete_function(tx: Transaction, account: str, region: str, name: str) -> None:
    """The function, all its versions and what else is named after it."""
    key = {"account": account, "region": region, "name": name}
    for table in ("function_versions", "functions"):
        tx.execute(f"DELETE FROM {table} WHERE account = :account AND region = :region AND name = :name", key)  # noqa: S608 - one of two constants
    records.delete_of_function(tx, account, region, name)


def put_version(tx: Transaction, version: Version) -> None:
    tx.execute(
        "INSERT INTO function_versions (account, region, name, version, code_bytes, unsettled, record) "
        "VALUES (:account, :region, :name, :number, :code_bytes, :unsettled, :record) "
        "ON CONFLICT (account, region, name, version) DO UPDATE SET "
        "code_bytes = excluded.code_bytes, unsettled = excluded.unsettled, record = excluded.record",
        {
            **key_of(version),
            "number": version.number,
            "code_bytes": version.deployment.code.size,
            "unsettled": int(version.unsettled),
            "record": encode_json(sealing.sealed(version, tx.keyring)).decode(),
        },
    )


def version(tx: Transaction, account: str, region: str, name: str, version: str = LATEST) -> Version | None:
    """None too for what is neither `$LATEST` nor a number."""
    number = _number(version)
    if number is None:
        return None
    row = tx.fetch_one(
        "SELECT record FROM function_versions "
        "WHERE account = :account AND region = :region AND name = :name AND version = :number",
        {"account": account, "region": region, "name": name, "number": number},
    )
    return _version_or_none(tx, row)


def last_published(tx: Transaction, account: str, region: str, name: str) -> Version | None:
    row = tx.fetch_one(
        "SELECT record FROM function_versions "
        "WHERE account = :account AND region = :region AND name = :name AND version > 0 "
        "ORDER BY version DESC LIMIT 1",
        {"account": account, "region": region, "name": name},
    )
    return _version_or_none(tx, row)


def page_of_versions(
    tx: Transaction, account: str, region: str, *, after: tuple[str, int], limit: int, only_latest: bool
) -> list[Version]:
    """Up to `limit` versions of all functions, by name and number, that come after `after`."""
    condition = (
        "version = 0 AND name > :name" if only_latest else "(name > :name OR (name = :name AND version > :number))"
    )
    rows = tx.fetch_all(
        f"SELECT record FROM function_versions WHERE account = :account AND region = :region AND {condition} "  # noqa: S608 - one of two constants
        "ORDER BY name, version LIMIT :limit",
        {"account": account, "region": region, "name": after[0], "number": after[1], "limit": limit},
    )
    return [_version(tx, row) for row in rows]


def versions_of(
    tx: Transaction, account: str, region: str, name: str, *, after: int = -1, limit: int = 1_000_000
) -> list[Version]:
    rows = tx.fetch_all(
        "SELECT record FROM function_versions WHERE account = :account AND region = :region AND name = :name "
        "AND version > :after ORDER BY version LIMIT :limit",
        {"account": account, "region": region, "name": name, "after": after, "limit": limit},
    )
    return [_version(tx, row) for row in rows]


def unsettled_versions(tx: Transaction) -> list[Version]:
    """Of every account and region: what a crash left under way."""
    rows = tx.fetch_all("SELECT record FROM function_versions WHERE unsettled = 1")
    return [_version(tx, row) for row in rows]


def delete_version(tx: Transaction, account: str, region: str, name: str, version: str) -> None:
    """A version that is not there is no error."""
    tx.execute(
        "DELETE FROM function_versions "
        "WHERE account = :account AND region = :region AND name = :name AND version = :number",
        {"account": account, "region": region, "name": name, "number": _number(version)},
    )


def deployments(tx: Transaction) -> Iterable[Deployment]:
    """Of every version of every account: what may still be run."""
    for row in tx.fetch_all("SELECT record FROM function_versions"):
        version = _versions.decode(row["record"])
        yield version.deployment
        if version.previous is not None:
            yield version.previous


def key_of(record: Function | Version) -> dict[str, Any]:
    return {"account": record.account, "region": record.region, "name": record.name}


def _text(record: Function) -> str:
    return encode_json(record).decode()


def _number(version: str) -> int | None:
    if version == LATEST:
        return 0
    # A number of more digits than a 64-bit column holds is no version that was ever published.
    is_number = version.isascii() and version.isdecimal() and version[0] != "0" and len(version) < 19
    return int(version) if is_number else None


def _version(tx: Transaction, row: Row) -> Version:
    return sealing.opened(_versions.decode(row["record"]), tx.keyring)


def _version_or_none(tx: Transaction, row: Row | None) -> Version | None:
    return None if row is None else _version(tx, row)
