"""Reader threads: each has a connection of its own and sees, in WAL mode, a snapshot that no writer disturbs."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.database import Transaction
from ramuda.kernel.ports.keyring import Keyring
from ramuda.storage.sqlite.connection import SqliteTransaction, Sync, connect, wrapped

READERS = 4

T = TypeVar("T")


class Readers:
    """Opens a connection when more reads run at once than ever before, up to `READERS`."""

    def __init__(self, engine: Engine, sync: Sync, name: str, keyring: Keyring | None = None) -> None:
        self._engine = engine
        self._keyring = keyring
        self._sync = sync
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix=name)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        try:
            future = self._threads.submit(self._perform, work)
        except RuntimeError as e:
            raise PortError("the database is closed") from e
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Waits for the reads under way. Blocks."""
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get().close()

    def _perform(self, work: Callable[[Transaction], T]) -> T:
        connection = self._connection()
        try:
            with wrapped("BEGIN"):
                connection.exec_driver_sql("BEGIN")
            try:
                return work(SqliteTransaction(connection, self._keyring))
            finally:
                with wrapped("ROLLBACK"):
                    connection.exec_driver_sql("ROLLBACK")
        finally:
            self._idle.put(connection)

    def _connection(self) -> Connection:
        if self._idle.empty():
            return connect(self._engine, sync=self._sync, read_only=True)
        return self._idle.get()
