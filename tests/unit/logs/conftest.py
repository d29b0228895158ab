"""The CloudWatch Logs API over a telemetry database of its own for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.call import Call, Principal, Result
from ramuda.services import logs
from ramuda.storage.sqlite import SqliteDatabase
from ramuda.telemetry import Telemetry
from ramuda.testing import ManualClock

ACCOUNT, REGION = "111111111111", "eu-west-1"
Ask = Callable[..., Awaitable[Result]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def telemetry(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Telemetry]:
    database = SqliteDatabase.open(tmp_path / "telemetry.db", schema="telemetry", sync="normal")
    made = Telemetry(database, clock)
    yield made
    await made.stop()
    await database.close()


@pytest.fixture
def ask(telemetry: Telemetry, clock: ManualClock) -> Ask:
    """`ask("CreateLogGroup", logGroupName="/g")` performs an operation."""
    service = logs.service(telemetry.logs, clock)
    principal = Principal(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT)

    async def perform(operation: str, /, account: str = ACCOUNT, region: str = REGION, **params: Any) -> Result:
        call = Call(
            service="logs",
            operation=operation,
            params=params,
            principal=principal,
            region=region,
            account=account,
            request_id="r",
            headers={},
        )
        return await service.operations[operation](call)

    return perform
