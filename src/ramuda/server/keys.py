"""The access keys of a data directory, for `ramuda keys`: the one way in that needs no key.

Reading works beside a running server. Changing needs the directory for itself, because a running server keeps its keys
in memory; ask that server's IAM API instead.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ramuda.authz.credentials import CredentialStore
from ramuda.kernel.clock import SystemClock
from ramuda.server.data_dir import DataDir
from ramuda.storage.sqlite import SqliteDatabase

UNUSED_SECRET = bytes(32)
"""Temporary keys are made from the server's secret; long-term ones are not."""


@asynccontextmanager
async def open_keys(data_dir: Path, *, for_change: bool) -> AsyncIterator[CredentialStore]:
    """The keys in `data_dir`. Raises ConfigError when they are to be changed and a server has the directory."""
    held = DataDir(data_dir) if for_change else None
    try:
        database = SqliteDatabase.open(data_dir / "state.db", schema="state", sync="full")
        try:
            store = CredentialStore(database, UNUSED_SECRET, SystemClock())
            await store.load()
            yield store
        finally:
            await database.close()
    finally:
        if held is not None:
            held.release()
