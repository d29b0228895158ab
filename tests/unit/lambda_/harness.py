"""The Lambda API over a real database and blob store, with everything else played by fakes."""

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from ramuda.kernel.call import Call, Principal, Result
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.function import Invocation, Outcome, Success
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.images import Images
from ramuda.kernel.ports.invoker import Provision, Provisioned
from ramuda.kernel.ports.sandbox import Boot, RuntimeSpec
from ramuda.services import lambda_
from ramuda.storage.files import FileStore
from ramuda.storage.keyring import AesGcmKeyring
from ramuda.storage.sqlite import SqliteDatabase
from ramuda.testing import ManualClock
from tests.unit.invoke.fakes import MemoryRecorder

ACCOUNT, REGION = "111111111111", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
ENDPOINT = "http://localhost:4566"


def zipped(files: dict[str, str | bytes] | None = None) -> bytes:
    """An archive of files with plain permissions."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (files or {"index.py": "def handler(event, context): return event"}).items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return sink.getvalue()


def arn(name: str, qualifier: str | None = None) -> str:
    text = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    return f"{text}:{qualifier}" if qualifier else text


class Clock(ManualClock):
    """Knows who sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self._asleep: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self._asleep.append(seconds)
        try:
            await super().sleep(seconds)
        finally:
            self._asleep.remove(seconds)

    async def slept(self) -> list[float]:
        """Lets everything run until it sleeps; for how long each sleeper wants to."""
        for _ in range(50):
            await asyncio.sleep(0)
        return sorted(self._asleep)


class Ids:
    """Counts."""

    def __init__(self) -> None:
        self._next = 0

    def uuid(self) -> str:
        self._next += 1
        return f"00000000-0000-4000-8000-{self._next:012d}"

    def hex(self, digits: int) -> str:
        return "a" * digits


class Invoker:
    """Answers what `answer` says and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Invocation] = []
        self.forgotten: list[str] = []
        self.provisions: dict[str, list[Provision]] = {}
        self.states: dict[str, list[Provisioned]] = {}
        self.answer: Callable[[Invocation], Outcome | Awaitable[Outcome]] = lambda _: Success(payload=b"null")

    async def invoke(self, invocation: Invocation) -> Outcome:
        self.asked.append(invocation)
        outcome = self.answer(invocation)
        return await outcome if isinstance(outcome, Awaitable) else outcome

    def forget(self, function_arn: str) -> None:
        self.forgotten.append(function_arn)

    def provision(self, function_arn: str, wanted: Sequence[Provision]) -> None:
        """Nothing is started until a test says so in `states`."""
        self.provisions[function_arn] = list(wanted)

    def provisioned(self, function_arn: str) -> Sequence[Provisioned]:
        return self.states.get(function_arn, [])


class Catalogue:
    """Has every runtime except those in `missing`; waits for `gate` when there is one."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.gate: asyncio.Event | None = None

    async def provide(self, identifier: str) -> ProvidedRuntime:
        if self.gate is not None:
            await self.gate.wait()
        if identifier in self.missing:
            raise PortError(f"{identifier} is not installed: install it")
        spec = RuntimeSpec(name=identifier, boot=Boot.EXEC, argv=("run",))
        return ProvidedRuntime(identifier=identifier, spec=spec, runtime_version=identifier)


class Api:
    """`answers` by (service, operation): a result, or an exception to raise."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Result | Exception] = {}
        self.asked: list[tuple[str, str, dict[str, Any], str, str]] = []

    async def call(self, service: str, operation: str, params: dict[str, Any], *, account: str, region: str) -> Result:
        self.asked.append((service, operation, params, account, region))
        answer = self.answers[service, operation]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Delegates:
    """Which services are in use, and which at an endpoint of their own."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.endpoints: set[str] = set()

    def is_running(self, service: str) -> bool:
        return service in self.running | self.endpoints

    def has_endpoint(self, service: str) -> bool:
        return service in self.endpoints


class Lambda:
    """`await lambda_("CreateFunction", FunctionName=...)` as a client of account `ACCOUNT` would."""

    def __init__(self, folder: Path, options: lambda_.Options | None = None) -> None:
        self.folder = folder
        self.clock, self.ids, self.invoker, self.catalogue, self.api = Clock(), Ids(), Invoker(), Catalogue(), Api()
        self.delegates = Delegates()
        self.keyring = AesGcmKeyring(bytes(32))
        self.recorder = MemoryRecorder()
        self.images: Images | None = None
        self.reserved: list[tuple[str, str, str, int | None]] = []
        self.options = options or lambda_.Options()

    async def start(self) -> "Lambda":
        path = self.folder / "state.db"
        self.database = SqliteDatabase.open(path, schema="state", sync="normal", keyring=self.keyring)
        self.blobs = FileStore(self.folder / "blobs")
        self.service = lambda_.service(
            database=self.database,
            blobs=self.blobs,
            api=self.api,
            invoker=self.invoker,
            catalogue=self.catalogue,
            clock=self.clock,
            ids=self.ids,
            options=self.options,
            delegates=self.delegates,
            keyring=self.keyring,
            recorder=self.recorder,
            reserve=lambda *told: self.reserved.append(told),
            images=self.images,
        )
        await self.service.start()
        await self.service.listening()
        return self

    async def stop(self) -> None:
        await self.service.stop()
        await self.database.close()

    async def settled(self) -> None:
        await self.service.room.transitions.settled()

    async def __call__(
        self,
        operation: str,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        headers: dict[str, str] | None = None,
        trace: str | None = None,
        **params: Any,
    ) -> Result:
        call = Call(
            service="lambda",
            operation=operation,
            params=params,
            principal=Principal(account=account, arn=f"arn:aws:iam::{account}:root", user_id=account),
            region=region,
            account=account,
            request_id="5e0d1e9a-3f5c-4a6e-9d6b-7d2f0c0a1b2c",
            trace=trace,
            endpoint=ENDPOINT,
            headers=headers or {},
        )
        return await self.service.operations[operation](call)

    async def create(self, name: str = "f", *, settle: bool = True, **params: Any) -> Result:
        defaults: dict[str, Any] = {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": ROLE,
            "Code": {"ZipFile": zipped()},
        }
        result = await self("CreateFunction", FunctionName=name, **{**defaults, **params})
        if settle:
            await self.settled()
        return result

    async def refusal(self, operation: str, **params: Any) -> ApiError:
        """The error that the call is answered with."""
        try:
            result = await self(operation, **params)
        except ApiError as e:
            return e
        raise AssertionError(f"{operation} was not refused but answered {result}")
