"""A telemetry database of its own for each test, and a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ramuda.storage.sqlite import SqliteDatabase
from ramuda.telemetry import Telemetry
from ramuda.testing import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase.open(tmp_path / "telemetry.db", schema="telemetry", sync="normal")
    yield opened
    await opened.close()


@pytest.fixture
async def telemetry(database: SqliteDatabase, clock: ManualClock) -> AsyncIterator[Telemetry]:
    made = Telemetry(database, clock)
    yield made
    await made.stop()
