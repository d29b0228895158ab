"""Durable state. Adapters: `storage.sqlite` (embedded), later PostgreSQL.

Statements are SQL that SQLite and PostgreSQL both understand, with `:name` parameters. A store's functions are plain
synchronous functions over a `Transaction`; the adapter runs them on its own threads.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.keyring import Keyring

Row: TypeAlias = Mapping[str, Any]

T = TypeVar("T")


class Conflict(PortError):  # noqa: N818 - the state of a row, which callers expect
    """The row is there already."""


class Transaction(Protocol):
    """One open transaction. Raises PortError when the database fails, Conflict when a row breaks a uniqueness
    constraint."""

    @property
    def keyring(self) -> Keyring | None:
        """What seals secrets before they are stored; None where the database was opened without one."""
        ...

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """Runs a statement; returns the number of rows it changed."""
        ...

    def execute_many(self, sql: str, params: Iterable[Mapping[str, Any]]) -> None:
        """Runs a statement once per mapping."""
        ...

    def fetch_all(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]: ...

    def fetch_one(self, sql: str, params: Mapping[str, Any] | None = None) -> Row | None: ...


class Database(Protocol):
    """One database. `write` answers only after its commit is on disk; writes that wait together share one sync
    (group commit), each still all-or-nothing."""

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` in a transaction and commits it; an exception of `work` rolls it back alone and is raised
        here."""
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` on a consistent snapshot. `work` must not write."""
        ...

    def version(self) -> int:
        """Another number after every commit, also one of another process; meaningful within one opened database only.
        Cheap and without waiting, so that what is kept in memory can be compared with it at every use. Raises
        PortError."""
        ...

    async def close(self) -> None: ...
