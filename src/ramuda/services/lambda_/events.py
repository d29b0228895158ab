"""Asynchronous invocations, kept in memory: NOT durable. What is accepted here is lost when the process ends.

A function that fails is tried again after one minute and after two more
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html). When there is no concurrency left,
or the platform cannot run it, the event waits 1 s, 2 s, 4 s ... up to 5 minutes without using up the two retries. An
event older than six hours is dropped, and so is one whose function may not run at all (no reserved concurrency). Each
attempt runs the function as it is then.
"""

import asyncio
import logging
from dataclasses import dataclass

from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.function import FunctionError, Invocation, Outcome, RecursiveLoop, Streamed, Throttled
from ramuda.kernel.ports.invoker import Invoker
from ramuda.services.lambda_.catalog import Catalog
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.rules import refusals

RETRY_AFTER_S = (60.0, 120.0)
BACK_OFF_S, BACK_OFF_MAX_S = 1.0, 300.0
AGE_MAX_S = 21_600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One accepted invocation; `request_id` is the same in every attempt."""

    account: str
    region: str
    name: str
    qualifier: str | None
    request_id: str
    payload: bytes
    trace: str | None = None


class EventQueue:
    """Accepts events and runs them, each in a task of its own; `Options.event_queue_length` at most."""

    def __init__(self, catalog: Catalog, invoker: Invoker, clock: Clock, options: Options) -> None:
        self._catalog = catalog
        self._invoker = invoker
        self._clock = clock
        self._length_max = options.event_queue_length
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, event: Event) -> None:
        """Raises TooManyRequestsException when the queue is full."""
        if len(self._tasks) >= self._length_max:
            raise refusals.throttled("CallerRateLimitExceeded", 1)
        task = asyncio.create_task(self._run(event), name=f"lambda-event {event.request_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drained(self) -> None:
        """Waits until no event is left."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        if tasks:
            log.warning("lambda.events.lost", extra={"events": len(tasks)})
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, event: Event) -> None:
        drop_at_s = self._clock.time() + AGE_MAX_S
        try:
            for wait_s in (*RETRY_AFTER_S, None):
                outcome = await self._attempt(event, drop_at_s)
                if not isinstance(outcome, FunctionError):
                    return
                if wait_s is None or self._clock.time() + wait_s > drop_at_s:
                    log.info("lambda.event.given_up", extra={"request_id": event.request_id})
                    return
                await self._clock.sleep(wait_s)
        except (ApiError, RecursiveLoop) as e:  # the function is gone, or invokes itself without end
            log.info("lambda.event.dropped", extra={"request_id": event.request_id, "reason": str(e)})
        except Exception:  # boundary: one event
            log.exception("lambda.event.broken", extra={"request_id": event.request_id})

    async def _attempt(self, event: Event, drop_at_s: float) -> Outcome | None:
        """The outcome of one run of the function; None when the event grew too old before it could be run, or the
        function may not run."""
        back_off_s = BACK_OFF_S
        while True:
            try:
                return await self._invoke(event)
            except (Throttled, PortError) as e:
                if self._clock.time() + back_off_s > drop_at_s:
                    log.info("lambda.event.too_old", extra={"request_id": event.request_id, "reason": str(e)})
                    return None
            await self._clock.sleep(back_off_s)
            back_off_s = min(2 * back_off_s, BACK_OFF_MAX_S)

    async def _invoke(self, event: Event) -> Outcome | None:
        target = await self._catalog.resolve(event.account, event.region, event.name, event.qualifier)
        if target.snapshot.reserved_concurrency == 0:
            return None  # AWS does not try (recorded: ZeroReservedConcurrency)
        outcome = await self._invoker.invoke(
            Invocation(
                request_id=event.request_id,
                function=target.snapshot,
                payload=event.payload,
                invoked_arn=target.invoked_arn,
                qualifier=target.qualifier,
                trace=event.trace,
            )
        )
        if isinstance(outcome, Streamed):
            async for _ in outcome.chunks:
                pass
        return outcome
