"""The access keys of a data directory, for `ramuda keys`: the one way in that needs no key.

Works beside a running server, which sees each change before it answers its next request (`CredentialStore.refresh`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ramuda.authz.credentials import CredentialStore
from ramuda.kernel.clock import SystemClock
from ramuda.server.data_dir import DataDir, DirInUse
from ramuda.storage.sqlite import SqliteDatabase

UNUSED_SECRET = bytes(32)
"""Temporary keys are made from the server's secret; long-term ones are not."""


@asynccontextmanager
async def open_keys(data_dir: Path) -> AsyncIterator[CredentialStore]:
    """The keys in `data_dir`. Raises ConfigError when it cannot be written or its server is of another version."""
    database = _open_database(data_dir)
    try:
        store = CredentialStore(database, UNUSED_SECRET, SystemClock())
        await store.refresh()
        yield store
    finally:
        await database.close()


def _open_database(data_dir: Path) -> SqliteDatabase:
    """Tables are changed only while no server has the directory: one that runs works with those it knows."""
    path = data_dir / "state.db"
    try:
        held = DataDir(data_dir)
    except DirInUse:
        return SqliteDatabase.open(path, schema="state", may_upgrade=False)
    try:
        return SqliteDatabase.open(path, schema="state")
    finally:
        held.release()
