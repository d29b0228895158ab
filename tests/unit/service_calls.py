"""Services called as the gateway calls them, without HTTP around: as the root of account `ACCOUNT`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ramuda.kernel.call import Call, Principal, Result, Service
from ramuda.storage.sqlite import SqliteDatabase
from ramuda.telemetry import Telemetry
from ramuda.testing import ManualClock

ACCOUNT, REGION = "111111111111", "eu-west-1"
Ask = Callable[..., Awaitable[Result]]


def asking(service: Service) -> Ask:
    """`ask("Operation", Parameter=...)` performs an operation of `service`."""
    principal = Principal(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", user_id=ACCOUNT)

    async def perform(operation: str, /, account: str = ACCOUNT, region: str = REGION, **params: Any) -> Result:
        call = Call(
            service=service.name,
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


@asynccontextmanager
async def stored_telemetry(folder: Path, clock: ManualClock) -> AsyncIterator[Telemetry]:
    """Telemetry over a database of its own. Not started: a test says when it flushes."""
    database = SqliteDatabase.open(folder / "telemetry.db", schema="telemetry", sync="normal")
    made = Telemetry(database, clock)
    yield made
    await made.stop()
    await database.close()
