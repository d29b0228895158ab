"""Content-addressed files: code archives, unpacked code, merged layers, large payloads."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class BlobStore(Protocol):
    """Files and folders named by what they hold. A name is a key of `[a-z0-9-/]`, such as `code/<sha256 hex>`.

    Everything appears at once or not at all, also over a crash. All methods block; call them from a worker thread.
    """

    def put(self, key: str, data: bytes) -> Path:
        """Stores a file and syncs it. The same key again is a no-op."""
        ...

    def get(self, key: str) -> bytes:
        """Raises KeyError."""
        ...

    def path(self, key: str) -> Path | None:
        """Where a stored file or folder lies, or None."""
        ...

    def put_folder(self, key: str, fill: Callable[[Path], None]) -> Path:
        """Makes a folder: `fill` writes into an empty one, which then appears under `key`. The same key again is a
        no-op that does not call `fill`. Files end up readable and not writable by anybody."""
        ...

    def delete(self, key: str) -> None:
        """A missing key is no error."""
        ...
