"""What is written often and together: events that are accepted, and the ends of events and deliveries.

One transaction is under way at a time; whatever comes meanwhile waits for the next, so that at any load many accepts
share one sync. The ends are in no hurry: they go with the next accepts, or alone after `Options.settle_s`.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from ramuda.invoke.queue import rows
from ramuda.invoke.queue.alarm import Alarm
from ramuda.invoke.queue.event import Event
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.database import Database, Transaction

log = logging.getLogger(__name__)

TOGETHER_MAX = 512
"""So many ends are written at once, also when none of them has waited long."""
WRITE_AGAIN_S = 1.0
SETTLE_ATTEMPTS = 3

_Entry = tuple[Event, "float | None", asyncio.Future[None]]


class Journal:
    """`stored` is told of each accepted event after its commit, and of each that could not be stored, whether or not
    anybody still waits for it: `stored(event, due_at_s, ok)`. `committed` is told before of how many there were."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settle_s: float,
        stored: Callable[[Event, float | None, bool], None],
        committed: Callable[[int], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settle_s = settle_s
        self._stored = stored
        self._committed = committed
        self._entries: list[_Entry] = []
        self._events: list[int] = []
        self._deliveries: list[str] = []
        self._writer: asyncio.Task[None] | None = None
        self._alarm = Alarm(clock, self._write_soon, "event-journal-alarm")

    async def add(self, event: Event, due_at_s: float | None) -> None:
        """Returns after the commit. Raises PortError."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._entries.append((event, due_at_s, future))
        self._write_soon()
        await future

    def end_event(self, sequence: int) -> None:
        """The event is finished. A crash before this is written runs it again."""
        self._events.append(sequence)
        self._ended(len(self._events))

    def end_delivery(self, delivery_id: str) -> None:
        self._deliveries.append(delivery_id)
        self._ended(len(self._deliveries))

    @property
    def is_settled(self) -> bool:
        return self._writer is None and not (self._entries or self._events or self._deliveries)

    async def settle(self) -> None:
        """Writes what there is. What cannot be written now, a start will run again."""
        for _ in range(SETTLE_ATTEMPTS):
            if self.is_settled:
                return
            self._write_soon()
            if self._writer is not None:
                await asyncio.wait([self._writer])

    async def stop(self) -> None:
        await self._alarm.stop()
        await self.settle()

    def _ended(self, count: int) -> None:
        if count >= TOGETHER_MAX:
            self._write_soon()
        elif self._writer is None:
            self._alarm.at(self._clock.time() + self._settle_s)

    def _write_soon(self) -> None:
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write_all(), name="event-journal")

    async def _write_all(self) -> None:
        wait_s = self._settle_s
        try:
            while True:
                if not await self._write():
                    wait_s = WRITE_AGAIN_S
                if not self._entries:
                    break
        finally:
            self._writer = None
        if self._events or self._deliveries:
            self._alarm.at(self._clock.time() + wait_s)

    async def _write(self) -> bool:
        entries, self._entries = self._entries, []
        events, self._events = self._events, []
        deliveries, self._deliveries = self._deliveries, []
        added = [(event, due_at_s) for event, due_at_s, _ in entries]
        try:
            await self._database.write(partial(_apply, added=added, events=events, deliveries=deliveries))
        except Exception as e:  # boundary: one commit; whoever waits for it must be answered
            if not isinstance(e, PortError):
                log.exception("lambda.events.broken")
            log.warning("lambda.events.not_written events=%d error=%s", len(entries), e)
            self._events[:0], self._deliveries[:0] = events, deliveries
            self._answer(entries, e)
            return False
        self._answer(entries, None)
        return True

    def _answer(self, entries: list[_Entry], error: Exception | None) -> None:
        self._committed(len(entries))
        for event, due_at_s, future in entries:
            self._stored(event, due_at_s, error is None)
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)


def _apply(
    tx: Transaction, *, added: list[tuple[Event, float | None]], events: list[int], deliveries: list[str]
) -> None:
    rows.add_events(tx, added)
    rows.delete_events(tx, events)
    rows.delete_deliveries(tx, deliveries)
