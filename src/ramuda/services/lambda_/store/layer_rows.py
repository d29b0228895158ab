"""Layer versions.

layers          account, region, name | last_version: numbers are never used twice
layer_versions  account, region, name, version | code_bytes, record
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from ramuda.kernel.codec import encode_json
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_.model import CodeRef, LayerVersion
from ramuda.services.lambda_.store import tables

_layer_versions = msgspec.json.Decoder(LayerVersion)


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
        {
            **_key_of(layer),
            "version": layer.version,
            "code_bytes": layer.code.size,
            "record": encode_json(layer).decode(),
        },
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
    """With its policy. A version that is not there is no error."""
    tx.execute(
        "DELETE FROM layer_versions "
        "WHERE account = :account AND region = :region AND name = :name AND version = :version",
        {"account": account, "region": region, "name": name, "version": version},
    )
    tables.layer_policies.delete(tx, account, region, name, str(version))


def layer_codes(tx: Transaction) -> Iterable[CodeRef]:
    """Of every layer version of every account."""
    for row in tx.fetch_all("SELECT record FROM layer_versions"):
        yield _layer_versions.decode(row["record"]).code


def _key_of(layer: LayerVersion) -> dict[str, Any]:
    return {"account": layer.account, "region": layer.region, "name": layer.name}
