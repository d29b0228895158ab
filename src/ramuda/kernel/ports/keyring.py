"""Sealing what must not be readable on the disk. Adapter: `storage.keyring`."""

from typing import Protocol

from ramuda.kernel.errors import PortError


class UnknownKey(PortError):  # noqa: N818 - a state of the keyring, which callers expect
    """`key` names one that was not added."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key!r} is not at hand")
        self.key = key


class Keyring(Protocol):
    """Keys by name; the empty name is the server's own, which lies in the data directory. Safe to use from threads."""

    def seal(self, data: bytes, *, context: str, key: str = "") -> str:
        """Text that only `unseal` with the same `context` (what the data belongs to) can read. Raises UnknownKey."""
        ...

    def unseal(self, sealed: str, *, context: str) -> bytes:
        """Raises UnknownKey, or PortError for what was not sealed so."""
        ...

    def add(self, key: str, secret: bytes) -> None:
        """A key of 32 bytes, for as long as this process lives."""
        ...

    def has(self, key: str) -> bool: ...
