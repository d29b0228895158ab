"""A queue of events over a real database, with functions, targets and time played by fakes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from ramuda.invoke import queue
from ramuda.invoke.queue import Event, EventQueue, Options, Runnable
from ramuda.kernel.arn import Arn
from ramuda.kernel.errors import ApiError
from ramuda.kernel.function import (
    FunctionError,
    FunctionRef,
    FunctionSnapshot,
    Invocation,
    LoggingConfig,
    Outcome,
    Success,
)
from ramuda.kernel.ids import RandomIds
from ramuda.kernel.ports.database import Row
from ramuda.kernel.ports.target import Delivery
from ramuda.storage.sqlite import SqliteDatabase
from ramuda.testing import ManualClock
from tests.unit.invoke.fakes import MemoryRecorder

ACCOUNT, REGION = "111111111111", "us-east-1"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"
FAILED = FunctionError(error_type="E", payload=b'{"errorMessage":"no luck","errorType":"E"}')
ON_SUCCESS = f"arn:aws:sqs:{REGION}:{ACCOUNT}:good"
ON_FAILURE = f"arn:aws:sns:{REGION}:{ACCOUNT}:bad"
DEAD_LETTER = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"


class Clock(ManualClock):
    def next_in(self) -> float | None:
        """Seconds until somebody wakes."""
        waiting = [at_s for at_s, _, wake in self._sleepers if not wake.done()]
        return min(waiting) - self.time() if waiting else None


@dataclass
class Function:
    """What is known of one function."""

    answer: Callable[[Invocation], Outcome | Awaitable[Outcome]] = lambda _: Success(payload=b"null")
    retries: int | None = None
    age_s: float | None = None
    reserved: int | None = None
    on_success: str | None = None
    on_failure: str | None = None
    dead_letter: str | None = None
    refusal: ApiError | None = None


@dataclass
class Runs:
    """Attempts, in their order: when, and which invocation."""

    at_s: list[float] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)


class Sink:
    """Implements ports.target.Target: takes everything, unless it has `troubles` left to raise."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Delivery]] = []
        self.troubles: list[Exception] = []
        self.tried_at_s: list[float] = []
        self.gate: asyncio.Event | None = None
        self.clock = ManualClock()

    async def deliver(self, arn: Arn, delivery: Delivery) -> None:
        self.tried_at_s.append(self.clock.time())
        if self.gate is not None:
            await self.gate.wait()
        if self.troubles:
            raise self.troubles.pop(0)
        self.taken.append((str(arn), delivery))


class Bench:
    """Implements invoke.queue.Functions and ports.Invoker for `functions` by name; `open` and `close` start and end
    the queue's process, `close` as a crash does."""

    def __init__(self, folder: Path, options: Options | None = None) -> None:
        self.path = folder / "state.db"
        self.options = options or Options()
        self.clock, self.recorder, self.sink = Clock(), MemoryRecorder(), Sink()
        self.sink.clock = self.clock
        self.functions: dict[str, Function] = {"f": Function()}
        self.runs = Runs()
        self.begun_at_s = self.clock.time()

    async def open(self) -> "Bench":
        self.database = SqliteDatabase.open(self.path, schema="state", sync="normal")
        self.queue = EventQueue(
            database=self.database,
            functions=self,
            invoker=self,
            targets={"sqs": self.sink, "sns": self.sink},
            clock=self.clock,
            ids=RandomIds(),
            recorder=self.recorder,
            options=self.options,
        )
        await self.queue.start()
        await self.queue.resume()
        return self

    async def close(self) -> None:
        await self.queue.stop()
        await self.database.close()

    async def send(
        self, name: str = "f", *, payload: bytes = b"{}", qualifier: str | None = None, id_: str = "1"
    ) -> None:
        ref = FunctionRef(account=ACCOUNT, region=REGION, name=name, qualifier=qualifier)
        await self.queue.accept(ref, request_id=id_, payload=payload, trace=TRACE)

    async def rest(self) -> None:
        """Until nothing happens any more at this instant."""
        await self.queue.drained()
        for _ in range(5):  # whoever was woken falls asleep again
            await asyncio.sleep(0)
        await self.queue.drained()

    async def go(self, seconds: float) -> None:
        """Moves time on, from one event to the next."""
        until_s = self.clock.time() + seconds
        await self.rest()
        while (wait_s := self.clock.next_in()) is not None and self.clock.time() + wait_s <= until_s:
            await self.clock.advance(wait_s)
            await self.rest()
        await self.clock.advance(until_s - self.clock.time())
        await self.rest()

    async def stored(self) -> list[Row]:
        """The events in the database."""
        return await self.database.read(lambda tx: tx.fetch_all("SELECT * FROM lambda_events ORDER BY sequence"))

    def waits(self) -> list[float]:
        """Seconds between the attempts."""
        times = self.runs.at_s
        return [round(later - earlier, 3) for earlier, later in pairwise(times)]

    def values(self, metric: str) -> list[float]:
        return self.recorder.values(metric, (("FunctionName", "f"),))

    async def find(self, event: Event) -> Runnable:
        function = self.functions[event.function.name]
        if function.refusal is not None:
            self.runs.at_s.append(self.clock.time())
            raise function.refusal
        return Runnable(
            invocation=Invocation(
                request_id=event.request_id,
                function=snapshot(event.function, function.reserved),
                payload=event.payload,
                invoked_arn=event.function.arn,
                qualifier=event.function.qualifier,
                trace=event.trace,
                is_async=True,
            ),
            policy=queue.policy(self.options, retries=function.retries, age_s=function.age_s),
            on_success=function.on_success,
            on_failure=function.on_failure,
            dead_letter=function.dead_letter,
        )

    async def invoke(self, invocation: Invocation) -> Outcome:
        self.runs.at_s.append(self.clock.time())
        self.runs.invocations.append(invocation)
        invocation.trace = f"{invocation.trace};Sampled=1"
        outcome = self.functions[invocation.function.ref.name].answer(invocation)
        return await outcome if isinstance(outcome, Awaitable) else outcome

    def forget(self, function_arn: str) -> None: ...


def snapshot(ref: FunctionRef, reserved: int | None) -> FunctionSnapshot:
    return FunctionSnapshot(
        ref=FunctionRef(account=ref.account, region=ref.region, name=ref.name),
        version="$LATEST",
        revision_id="r",
        runtime="python3.12",
        handler="h",
        role="r",
        memory_mib=128,
        timeout_s=3,
        tmp_mib=512,
        task_dir=Path("/"),
        logging=LoggingConfig(group="g"),
        reserved_concurrency=reserved,
    )
