"""`SqliteDatabase`: opening a file at the newest form of its tables, and the two ways in."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import Engine

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.database import Transaction
from ramuda.storage import migrations
from ramuda.storage.migrations import Schema
from ramuda.storage.sqlite.connection import Sync, connect, engine, wrapped
from ramuda.storage.sqlite.readers import Readers
from ramuda.storage.sqlite.writer import Writer

T = TypeVar("T")


class SqliteDatabase:
    """Implements `ports.database.Database`. Made by `open`."""

    def __init__(self, opened: Engine, writer: Writer, readers: Readers) -> None:
        self._engine = opened
        self._writer = writer
        self._readers = readers

    @classmethod
    def open(cls, path: Path, *, schema: Schema, sync: Sync = "full") -> "SqliteDatabase":
        """Opens the file, makes it where there is none, and brings its tables up to date. Blocks.

        The file is readable by its owner alone. Raises ConfigError when a newer Ramuda has written it or it is not a
        database of `schema`, PortError when it cannot be opened."""
        _make_private(path)
        opened = engine(path)
        connection = connect(opened, sync=sync)
        try:
            with wrapped(f"bring {path} up to date"):
                migrations.upgrade(connection, schema, str(path))
        except BaseException:
            connection.close()
            opened.dispose()
            raise
        return cls(opened, Writer(connection, f"{schema}-writer"), Readers(opened, sync, f"{schema}-reader"))

    async def write(self, work: Callable[[Transaction], T]) -> T:
        return await self._writer.write(work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._readers.read(work)

    async def close(self) -> None:
        """Finishes what was asked before; later calls raise PortError."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._readers.close()
        self._engine.dispose()


def _make_private(path: Path) -> None:
    """SQLite gives its journal files the mode of the database file."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        path.chmod(0o600)
    except OSError as e:
        raise PortError(f"cannot open the database: {e}") from e
