"""Event source mappings at work: from Creating to Enabled, polling while they are, gone after Deleting. A change takes
effect with the next batch: what is being processed meanwhile is processed to its end.

Polled are queues (SQS). Streams, Kafka, MQ and DocumentDB are kept and shown, and their LastProcessingResult says that
nobody reads them here yet.
"""

import asyncio
import json
import logging
from dataclasses import dataclass, replace
from functools import partial

from ramuda.invoke.pollers.options import Options as PollerOptions
from ramuda.invoke.pollers.sqs import Plan, SqsPoller
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
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.rules import mappings as rules
from ramuda.services.lambda_.store import tables

log = logging.getLogger(__name__)

SETTLED = ("Enabled", "Disabled")
WRITE_AGAIN_S = 5.0
POLL_AGAIN_S = 5.0
"""After a bug of ours ended a poller."""


@dataclass(slots=True)
class _Work:
    """On one mapping as it is stored; the next change begins another."""

    poller: SqsPoller | None = None
    is_over: bool = False
    task: "asyncio.Task[None] | None" = None

    def finish(self) -> None:
        """Ends after the batches that are under way."""
        self.is_over = True
        if self.poller is not None:
            self.poller.finish()


class Mappings:
    """Owns one task per mapping: a change that is carried out, then the poller."""

    def __init__(
        self, database: Database, api: Api, catalog: Catalog, invoker: Invoker, clock: Clock, ids: Ids, options: Options
    ) -> None:
        self._options = options
        self._database = database
        self._api = api
        self._catalog = catalog
        self._invoker = invoker
        self._clock = clock
        self._ids = ids
        self._works: dict[str, _Work] = {}

    def begin(self, mapping: EventSourceMapping) -> None:
        """A stored mapping changed: carries that out, and polls from then on as it says."""
        before, work = self._works.get(mapping.uuid), _Work()
        if before is not None:
            before.finish()
        name = f"lambda-mapping {mapping.uuid}"
        work.task = asyncio.create_task(self._follow(mapping, work, before), name=name)
        self._works[mapping.uuid] = work
        work.task.add_done_callback(lambda _: self._forget(mapping.uuid, work))

    async def resume(self) -> None:
        """Goes on with every mapping there is."""
        for mapping in await self._database.read(tables.mappings.all):
            self.begin(mapping)

    async def stop(self) -> None:
        tasks = [work.task for work in self._works.values() if work.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, uuid: str, work: _Work) -> None:
        if self._works.get(uuid) is work:
            del self._works[uuid]

    async def _follow(self, mapping: EventSourceMapping, work: _Work, before: _Work | None) -> None:
        settled = await self._settle(mapping)
        if before is not None and before.task is not None:
            await asyncio.gather(before.task, return_exceptions=True)
        while settled is not None and settled.state == "Enabled" and not work.is_over:
            try:
                await self._poll(settled, work)
                return
            except Exception:  # boundary: one poller
                log.exception("lambda.mapping.broken", extra={"mapping": mapping.uuid})
            await self._clock.sleep(POLL_AGAIN_S)

    async def _settle(self, mapping: EventSourceMapping) -> EventSourceMapping | None:
        """What it became; None when it is gone."""
        while mapping.state not in SETTLED:
            try:
                return await self._database.write(partial(_settle, mapping=mapping))
            except PortError as e:
                log.warning("lambda.mapping.not_written mapping=%s error=%s", mapping.uuid, e)
                await self._clock.sleep(WRITE_AGAIN_S)
        return mapping

    async def _poll(self, mapping: EventSourceMapping, work: _Work) -> None:
        if rules.kind_of(mapping.settings) is not rules.SQS:
            kind = rules.kind_of(mapping.settings).name
            await self._tell(mapping, f"PROBLEM: Reading {kind} is not supported here yet.")
            return
        if not rules.may_read(self._options.other_accounts, mapping.settings["EventSourceArn"], mapping.account):
            await self._tell(mapping, "PROBLEM: The queue is of another account than the function.")
            return
        results: asyncio.Queue[str] = asyncio.Queue(1)

        def told(result: str) -> None:
            if results.full():
                results.get_nowait()  # the last one counts
            results.put_nowait(result)

        async with asyncio.TaskGroup() as both:
            invoke, timeout_s = partial(self._invoke, mapping), partial(self._timeout_s, mapping)
            keeping = both.create_task(self._keep_result(mapping, results))
            to_do = plan(mapping, self._options.pollers)
            work.poller = SqsPoller(to_do, self._api, invoke, timeout_s, self._clock, told)
            await work.poller.run()
            keeping.cancel()

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

    async def _invoke(self, mapping: EventSourceMapping, event: bytes, trace: str | None) -> Outcome:
        target = await self._target(mapping)
        outcome = await self._invoker.invoke(
            Invocation(
                request_id=self._ids.uuid(),
                function=target.snapshot,
                payload=event,
                invoked_arn=target.invoked_arn,
                qualifier=target.qualifier,
                trace=trace,
                is_weighted=target.is_weighted,
                is_async=True,  # no request-rate cap holds for pollers
            )
        )
        if isinstance(outcome, Streamed):
            return Success(payload=b"".join([chunk async for chunk in outcome.chunks]))
        return outcome


def plan(mapping: EventSourceMapping, options: PollerOptions) -> Plan:
    """What its poller does."""
    settings = mapping.settings
    filters = settings.get("FilterCriteria", {}).get("Filters", [])
    return Plan(
        queue_arn=settings["EventSourceArn"],
        batch_size=settings["BatchSize"],
        window_s=settings["MaximumBatchingWindowInSeconds"],
        patterns=tuple(json.loads(each["Pattern"]) for each in filters),
        reports_failures="ReportBatchItemFailures" in settings.get("FunctionResponseTypes", []),
        at_once=settings.get("ScalingConfig", {}).get("MaximumConcurrency", options.batches_at_once),
        options=options,
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
