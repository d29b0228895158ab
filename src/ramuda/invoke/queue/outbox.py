"""Deliveries to destinations and dead-letter queues: stored with the decision that made them, performed at least once.

What cannot be delivered now is tried again with growing waits for `Options.deliver_for_s`; then, or at once where
trying again is no use, the delivery has failed, which a metric counts
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
"""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from ramuda.invoke import decide
from ramuda.invoke.queue import rows
from ramuda.invoke.queue.alarm import Alarm
from ramuda.invoke.queue.journal import Journal
from ramuda.invoke.queue.meter import EventMeters
from ramuda.invoke.queue.options import Options
from ramuda.invoke.queue.rows import Errand
from ramuda.kernel.arn import Arn
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.function import Throttled
from ramuda.kernel.ports.database import Database
from ramuda.kernel.ports.target import Target, Undeliverable

log = logging.getLogger(__name__)

WRITE_AGAIN_S = 5.0
THROTTLES = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestThrottled", "SlowDown"}


class Outbox:
    """Owns one task per delivery under way, `Options.deliveries_in_flight` at most."""

    def __init__(
        self,
        *,
        database: Database,
        journal: Journal,
        targets: Mapping[str, Target],
        clock: Clock,
        meters: EventMeters,
        options: Options,
    ) -> None:
        self._database = database
        self._journal = journal
        self._targets = targets
        self._clock = clock
        self._meters = meters
        self._options = options
        self._alarm = Alarm(clock, self._load_soon, "event-outbox-alarm")
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = 0
        self._stored_due_at_s: float | None = None
        self._loader: asyncio.Task[None] | None = None
        self._is_stopped = False

    def tasks(self) -> set[asyncio.Task[None]]:
        """What is under way."""
        return self._tasks if self._loader is None else self._tasks | {self._loader}

    def due_at_s(self) -> float | None:
        """What `due_at` a new delivery is stored with: None when `perform` may follow at once."""
        has_room = self._under_way < self._options.deliveries_in_flight
        return None if has_room and not self._is_stopped else self._clock.time()

    def stored(self, errand: Errand, due_at_s: float | None) -> None:
        """The delivery was committed, with this `due_at`."""
        if due_at_s is None:
            self._begin(errand)
        else:
            self._wait_until(due_at_s)

    async def resume(self) -> None:
        """Takes up what a crash left."""
        due_at_s = await self._database.read(rows.next_delivery)
        if due_at_s is not None:
            self._wait_until(due_at_s)

    async def stop(self) -> None:
        """What is under way is delivered again by the next start."""
        self._is_stopped = True
        await self._alarm.stop()
        tasks = self.tasks()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, errand: Errand) -> None:
        self._under_way += 1
        task = asyncio.get_running_loop().create_task(self._perform(errand), name=f"delivery {errand.delivery.id}")
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._under_way -= 1
        if self._stored_due_at_s is not None and not self._is_stopped:
            self._wait_until(self._stored_due_at_s)

    async def _perform(self, errand: Errand) -> None:
        arn = Arn.parse(errand.target)
        try:
            target = self._targets.get(arn.service)
            if target is None:
                raise Undeliverable(f"{errand.target}: no such kind of destination")
            await target.deliver(arn, errand.delivery)
        except (Undeliverable, ApiError, PortError, Throttled) as e:
            await self._failed(errand, e)
        except Exception as e:  # boundary: one delivery
            log.exception("lambda.delivery.broken", extra={"target": errand.target})
            await self._failed(errand, e)
        else:
            self._journal.end_delivery(errand.delivery.id)

    async def _failed(self, errand: Errand, error: Exception) -> None:
        now_s = self._clock.time()
        wait_s = decide.back_off_s(self._options.back_off_s, errand.attempts, self._options.back_off_max_s)
        errand.attempts += 1
        if is_passing(error) and now_s + wait_s - errand.made_at_s < self._options.deliver_for_s:
            await self._postpone(errand, now_s + wait_s)
            return
        log.warning(
            "lambda.delivery.failed function=%s target=%s error=%s", errand.delivery.function.arn, errand.target, error
        )
        meter = self._meters.of(errand.delivery.function)
        meter.not_delivered(now_s, is_dead_letter=errand.is_dead_letter)
        self._journal.end_delivery(errand.delivery.id)

    async def _postpone(self, errand: Errand, due_at_s: float) -> None:
        """While the database cannot be written, again and again."""
        while True:
            try:
                await self._database.write(partial(rows.postpone_delivery, errand=errand, due_at_s=due_at_s))
            except PortError as e:
                log.warning("lambda.delivery.not_written target=%s error=%s", errand.target, e)
                await self._clock.sleep(WRITE_AGAIN_S)
            else:
                self._wait_until(due_at_s)
                return

    def _wait_until(self, due_at_s: float) -> None:
        if self._stored_due_at_s is None or due_at_s < self._stored_due_at_s:
            self._stored_due_at_s = due_at_s
        if self._under_way < self._options.deliveries_in_flight:
            self._alarm.at(self._stored_due_at_s)

    def _load_soon(self) -> None:
        if self._loader is None and not self._is_stopped:
            self._loader = asyncio.get_running_loop().create_task(self._load(), name="event-outbox")

    async def _load(self) -> None:
        room = self._options.deliveries_in_flight - self._under_way
        self._stored_due_at_s = None
        try:
            take = partial(rows.take_deliveries, now_s=self._clock.time(), count=max(0, room))
            errands, due_at_s = await self._database.write(take)
        except Exception as e:  # boundary: one read; the others must not wait for it forever
            log.warning("lambda.deliveries.not_read error=%s", e, exc_info=not isinstance(e, PortError))
            errands, due_at_s = [], self._clock.time() + self._options.back_off_s
        self._loader = None
        for errand in errands:
            self._begin(errand)
        if due_at_s is not None:
            self._wait_until(due_at_s)


def is_passing(error: Exception) -> bool:
    """Whether trying again may help."""
    if isinstance(error, ApiError):
        status = error.status or (500 if error.fault == "Server" else 400)
        return status >= 500 or status == 429 or error.code in THROTTLES
    return not isinstance(error, Undeliverable)
