"""The CloudWatch Logs API over a telemetry database of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ramuda.services import logs
from ramuda.telemetry import Telemetry
from ramuda.testing import ManualClock
from tests.unit.service_calls import Ask, asking, stored_telemetry


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def telemetry(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Telemetry]:
    async with stored_telemetry(tmp_path, clock) as made:
        yield made


@pytest.fixture
def ask(telemetry: Telemetry, clock: ManualClock) -> Ask:
    """`ask("CreateLogGroup", logGroupName="/g")` performs an operation."""
    return asking(logs.service(telemetry.logs, clock))
