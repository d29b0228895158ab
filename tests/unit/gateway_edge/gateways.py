"""A Gateway over services and an upstream of the test's, and botocore clients that reach it without a network."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ramuda.authz.credentials import CredentialStore
from ramuda.gateway.messages import Request, Response
from ramuda.gateway.model import Models
from ramuda.gateway.options import Options
from ramuda.gateway.stack import Gateway
from ramuda.gateway.upstream import Options as UpstreamOptions
from ramuda.gateway.upstream import Upstream
from ramuda.kernel.call import Call, Result, Service
from ramuda.kernel.ids import RandomIds
from ramuda.storage.sqlite import SqliteDatabase
from ramuda.testing import ManualClock

REQUEST_ID = "11111111-2222-4333-8444-555555555555"
SECRET = bytes(range(32))
MODELS = Models()


class FixedIds(RandomIds):
    def uuid(self) -> str:
        return REQUEST_ID


class FakeUpstream(Upstream):
    """Remembers what was delegated."""

    def __init__(self) -> None:
        super().__init__(UpstreamOptions(moto=False))
        self.forwarded: list[tuple[str, str, str]] = []
        self.calls: list[tuple[str, str, str, str]] = []
        self.answer: Callable[[Request], Response] = lambda request: Response(200, [], b"from upstream")

    async def forward(self, service: str, request: Request, *, account: str, region: str) -> Response:
        self.forwarded.append((service, account, region))
        return self.answer(request)

    async def call(self, service: str, operation: str, params: dict[str, Any], *, account: str, region: str) -> Result:
        self.calls.append((service, operation, account, region))
        return {"from": "upstream"}


class Recorded:
    """A lambda service with a few operations that remember their calls."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.failure: Exception | None = None

    async def invoke(self, call: Call) -> Result:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure
        return {"StatusCode": 200, "Payload": call.params.get("Payload", b"null"), "ExecutedVersion": "$LATEST"}

    async def invoke_in_pieces(self, call: Call) -> Result:
        self.calls.append(call)

        async def pieces() -> AsyncIterator[bytes]:
            yield b"one "
            yield b"two"

        return {"StatusCode": 200, "Payload": pieces()}

    def service(self, delegate_rest: bool = False) -> Service:
        operations = {"Invoke": self.invoke, "GetLayerVersion": self.invoke_in_pieces}
        return Service(name="lambda", operations=operations, delegate_rest=delegate_rest)


@asynccontextmanager
async def credential_store(folder: Path, clock: ManualClock) -> AsyncIterator[CredentialStore]:
    database = SqliteDatabase.open(folder / "state.db", schema="state", sync="normal")
    store = CredentialStore(database, SECRET, clock)
    try:
        await store.refresh()
        yield store
    finally:
        await database.close()


@asynccontextmanager
async def gateway(
    folder: Path,
    services: Sequence[Service],
    *,
    upstream: Upstream | None = None,
    options: Options | None = None,
    clock: ManualClock | None = None,
    **more: Any,
) -> AsyncIterator[Gateway]:
    clock = clock or ManualClock()
    async with credential_store(folder, clock) as store:
        yield Gateway(
            services=services,
            upstream=upstream or FakeUpstream(),
            credentials=store,
            options=options or Options(),
            clock=clock,
            ids=FixedIds(),
            models=MODELS,
            **more,
        )
