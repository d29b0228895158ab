"""Lambda's tables, and nothing else that speaks SQL. Plain functions over an open transaction.

A record is the JSON of a class of `model`; the columns beside it are what is searched for. Tables (made by the
migrations of `storage`):

    functions          account, region, name | record
    function_versions  account, region, name, version (0 is $LATEST) | code_bytes, unsettled, record
    layers             account, region, name | last_version: numbers are never used twice
    layer_versions     account, region, name, version | code_bytes, record
    blobs              key: every blob that was ever begun
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from ramuda.kernel.codec import encode_json
from ramuda.kernel.ports.database import Row, Transaction
from ramuda.services.lambda_.model import LATEST, CodeRef, Deployment, Function, LayerVersion, Version

Key = dict[str, Any]

_functions = msgspec.json.Decoder(Function)
_versions = msgspec.json.Decoder(Version)
_layer_versions = msgspec.json.Decoder(LayerVersion)


def key_of(record: Function | Version | LayerVersion) -> Key:
    return {"account": record.account, "region": record.region, "name": record.name}


# --- functions


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
    """The function and all its versions."""
    key = {"account": account, "region": region, "name": name}
    for table in ("function_versions", "functions"):
        tx.execute(f"DELETE FROM {table} WHERE account = :account AND region = :region AND name = :name", key)  # noqa: S608 - one of two constants


# --- versions


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
            "record": _text(version),
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
    return _version_or_none(row)


def last_published(tx: Transaction, account: str, region: str, name: str) -> Version | None:
    row = tx.fetch_one(
        "SELECT record FROM function_versions "
        "WHERE account = :account AND region = :region AND name = :name AND version > 0 "
        "ORDER BY version DESC LIMIT 1",
        {"account": account, "region": region, "name": name},
    )
    return _version_or_none(row)


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
    return [_versions.decode(row["record"]) for row in rows]


def versions_of(
    tx: Transaction, account: str, region: str, name: str, *, after: int = -1, limit: int = 1_000_000
) -> list[Version]:
    rows = tx.fetch_all(
        "SELECT record FROM function_versions WHERE account = :account AND region = :region AND name = :name "
        "AND version > :after ORDER BY version LIMIT :limit",
        {"account": account, "region": region, "name": name, "after": after, "limit": limit},
    )
    return [_versions.decode(row["record"]) for row in rows]


def unsettled_versions(tx: Transaction) -> list[Version]:
    """Of every account and region: what a crash left under way."""
    rows = tx.fetch_all("SELECT record FROM function_versions WHERE unsettled = 1")
    return [_versions.decode(row["record"]) for row in rows]


def delete_version(tx: Transaction, account: str, region: str, name: str, version: str) -> None:
    """A version that is not there is no error."""
    tx.execute(
        "DELETE FROM function_versions "
        "WHERE account = :account AND region = :region AND name = :name AND version = :number",
        {"account": account, "region": region, "name": name, "number": _number(version)},
    )


# --- layers


def next_layer_version(tx: Transaction, account: str, region: str, name: str) -> int:
    key = {"account": account, "region": region, "name": name}
    tx.execute(
        "INSERT INTO layers (account, region, name, last_version) VALUES (:account, :region, :name, 1) "
        "ON CONFLICT (account, region, name) DO UPDATE SET last_version = layers.last_version + 1",
        key,
    )
    row = tx.fetch_one(
        "SELECT last_version FROM layers WHERE account = :account AND region = :region AND name = :name", key
    )
    assert row is not None
    return int(row["last_version"])


def add_layer_version(tx: Transaction, layer: LayerVersion) -> None:
    tx.execute(
        "INSERT INTO layer_versions (account, region, name, version, code_bytes, record) "
        "VALUES (:account, :region, :name, :version, :code_bytes, :record)",
        {**key_of(layer), "version": layer.version, "code_bytes": layer.code.size, "record": _text(layer)},
    )


def layer_version(tx: Transaction, account: str, region: str, name: str, version: int) -> LayerVersion | None:
    row = tx.fetch_one(
        "SELECT record FROM layer_versions "
        "WHERE account = :account AND region = :region AND name = :name AND version = :version",
        {"account": account, "region": region, "name": name, "version": version},
    )
    return None if row is None else _layer_versions.decode(row["record"])


def layer_versions(tx: Transaction, account: str, region: str, name: str | None = None) -> list[LayerVersion]:
    """Of one layer or of all, by name, newest first."""
    rows = tx.fetch_all(
        "SELECT record FROM layer_versions WHERE account = :account AND region = :region "
        "AND (:all_names = 1 OR name = :name) ORDER BY name, version DESC",
        {"account": account, "region": region, "all_names": int(name is None), "name": name or ""},
    )
    return [_layer_versions.decode(row["record"]) for row in rows]


def delete_layer_version(tx: Transaction, account: str, region: str, name: str, version: int) -> None:
    """A version that is not there is no error."""
    tx.execute(
        "DELETE FROM layer_versions "
        "WHERE account = :account AND region = :region AND name = :name AND version = :version",
        {"account": account, "region": region, "name": name, "version": version},
    )


# --- account


def code_bytes(tx: Transaction, account: str, region: str) -> int:
    """What all versions and layer versions add up to, zipped: TotalCodeSize."""
    key = {"account": account, "region": region}
    total = 0
    for table in ("function_versions", "layer_versions"):
        row = tx.fetch_one(
            f"SELECT COALESCE(SUM(code_bytes), 0) AS total FROM {table} WHERE account = :account AND region = :region",  # noqa: S608 - one of two constants
            key,
        )
        assert row is not None
        total += int(row["total"])
    return total


# --- blobs


def add_blobs(tx: Transaction, keys: Iterable[str]) -> None:
    tx.execute_many("INSERT INTO blobs (key) VALUES (:key) ON CONFLICT (key) DO NOTHING", [{"key": k} for k in keys])


def drop_blob(tx: Transaction, *, key: str) -> None:
    tx.execute("DELETE FROM blobs WHERE key = :key", {"key": key})


def blobs(tx: Transaction) -> set[str]:
    return {row["key"] for row in tx.fetch_all("SELECT key FROM blobs")}


def deployments(tx: Transaction) -> Iterable[Deployment]:
    """Of every version of every account: what may still be run."""
    for row in tx.fetch_all("SELECT record FROM function_versions"):
        version = _versions.decode(row["record"])
        yield version.deployment
        if version.previous is not None:
            yield version.previous


def layer_codes(tx: Transaction) -> Iterable[CodeRef]:
    """Of every layer version of every account."""
    for row in tx.fetch_all("SELECT record FROM layer_versions"):
        yield _layer_versions.decode(row["record"]).code


def _text(record: Function | Version | LayerVersion) -> str:
    return encode_json(record).decode()


def _number(version: str) -> int | None:
    if version == LATEST:
        return 0
    # A number of more digits than a 64-bit column holds is no version that was ever published.
    is_number = version.isascii() and version.isdecimal() and version[0] != "0" and len(version) < 19
    return int(version) if is_number else None


def _version_or_none(row: Row | None) -> Version | None:
    return None if row is None else _versions.decode(row["record"])
