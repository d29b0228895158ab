"""A queue in memory, as far as its poller can see it, on a clock that is moved by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ramuda.invoke.pollers.sqs import Plan, SqsPoller
from ramuda.kernel.codec import decode_json
from ramuda.kernel.function import Outcome, Success
from ramuda.testing import ManualClock

ARN = "arn:aws:sqs:us-east-1:111111111111:in"
URL = "http://queue/in"
NOTHING = Success(payload=b"null")


@dataclass
class Message:
    id: str
    body: str
    trace: str | None = None
    visible_at: float = 0.0
    received: int = 0


@dataclass
class Queue:
    """Implements ports.Api for one standard or FIFO queue. `failures` are raised by the next calls, first to last."""

    clock: ManualClock
    visibility_s: int = 30
    messages: list[Message] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    hidden_s: list[int] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def send(self, *bodies: str, trace: str | None = None) -> None:
        for body in bodies:
            self.messages.append(Message(f"m{len(self.messages)}", body, trace))

    @property
    def left(self) -> list[str]:
        return [each.body for each in self.messages]

    async def call(
        self, service: str, operation: str, params: dict[str, Any], *, account: str, region: str
    ) -> dict[str, Any]:
        self.asked.append((operation, account, region))
        if self.failures:
            raise self.failures.pop(0)
        if operation == "GetQueueUrl":
            return {"QueueUrl": URL}
        assert params["QueueUrl"] == URL
        if operation == "GetQueueAttributes":
            return {"Attributes": {"VisibilityTimeout": str(self.visibility_s)}}
        if operation == "ReceiveMessage":
            return await self._receive(params)
        assert operation == "DeleteMessageBatch"
        assert len(params["Entries"]) <= 10
        gone = {entry["ReceiptHandle"] for entry in params["Entries"]}
        self.messages = [each for each in self.messages if f"{each.id}/{each.received}" not in gone]
        return {}

    async def _receive(self, params: dict[str, Any]) -> dict[str, Any]:
        self.waits.append(params["WaitTimeSeconds"])
        self.hidden_s.append(params["VisibilityTimeout"])
        until_s = self.clock.monotonic() + params["WaitTimeSeconds"]
        while not (found := [each for each in self.messages if each.visible_at <= self.clock.monotonic()]):
            if self.clock.monotonic() >= until_s:
                return {}
            await self.clock.sleep(0.25)
        taken = found[: params["MaxNumberOfMessages"]]
        for each in taken:
            each.visible_at = self.clock.monotonic() + params["VisibilityTimeout"]
            each.received += 1
        return {"Messages": [self._shown(each) for each in taken]}

    @staticmethod
    def _shown(message: Message) -> dict[str, Any]:
        return {
            "MessageId": message.id,
            "ReceiptHandle": f"{message.id}/{message.received}",
            "Body": message.body,
            "MD5OfBody": "md5",
            "Attributes": {
                "ApproximateReceiveCount": str(message.received),
                "SentTimestamp": "1",
                **({"AWSTraceHeader": message.trace} if message.trace else {}),
            },
        }


@dataclass
class Bench:
    """A poller at work on a queue. The function answers as `answer` says and its events are kept in `batches`."""

    clock: ManualClock = field(default_factory=ManualClock)
    batches: list[list[str]] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    traces: list[str | None] = field(default_factory=list)
    timeout_s: int = 3
    answer: Callable[[list[str]], Outcome | Awaitable[Outcome]] = lambda _: NOTHING

    def __post_init__(self) -> None:
        self.queue = Queue(self.clock)
        self._tasks: list[asyncio.Task[None]] = []

    def poll(self, **plan: Any) -> "asyncio.Task[None]":
        settings = {"queue_arn": ARN, "batch_size": 10, "window_s": 0, **plan}
        plan_ = Plan(**settings)
        self.poller = SqsPoller(plan_, self.queue, self._invoke, self._timeout, self.clock, self.results.append)
        task = asyncio.create_task(self.poller.run())
        self._tasks.append(task)
        return task

    async def pass_s(self, seconds: float) -> None:
        """Time passes in small steps, so that whoever waits for something else comes to its turn."""
        for _ in range(int(seconds / 0.25)):
            await self.clock.advance(0.25)
            for _ in range(20):
                await asyncio.sleep(0)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _timeout(self) -> int:
        return self.timeout_s

    async def _invoke(self, event: bytes, trace: str | None) -> Outcome:
        self.traces.append(trace)
        bodies = [record["body"] for record in decode_json(event)["Records"]]
        self.batches.append(bodies)
        outcome = self.answer(bodies)
        return await outcome if isinstance(outcome, Awaitable) else outcome
