"""The queue of asynchronous invocations: accepts events durably and sees to it that each is run.

An event is answered for after its commit. It is then handed over in memory, so that nothing is polled on the way; where
a function's lane is full the event stays in the database until there is room. An event leaves the database when it is
finished, in one transaction with what is to be delivered of it; until then a crash runs it again at the next start
(`resume`). So every event runs at least once, and more than once after a crash.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from ramuda.invoke import decide
from ramuda.invoke.decide import GiveUp, Policy, Progress, Refused, RetryAt
from ramuda.invoke.queue import rows
from ramuda.invoke.queue.alarm import Alarm
from ramuda.invoke.queue.attempt import Attempt, Attempts, errands
from ramuda.invoke.queue.event import Event, Functions
from ramuda.invoke.queue.journal import Journal
from ramuda.invoke.queue.lane import NEVER, Lane
from ramuda.invoke.queue.meter import EventMeters
from ramuda.invoke.queue.options import Options
from ramuda.invoke.queue.outbox import Outbox
from ramuda.invoke.queue.rows import Errand, FunctionKey
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.function import FunctionRef, Throttled
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.kernel.ports.invoker import Invoker
from ramuda.kernel.ports.recorder import Recorder
from ramuda.kernel.ports.target import Target

log = logging.getLogger(__name__)

CROWD_S = 0.02
"""Events are counted over so long to see whether they are a crowd; it is over so long after it was one."""
LANES_MAX = 10_000
"""Lanes kept although they are empty."""
WRITE_AGAIN_S = 5.0


def policy(options: Options, *, retries: int | None = None, age_s: float | None = None) -> Policy:
    """What holds for a function with these settings (None: it has none)."""
    return Policy(
        retries=options.retries if retries is None else retries,
        age_s=options.event_age_s if age_s is None else age_s,
        retry_after_s=options.retry_after_s,
        back_off_s=options.back_off_s,
        back_off_max_s=options.back_off_max_s,
    )


class EventQueue:
    """`start` before the first event, `resume` when functions can run, `stop` at the end. Owns a task per running
    event and per load from the database."""

    def __init__(
        self,
        *,
        database: Database,
        functions: Functions,
        invoker: Invoker,
        targets: Mapping[str, Target],
        clock: Clock,
        ids: Ids,
        recorder: Recorder,
        options: Options,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._options = options
        self._meters = EventMeters(recorder)
        self._attempts = Attempts(
            functions=functions, invoker=invoker, clock=clock, meters=self._meters, policy=policy(options)
        )
        self._journal = Journal(database, clock, options.settle_s, self._stored, self._committed)
        self.outbox = Outbox(
            database=database, journal=self._journal, targets=targets, clock=clock, meters=self._meters, options=options
        )
        self._alarm = Alarm(clock, self._ring, "event-queue-alarm")
        self._lanes: dict[FunctionKey, Lane] = {}
        self._held_bytes = 0
        self._running = 0
        self._crowded_until_s = 0.0
        self._counted_from_s = 0.0
        self._counted = 0
        self._has_turn = False
        self._starved: dict[FunctionKey, Lane] = {}
        self._sequence = 0
        self._backlog_bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    async def start(self) -> None:
        """Events can be accepted, and those accepted from now on are run."""
        self._sequence, self._backlog_bytes = await self._database.write(_recover)

    async def resume(self) -> None:
        """Takes up what an earlier process left."""
        for key, due_at_s in await self._database.read(rows.functions_with_events):
            lane = self._lane(key)
            lane.stored_due_at_s = min(lane.stored_due_at_s, due_at_s)
            self._pump(lane)
        await self.outbox.resume()

    async def stop(self) -> None:
        """Events under way are broken off and run again by the next start."""
        self._is_stopped = True
        await self._alarm.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.outbox.stop()
        await self._journal.stop()

    async def accept(self, function: FunctionRef, *, request_id: str, payload: bytes, trace: str | None) -> None:
        """Returns when the event is stored for good. Raises Throttled when there are too many, PortError."""
        if self._backlog_bytes + len(payload) > self._options.backlog_bytes:
            raise Throttled("CallerRateLimitExceeded")
        now_s = self._clock.time()
        self._sequence += 1
        event = Event(
            function=function,
            request_id=request_id,
            payload=payload,
            trace=trace,
            progress=Progress(accepted_at_s=now_s),
            sequence=self._sequence,
        )
        lane = self._lane((function.account, function.region, function.name))
        due_at_s = None
        if lane.stored_due_at_s > now_s and self._has_room(lane, len(payload)):
            self._hold(lane, event)
        else:
            due_at_s = now_s
        self._backlog_bytes += rows.event_bytes(event)
        await self._journal.add(event, due_at_s)
        self._meters.of(function).received(now_s)

    async def drained(self) -> None:
        """Waits until nothing is running, being delivered or about to be written; events that wait for their time
        stay."""
        while True:
            tasks = self._tasks | self.outbox.tasks()
            if tasks:
                await asyncio.wait(tasks)
            elif not self._journal.is_settled:
                await self._journal.settle()
            else:
                return

    # -- lanes ---------------------------------------------------------------------------------------------------------

    def _lane(self, key: FunctionKey) -> Lane:
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) >= LANES_MAX:
                self._lanes = {key: lane for key, lane in self._lanes.items() if not lane.is_empty}
            lane = self._lanes[key] = Lane(key, self._options)
        return lane

    def _has_room(self, lane: Lane, payload_bytes: int) -> bool:
        if not lane.held:
            return True
        is_small = self._held_bytes + payload_bytes <= self._options.memory_bytes
        return is_small and lane.held - lane.running < self._options.memory_events

    def _hold(self, lane: Lane, event: Event) -> None:
        lane.hold(event)
        self._held_bytes += len(event.payload)

    def _release(self, lane: Lane, event: Event) -> None:
        lane.release(event)
        self._held_bytes -= len(event.payload)

    def _stored(self, event: Event, due_at_s: float | None, ok: bool) -> None:
        """Told by the journal."""
        function = event.function
        lane = self._lane((function.account, function.region, function.name))
        if not ok:
            self._backlog_bytes -= rows.event_bytes(event)
        if due_at_s is None and ok:
            lane.ready.append(event)
        elif due_at_s is None:
            self._release(lane, event)
        elif ok:
            lane.stored_due_at_s = min(lane.stored_due_at_s, due_at_s)
        self._pump(lane)

    def _committed(self, count: int) -> None:
        """Told by the journal, before it tells of each event."""
        now_s = self._clock.time()
        if now_s - self._counted_from_s > CROWD_S:
            self._counted_from_s, self._counted = now_s, 0
        self._counted += count
        if self._counted >= self._options.crowd:
            self._crowded_until_s = now_s + CROWD_S
        self._has_turn = True
        self._pump_starved()

    def _pump_starved(self) -> None:
        """Lets those begin that found no turn, first come first served."""
        while self._starved:
            lane = self._starved.pop(next(iter(self._starved)))
            self._pump(lane)
            if lane.key in self._starved:
                return

    def _takes_turn(self, now_s: float) -> bool:
        """Whether an event may begin to run now as far as all functions together go."""
        if self._running >= self._options.in_flight:
            return False
        if now_s >= self._crowded_until_s:
            return True
        has_turn, self._has_turn = self._has_turn, False
        if not has_turn:
            self._alarm.at(self._crowded_until_s)
        return has_turn

    def _ring(self) -> None:
        self._starved.clear()
        for lane in list(self._lanes.values()):
            self._pump(lane)

    def _pump(self, lane: Lane) -> None:
        """Begins what may run now, loads what is due, and sees to it that the rest is looked at in time."""
        if self._is_stopped:
            return
        now_s = self._clock.time()
        while lane.ready:
            if lane.running >= lane.window and not self._widens(lane, now_s):
                break
            if not self._takes_turn(now_s):
                self._starved[lane.key] = lane
                break
            self._begin(lane, lane.ready.popleft())
        if lane.stored_due_at_s == NEVER or lane.is_loading:
            return
        if lane.stored_due_at_s > now_s:
            self._alarm.at(lane.stored_due_at_s)
        elif len(lane.ready) <= self._options.memory_events // 4 and self._has_room(lane, 1):
            lane.is_loading = True
            self._own(self._load(lane), "event-load")

    def _widens(self, lane: Lane, now_s: float) -> bool:
        """Whether one more may run now although the window was full."""
        if now_s < self._crowded_until_s:
            self._alarm.at(self._crowded_until_s)
            return False
        look_again_at_s = lane.grow(now_s, self._options)
        if lane.running < lane.window:
            return True
        self._alarm.at(look_again_at_s)
        return False

    async def _load(self, lane: Lane) -> None:
        count = max(1, self._options.memory_events - len(lane.ready))
        room = max(1, self._options.memory_bytes - self._held_bytes)
        lane.stored_due_at_s = NEVER
        take = partial(rows.take_events, function=lane.key, now_s=self._clock.time(), count=count, payload_bytes=room)
        try:
            events, due_at_s = await self._database.write(take)
        except Exception as e:  # boundary: one read; the lane must not wait for it forever
            log.warning("lambda.events.not_read error=%s", e, exc_info=not isinstance(e, PortError))
            events, due_at_s = [], self._clock.time() + WRITE_AGAIN_S
        lane.is_loading = False
        for event in events:
            self._hold(lane, event)
            lane.ready.append(event)
        if due_at_s is not None:
            lane.stored_due_at_s = min(lane.stored_due_at_s, due_at_s)
        self._pump(lane)

    # -- one event -----------------------------------------------------------------------------------------------------

    def _begin(self, lane: Lane, event: Event) -> None:
        lane.began()
        self._running += 1
        self._own(self._run(lane, event), "event")

    async def _run(self, lane: Lane, event: Event) -> None:
        try:
            attempt = await self._attempts.make(event)
        except Exception:  # boundary: one event
            log.exception("lambda.event.broken", extra={"request_id": event.request_id})
            attempt = Attempt(result=Refused(), policy=self._attempts.policy)
        lane.ended()
        self._running -= 1
        now_s = self._clock.time()
        if attempt.is_crowded:
            lane.throttled(now_s, self._options)
        try:
            await self._conclude(lane, event, attempt, now_s)
        except Exception:  # boundary: one event; it stays in the database, and the next start runs it again
            log.exception("lambda.event.not_ended", extra={"request_id": event.request_id})
        self._release(lane, event)
        self._pump(lane)
        self._pump_starved()

    async def _conclude(self, lane: Lane, event: Event, attempt: Attempt, now_s: float) -> None:
        decision = decide.decide(event.progress, attempt.result, now_s, attempt.policy)
        event.progress = decision.progress
        if isinstance(decision, RetryAt):
            await self._write(partial(rows.postpone_event, event=event, due_at_s=decision.at_s))
            lane.stored_due_at_s = min(lane.stored_due_at_s, decision.at_s)
            return
        self._backlog_bytes -= rows.event_bytes(event)
        if isinstance(decision, GiveUp):
            self._meters.of(event.function).dropped(now_s)
            log.info(
                "lambda.event.given_up request_id=%s function=%s condition=%s",
                event.request_id,
                event.function.arn,
                decision.condition,
            )
        made = [(errand, self.outbox.due_at_s()) for errand in errands(event, attempt, decision, self._ids, now_s)]
        if not made:
            self._journal.end_event(event.sequence)
            return
        await self._write(partial(_finish, event=event, made=made))
        for errand, due_at_s in made:
            self.outbox.stored(errand, due_at_s)

    async def _write(self, work: "partial[None]") -> None:
        """While the database cannot be written, again and again."""
        while True:
            try:
                return await self._database.write(work)
            except PortError as e:
                log.warning("lambda.event.not_written error=%s", e)
                await self._clock.sleep(WRITE_AGAIN_S)

    def _own(self, work: "asyncio._CoroutineLike[None]", name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _recover(tx: Transaction) -> tuple[int, int]:
    rows.recover(tx)
    return rows.last_sequence(tx), rows.backlog_bytes(tx)


def _finish(tx: Transaction, event: Event, made: list[tuple[Errand, float | None]]) -> None:
    """The end of an event and what is delivered of it, together."""
    rows.delete_events(tx, [event.sequence])
    rows.add_deliveries(tx, made)
