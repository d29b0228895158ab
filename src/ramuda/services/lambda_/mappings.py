"""Event source mappings at work: from Creating to Enabled, polling while they are, gone after Deleting.

Polled are queues (SQS). Streams, Kafka, MQ and DocumentDB are kept and shown, and their LastProcessingResult says that
nobody reads them here yet.
"""

import asyncio
import json
import logging
from dataclasses import replace
from functools import partial

from ramuda.invoke.pollers.sqs import AT_ONCE, Plan, SqsPoller
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.function import Invocation, Outcome, Streamed, Success
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.kernel.ports.invoker import Invoker
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.catalog import Catalog, Target
from ramuda.services.lambda_.model import EventSourceMapping
from ramuda.services.lambda_.rules import mappings as rules
from ramuda.services.lambda_.store import tables

log = logging.getLogger(__name__)

SETTLED = ("Enabled", "Disabled")
WRITE_AGAIN_S = 5.0


class Mappings:
    """Owns one task per mapping: a change that is carried out, then the poller."""

    def __init__(
        self, database: Database, api: Api, catalog: Catalog, invoker: Invoker, clock: Clock, ids: Ids
    ) -> None:
        self._database = database
        self._api = api
        self._catalog = catalog
        self._invoker = invoker
        self._clock = clock
        self._ids = ids
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, mapping: EventSourceMapping) -> None:
        """A stored mapping changed: carries that out, and polls from then on as it says."""
        before = self._tasks.get(mapping.uuid)
        task = asyncio.create_task(self._follow(mapping, before), name=f"lambda-mapping {mapping.uuid}")
        self._tasks[mapping.uuid] = task
        task.add_done_callback(partial(self._forget, mapping.uuid))

    async def resume(self) -> None:
        """Goes on with every mapping there is."""
        for mapping in await self._database.read(tables.mappings.all):
            self.begin(mapping)

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, uuid: str, task: "asyncio.Task[None]") -> None:
        if self._tasks.get(uuid) is task:
            del self._tasks[uuid]

    async def _follow(self, mapping: EventSourceMapping, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            before.cancel()
            await asyncio.gather(before, return_exceptions=True)
        try:
            settled = await self._settle(mapping)
            if settled is not None and settled.state == "Enabled":
                await self._poll(settled)
        except Exception:  # boundary: one mapping
            log.exception("lambda.mapping.broken", extra={"mapping": mapping.uuid})

    async def _settle(self, mapping: EventSourceMapping) -> EventSourceMapping | None:
        """What it became; None when it is gone."""
        while mapping.state not in SETTLED:
            try:
                return await self._database.write(partial(_settle, mapping=mapping))
            except PortError as e:
                log.warning("lambda.mapping.not_written mapping=%s error=%s", mapping.uuid, e)
                await self._clock.sleep(WRITE_AGAIN_S)
        return mapping

    async def _poll(self, mapping: EventSourceMapping) -> None:
        if rules.kind_of(mapping.settings) is not rules.SQS:
            kind = rules.kind_of(mapping.settings).name
            await self._tell(mapping, f"PROBLEM: Reading {kind} is not supported here yet.")
            return
        results: asyncio.Queue[str] = asyncio.Queue(1)

        def told(result: str) -> None:
            if not results.full():
                results.put_nowait(result)

        async with asyncio.TaskGroup() as both:
            invoke, timeout_s = partial(self._invoke, mapping), partial(self._timeout_s, mapping)
            poller = SqsPoller(plan(mapping), self._api, invoke, timeout_s, self._clock, told)
            both.create_task(poller.run())
            both.create_task(self._keep_result(mapping, results))

    async def _keep_result(self, mapping: EventSourceMapping, results: "asyncio.Queue[str]") -> None:
        last = None
        while True:
            result = await results.get()
            if result != last:
                last = result
                await self._tell(mapping, result)

    async def _tell(self, mapping: EventSourceMapping, result: str) -> None:
        """Writes LastProcessingResult."""
        try:
            await self._database.write(partial(_tell, mapping=mapping, result=result))
        except PortError as e:
            log.warning("lambda.mapping.not_written mapping=%s error=%s", mapping.uuid, e)

    async def _target(self, mapping: EventSourceMapping) -> Target:
        return await self._catalog.resolve(mapping.account, mapping.region, mapping.function_name, mapping.qualifier)

    async def _timeout_s(self, mapping: EventSourceMapping) -> int:
        return (await self._target(mapping)).snapshot.timeout_s

    async def _invoke(self, mapping: EventSourceMapping, event: bytes) -> Outcome:
        target = await self._target(mapping)
        outcome = await self._invoker.invoke(
            Invocation(
                request_id=self._ids.uuid(),
                function=target.snapshot,
                payload=event,
                invoked_arn=target.invoked_arn,
                qualifier=target.qualifier,
                is_weighted=target.is_weighted,
                is_async=True,  # no request-rate cap holds for pollers
            )
        )
        if isinstance(outcome, Streamed):
            return Success(payload=b"".join([chunk async for chunk in outcome.chunks]))
        return outcome


def plan(mapping: EventSourceMapping) -> Plan:
    """What its poller does."""
    settings = mapping.settings
    filters = settings.get("FilterCriteria", {}).get("Filters", [])
    return Plan(
        queue_arn=settings["EventSourceArn"],
        batch_size=settings["BatchSize"],
        window_s=settings["MaximumBatchingWindowInSeconds"],
        patterns=tuple(json.loads(each["Pattern"]) for each in filters),
        reports_failures="ReportBatchItemFailures" in settings.get("FunctionResponseTypes", []),
        at_once=settings.get("ScalingConfig", {}).get("MaximumConcurrency", AT_ONCE),
    )


def _settle(tx: Transaction, *, mapping: EventSourceMapping) -> EventSourceMapping | None:
    key = (mapping.account, mapping.region, mapping.uuid)
    current = tables.mappings.get(tx, *key)
    if current is None or current.last_modified_s != mapping.last_modified_s:
        return None
    if current.state == "Deleting":
        tables.mappings.delete(tx, *key)
        store.put_tags(tx, mapping.account, mapping.region, f"event-source-mapping:{mapping.uuid}", {})
        return None
    settled = replace(current, state="Enabled" if current.is_enabled else "Disabled")
    tables.mappings.put(tx, *key, "", settled)
    return settled


def _tell(tx: Transaction, *, mapping: EventSourceMapping, result: str) -> None:
    key = (mapping.account, mapping.region, mapping.uuid)
    current = tables.mappings.get(tx, *key)
    if current is not None:
        tables.mappings.put(tx, *key, "", replace(current, processing_result=result))
