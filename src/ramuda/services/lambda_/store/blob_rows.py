"""What code takes up, and every blob that was ever begun.

blobs  key
"""

from collections.abc import Iterable

from ramuda.kernel.ports.database import Transaction


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


def add_blobs(tx: Transaction, keys: Iterable[str]) -> None:
    tx.execute_many("INSERT INTO blobs (key) VALUES (:key) ON CONFLICT (key) DO NOTHING", [{"key": k} for k in keys])


def drop_blob(tx: Transaction, *, key: str) -> None:
    tx.execute("DELETE FROM blobs WHERE key = :key", {"key": key})


def blobs(tx: Transaction) -> set[str]:
    return {row["key"] for row in tx.fetch_all("SELECT key FROM blobs")}
