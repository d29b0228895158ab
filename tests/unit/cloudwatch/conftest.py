"""The CloudWatch API over a telemetry database of its own for each test."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ramuda.services import cloudwatch
from ramuda.telemetry import Telemetry
from ramuda.testing import ManualClock
from tests.unit.service_calls import Ask, asking, stored_telemetry

START_S = 1_700_000_040 // 60 * 60


def at(offset_s: float) -> datetime:
    """An instant after the beginning of the minute in which a test starts."""
    return datetime.fromtimestamp(START_S + offset_s, UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_S)


@pytest.fixture
async def telemetry(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Telemetry]:
    async with stored_telemetry(tmp_path, clock) as made:
        yield made


@pytest.fixture
def ask(telemetry: Telemetry, clock: ManualClock) -> Ask:
    """`ask("ListMetrics", Namespace="N")` performs an operation."""
    return asking(cloudwatch.service(telemetry.metrics, clock))
