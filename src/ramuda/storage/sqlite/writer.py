"""The writer thread: takes whatever waits, runs it in one transaction, syncs once, then answers everybody.

Each piece of work has a savepoint of its own, so that one that fails takes back only what it did itself. Where SQLite
gives up the whole transaction (disk full, I/O error) or the commit fails, all of the batch failed and nothing of it
is stored."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.database import Transaction
from ramuda.kernel.ports.keyring import Keyring
from ramuda.storage.sqlite.connection import SqliteTransaction, wrapped

BATCH_MAX = 512  # bounds how long the first of a batch waits for the last

T = TypeVar("T")


@dataclass(slots=True)
class _Write(Generic[T]):
    work: Callable[[Transaction], T]
    future: asyncio.Future[T]
    result: T | None = None
    error: BaseException | None = None

    def answer(self) -> None:
        if self.future.done():  # whoever asked was cancelled meanwhile; the write stands
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # T may be None itself


class Writer:
    """Owns the only connection that writes."""

    def __init__(self, connection: Connection, name: str, keyring: Keyring | None = None) -> None:
        self._connection = connection
        self._keyring = keyring
        self._queue: SimpleQueue[_Write[Any] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._closing = Lock()  # so that nothing is queued behind the end of the queue
        self._closed = False
        self._thread.start()

    async def write(self, work: Callable[[Transaction], T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._closing:
            if self._closed:
                raise PortError("the database is closed")
            self._queue.put(_Write(work, future))
        return await future

    def close(self) -> None:
        """Waits until everything queued is written. Blocks."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        more = True
        while more:
            batch, more = self._take()
            if batch:
                self._perform(batch)
                _answer(batch)
        self._connection.close()

    def _take(self) -> tuple[list[_Write[Any]], bool]:
        """What waits now, at least one; False at the end of the queue."""
        batch: list[_Write[Any]] = []
        while True:
            item = self._queue.get()
            if item is None:
                return batch, False
            batch.append(item)
            if len(batch) == BATCH_MAX or self._queue.empty():
                return batch, True

    def _perform(self, batch: list[_Write[Any]]) -> None:
        try:
            self._statement("BEGIN IMMEDIATE")
            for write in batch:
                self._perform_one(write)
            self._statement("COMMIT")
        except Exception as e:  # noqa: BLE001 - the boundary of a batch: the thread must outlive it
            for write in batch:
                write.error = write.error or e
            self._abandon()

    def _perform_one(self, write: _Write[Any]) -> None:
        """Raises when the transaction as a whole is lost."""
        self._statement("SAVEPOINT work")
        try:
            write.result = write.work(SqliteTransaction(self._connection, self._keyring))
        except BaseException as e:  # noqa: BLE001 - whatever the work raises belongs to who asked for it
            write.error = e
            self._statement("ROLLBACK TO work")
        self._statement("RELEASE work")

    def _abandon(self) -> None:
        """Ends what is left of a failed transaction, so that the next can begin."""
        with suppress(PortError):  # SQLite has rolled back already, or never began
            self._statement("ROLLBACK")

    def _statement(self, sql: str) -> None:
        with wrapped(sql):
            self._connection.exec_driver_sql(sql)


def _answer(batch: list[_Write[Any]]) -> None:
    """Resolves the futures on their own loops: one wake-up per loop, not one per write."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Write[Any]]] = {}
    for write in batch:
        by_loop.setdefault(write.future.get_loop(), []).append(write)
    for loop, writes in by_loop.items():
        with suppress(RuntimeError):  # the loop has ended, and with it everybody who waited
            loop.call_soon_threadsafe(_answer_all, writes)


def _answer_all(writes: list[_Write[Any]]) -> None:
    for write in writes:
        write.answer()
