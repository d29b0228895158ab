"""Reads a queue and runs a function with what is in it.

What the function processed is deleted; what it failed on becomes visible again after the queue's visibility time-out.
A batch that could not be run (no concurrency left) is tried again until that time is over. Batches run side by side,
those of a FIFO queue one after the other. Messages are hidden for longer than their queue says where the batching
window and the function's time-out together take longer (as AWS's guide had it in 2023).

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: a standard queue begins with five batches at a
time; here it stays with as many, or with ScalingConfig.MaximumConcurrency.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ramuda.invoke.pollers import sqs_records
from ramuda.invoke.pollers.options import Options
from ramuda.invoke.pollers.sqs_records import Record
from ramuda.kernel.arn import Arn
from ramuda.kernel.clock import Clock
from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import RamudaError
from ramuda.kernel.function import FunctionError, Outcome, RecursiveLoop, RestoreFailed, Success, Throttled
from ramuda.kernel.ports.api import Api

log = logging.getLogger(__name__)

RECEIVE_MAX = 10  # messages of one ReceiveMessage, SQS
BATCH_BYTES = 6 * 1024 * 1024
HIDDEN_MORE_S = 30
"""How much longer than window and time-out together messages are hidden, where these exceed the queue's own time."""

FAILED = "PROBLEM: Function call failed"

Invoke = Callable[[bytes, str | None], Awaitable[Outcome]]
"""Runs the function once with this event, in this trace. Raises Throttled and what else an invocation raises."""
TimeoutS = Callable[[], Awaitable[int]]
"""The function's time-out. Raises ApiError, PortError when it cannot be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What of a mapping a poller needs. `patterns` are decoded filters, any of which lets a message through."""

    queue_arn: str
    batch_size: int
    window_s: int
    patterns: tuple[Mapping[str, Any], ...] = ()
    reports_failures: bool = False
    at_once: int = 5
    options: Options = field(default_factory=Options)

    @property
    def is_fifo(self) -> bool:
        return self.queue_arn.endswith(".fifo")


