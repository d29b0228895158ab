"""Connections to a SQLite file, transactions over them, and the one place where SQLAlchemy's exceptions become ours."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy.engine import URL, Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.database import Conflict, Row
from ramuda.kernel.ports.keyring import Keyring

Sync: TypeAlias = Literal["full", "normal"]

BUSY_TIMEOUT_MS = 5_000  # another process may hold the lock for a moment: a backup, a shell
_UNIQUENESS = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"}
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def engine(path: Path) -> Engine:
    """Begins and ends no transaction by itself: the statements BEGIN and COMMIT are written where they are meant."""
    return create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        hide_parameters=True,  # of errors: a traceback in a log would tell secrets and payloads
        connect_args={"check_same_thread": False},  # opened by one thread, then used by one other
    )


def connect(engine: Engine, *, sync: Sync, read_only: bool = False) -> Connection:
    with wrapped("open the database"):
        connection = engine.connect()
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            f"synchronous = {sync.upper()}",
            "foreign_keys = ON",
            f"query_only = {'ON' if read_only else 'OFF'}",
        ):
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        return connection


class SqliteTransaction:
    """Implements `ports.database.Transaction` over a connection in which a transaction is open.

    Statements go to the driver as they are: `:name` is a form of parameter that SQLite knows itself.
    """

    def __init__(self, connection: Connection, keyring: Keyring | None = None) -> None:
        self._connection = connection
        self._keyring = keyring

    @property
    def keyring(self) -> Keyring | None:
        return self._keyring

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        with wrapped(sql):
            return self._connection.exec_driver_sql(sql, dict(params or {})).rowcount

    def execute_many(self, sql: str, params: Iterable[Mapping[str, Any]]) -> None:
        rows = [dict(row) for row in params]
        if rows:
            with wrapped(sql):
                self._connection.exec_driver_sql(sql, rows)

    def fetch_all(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]:
        with wrapped(sql):
            result = self._connection.exec_driver_sql(sql, dict(params or {}))
            names = tuple(result.keys())
            return [dict(zip(names, row, strict=True)) for row in result.all()]

    def fetch_one(self, sql: str, params: Mapping[str, Any] | None = None) -> Row | None:
        with wrapped(sql):
            result = self._connection.exec_driver_sql(sql, dict(params or {}))
            row = result.first()
            return None if row is None else dict(zip(result.keys(), row, strict=True))


@contextmanager
def wrapped(what: str) -> Iterator[None]:
    """Raises Conflict or PortError for what SQLAlchemy raises inside. `what` is the statement, never its parameters:
    they may be secrets."""
    try:
        yield
    except IntegrityError as e:
        kind = Conflict if getattr(e.orig, "sqlite_errorname", "") in _UNIQUENESS else PortError
        raise kind(f"{e.orig} in: {what}") from e
    except DBAPIError as e:
        code = getattr(e.orig, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary result code
        raise PortError(f"{e.orig} in: {what}", retryable=code in _PASSING) from e
    except (SQLAlchemyError, OverflowError) as e:  # the driver refuses integers of more than 64 bits itself
        raise PortError(f"{e} in: {what}") from e
