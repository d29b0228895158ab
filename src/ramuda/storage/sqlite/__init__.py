"""The embedded database: SQLite in WAL mode behind `kernel.ports.database.Database`.

    loop --write--> queue --> writer thread: BEGIN [SAVEPOINT work RELEASE]... COMMIT   one sync for all that waited
    loop --read---> reader threads, each with a connection of its own: BEGIN work ROLLBACK

Invariants: only the writer thread writes; a write is answered after the commit that holds it, never before; a reader
sees one snapshot from begin to end. With `sync="full"` a commit survives the loss of power, with `sync="normal"` only
the end of the process.

https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous
"""

from ramuda.storage.sqlite.database import SqliteDatabase

__all__ = ["SqliteDatabase"]