class SqsPoller:
    """`run` until `finish`, or until it is cancelled: then batches under way are given up and come again."""

    def __init__(
        self, plan: Plan, api: Api, invoke: Invoke, timeout_s: TimeoutS, clock: Clock, told: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._api = api
        self._invoke = invoke
        self._timeout_s = timeout_s
        self._clock = clock
        self._told = told
        self._arn = Arn.parse(plan.queue_arn)
        self._room = asyncio.Semaphore(1 if plan.is_fifo else plan.at_once)
        self._reading: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """`told` hears how the last turn went, as LastProcessingResult says it."""
        async with asyncio.TaskGroup() as batches:
            self._reading = batches.create_task(self._read(batches))

    def finish(self) -> None:
        """Reads no more; `run` ends when the batches under way are done."""
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, batches: asyncio.TaskGroup) -> None:
        back_off_s = self._plan.options.back_off_s
        while True:
            await self._room.acquire()
            try:
                url, hidden_s = await self._queue()
                until_s = self._clock.monotonic() + hidden_s
                messages = await self._gather(url, hidden_s)
            except RamudaError as e:
                self._room.release()
                self._told(f"PROBLEM: {e}")
                await self._clock.sleep(back_off_s)
                back_off_s = min(2 * back_off_s, self._plan.options.back_off_max_s)
                continue
            back_off_s = self._plan.options.back_off_s
            if messages:
                batches.create_task(self._process(url, until_s, messages))
            else:
                self._room.release()

    async def _queue(self) -> tuple[str, int]:
        """Its URL, and how long messages are to be hidden."""
        timeout_s = await self._timeout_s()
        name, owner = self._arn.resource, self._arn.account
        url = (await self._sqs("GetQueueUrl", {"QueueName": name, "QueueOwnerAWSAccountId": owner}))["QueueUrl"]
        asked = {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}
        answer = await self._sqs("GetQueueAttributes", asked)
        visibility_s = int(answer.get("Attributes", {}).get("VisibilityTimeout", 30))
        busy_s = self._plan.window_s + timeout_s
        return url, visibility_s if busy_s <= visibility_s else busy_s + HIDDEN_MORE_S

    async def _gather(self, url: str, hidden_s: int) -> list[Record]:
        """The wanted messages of one batch; the others are deleted."""
        batch: list[Record] = []
        taken_bytes = 0
        until_s = self._clock.monotonic() + self._plan.window_s
        while len(batch) < self._plan.batch_size and taken_bytes < BATCH_BYTES:
            left_s = until_s - self._clock.monotonic()
            if batch and 0 < left_s < 1:  # SQS waits for whole seconds
                await self._clock.sleep(left_s)
            longest_s = self._plan.options.receive_wait_s
            wait_s = longest_s if not batch else max(0, min(longest_s, int(left_s)))
            most = min(RECEIVE_MAX, self._plan.batch_size - len(batch))
            found = await self._receive(url, most, wait_s, hidden_s)
            unwanted = [each for each in found if not sqs_records.is_wanted(self._plan.patterns, each)]
            if unwanted:
                await self._delete(url, unwanted)
            batch += [each for each in found if each not in unwanted]
            taken_bytes += sum(len(each["body"]) for each in found)
            if self._clock.monotonic() >= until_s:
                break
        return batch

    async def _receive(self, url: str, most: int, wait_s: int, hidden_s: int) -> list[Record]:
        params = {
            "QueueUrl": url,
            "MaxNumberOfMessages": most,
            "WaitTimeSeconds": wait_s,
            "VisibilityTimeout": hidden_s,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        messages = (await self._sqs("ReceiveMessage", params)).get("Messages", [])
        return [sqs_records.record(message, self._plan.queue_arn, self._arn.region) for message in messages]

    async def _process(self, url: str, until_s: float, records: list[Record]) -> None:
        try:
            for part in sqs_records.parts(records, BATCH_BYTES):
                await self._process_part(url, until_s, part)
        except (RecursiveLoop, RestoreFailed):
            self._told(FAILED)
        except RamudaError as e:
            self._told(f"PROBLEM: {e}")
        except Exception:  # boundary: one batch; the messages become visible again
            log.exception("lambda.mapping.batch_broken", extra={"queue": self._plan.queue_arn})
        finally:
            self._room.release()

    async def _process_part(self, url: str, until_s: float, records: Sequence[Record]) -> None:
        outcome = await self._run(encode_json({"Records": records}), sqs_records.trace_of(records), until_s)
        left = self._left(outcome, records)
        done = [each for each in records if each["messageId"] not in left]
        if done:
            await self._delete(url, done)
        self._told("OK" if not left else FAILED)

    async def _run(self, event: bytes, trace: str | None, until_s: float) -> Outcome | None:
        """None when there was no room for it before its messages are due again."""
        back_off_s = self._plan.options.back_off_s
        while True:
            try:
                return await self._invoke(event, trace)
            except Throttled:
                if self._clock.monotonic() + back_off_s >= until_s:
                    return None
            await self._clock.sleep(back_off_s)
            back_off_s = min(2 * back_off_s, self._plan.options.back_off_max_s)

    def _left(self, outcome: Outcome | None, records: Sequence[Record]) -> set[str]:
        """Ids of the messages that stay in the queue."""
        if outcome is None or isinstance(outcome, FunctionError):
            return {each["messageId"] for each in records}
        if self._plan.reports_failures and isinstance(outcome, Success):
            return sqs_records.failed(outcome.payload, records, is_fifo=self._plan.is_fifo)
        return set()

    async def _delete(self, url: str, records: Sequence[Record]) -> None:
        for start in range(0, len(records), RECEIVE_MAX):
            entries = [
                {"Id": str(index), "ReceiptHandle": each["receiptHandle"]}
                for index, each in enumerate(records[start : start + RECEIVE_MAX])
            ]
            await self._sqs("DeleteMessageBatch", {"QueueUrl": url, "Entries": entries})

    async def _sqs(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        arn = self._arn
        return await self._api.call("sqs", operation, params, account=arn.account, region=arn.region)
