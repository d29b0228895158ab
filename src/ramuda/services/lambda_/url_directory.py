"""Which function a URL leads to, in memory.

The ids of all URLs are known from the start, so that asking for others costs nothing. What a URL says and who may use
it is read when it is first asked for, and again when the database has changed meanwhile: a deleted function, a changed
policy count from the moment they were answered.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from ramuda.kernel.ports.database import Database, Transaction
from ramuda.services.lambda_.model import FunctionUrl
from ramuda.services.lambda_.store import tables

Key: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A URL and the statements of the resource policy that speaks of it."""

    url: FunctionUrl
    statements: tuple[dict[str, Any], ...]


class UrlDirectory:
    """URLs by their id."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys: dict[str, Key] = {}
        self._known: dict[str, tuple[int, Listed]] = {}

    async def load(self) -> None:
        for url in await self._database.read(tables.urls.all):
            self.add(url)

    def add(self, url: FunctionUrl) -> None:
        """A URL was made."""
        self._keys[url.url_id] = (url.account, url.region, url.name, url.qualifier)

    def drop(self, url: FunctionUrl) -> None:
        """A URL was deleted."""
        self._keys.pop(url.url_id, None)
        self._known.pop(url.url_id, None)

    def has(self, url_id: str) -> bool:
        return url_id in self._keys

    async def find(self, url_id: str) -> Listed | None:
        key = self._keys.get(url_id)
        if key is None:
            return None
        version = self._database.version()
        known = self._known.get(url_id)
        if known is not None and known[0] == version:
            return known[1]
        listed = await self._database.read(lambda tx: _read(tx, key))
        if listed is None or listed.url.url_id != url_id:
            self._keys.pop(url_id, None)
            self._known.pop(url_id, None)
            return None
        self._known[url_id] = (version, listed)
        return listed


def _read(tx: Transaction, key: Key) -> Listed | None:
    url = tables.urls.get(tx, *key)
    if url is None:
        return None
    policy = tables.policies.get(tx, *key)
    return Listed(url=url, statements=() if policy is None else policy.statements)
