"""The subscribers of one environment, and what happened before they came.

An environment whose function has extensions keeps what it tells from Init on until Init is over: a subscriber gets it
all. Without extensions there is no `Telemetry`."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from ramuda.kernel.clock import Clock
from ramuda.kernel.ports.sandbox import Sandbox
from ramuda.runtime.extensions.roster import Refused
from ramuda.runtime.options import Options
from ramuda.runtime.telemetry import records
from ramuda.runtime.telemetry.delivery import Subscriber
from ramuda.runtime.telemetry.subscriptions import Api, Subscription

SUBSCRIPTIONS_MAX = 100
"""Of one environment. Each is told the whole history, which takes the server some milliseconds."""
HISTORY_MAX = 1000
HISTORY_BYTES_MAX = 256 * 1024


class Telemetry:
    """`tell` every event; `close` ends all deliveries."""

    def __init__(self, sandbox: Sandbox, clock: Clock, options: Options) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._options = options
        self._history: deque[tuple[float, str, Any]] | None = deque()
        self._history_bytes = 0
        self._subscribers: dict[str, Subscriber] = {}
        self._subscriptions = 0

    @property
    def has_subscribers(self) -> bool:
        return bool(self._subscribers)

    def tell(self, kind: str, record: Any, at_s: float) -> None:
        """`kind` is the event's type. A record is a mapping, a text, or ready JSON."""
        if self._history is not None and len(self._history) < HISTORY_MAX:
            self._history_bytes += _size(record)
            if self._history_bytes < HISTORY_BYTES_MAX:
                self._history.append((at_s, kind, record))
        encoded: bytes | None = None
        for subscriber in self._subscribers.values():
            if not _wants(subscriber.subscription, kind):
                continue
            if subscriber.subscription.api is Api.LOGS:
                _tell_logs_api(subscriber, kind, record, at_s)
            else:
                encoded = encoded or records.event(at_s, kind, record)
                subscriber.offer(encoded)

    def subscribe(self, name: str, subscription: Subscription) -> None:
        """Instead of what the extension subscribed to before. Raises Refused."""
        former = self._subscribers.get(name)
        if former is not None and former.subscription.api is not subscription.api:
            message = "An extension can subscribe to one of the Telemetry API and the Logs API"  # ours
            raise Refused("ValidationError", message, 400)
        if self._subscriptions >= SUBSCRIPTIONS_MAX:
            message = f"More than {SUBSCRIPTIONS_MAX} subscriptions in one environment"  # ours
            raise Refused("Telemetry.TooManySubscriptions", message, 429)
        self._subscriptions += 1
        if former is not None:
            former.close()
        limit_s = self._options.telemetry_delivery_s
        subscriber = Subscriber(subscription, self._sandbox.socket, self._clock, limit_s)
        for at_s, kind, record in self._history or ():
            if not _wants(subscription, kind):
                continue
            if subscription.api is Api.LOGS:
                _tell_logs_api(subscriber, kind, record, at_s)
            else:
                subscriber.offer(records.event(at_s, kind, record))
        self._subscribers[name] = subscriber

    def init_ended(self) -> None:
        """Who has not subscribed will not."""
        self._history = None

    def freeze(self) -> None:
        for subscriber in self._subscribers.values():
            subscriber.freeze()

    def thaw(self) -> None:
        for subscriber in self._subscribers.values():
            subscriber.thaw()

    async def flush(self, limit_s: float) -> None:
        """Delivers all that waits, as far as it goes in this time."""
        try:
            async with asyncio.timeout(limit_s):
                await asyncio.gather(*(subscriber.flush() for subscriber in self._subscribers.values()))
        except TimeoutError:
            pass

    def close(self) -> None:
        for subscriber in self._subscribers.values():
            subscriber.close()
        self._subscribers.clear()


def _size(record: Any) -> int:
    """Of what the function said; the platform's own words are few."""
    if isinstance(record, str):
        return len(record)
    return memoryview(record).nbytes if isinstance(record, msgspec.Raw) else 0


def _wants(subscription: Subscription, kind: str) -> bool:
    return kind.partition(".")[0] in subscription.types


def _tell_logs_api(subscriber: Subscriber, kind: str, record: Any, at_s: float) -> None:
    for told_kind, told in records.for_logs_api(kind, record):
        subscriber.offer(records.event(at_s, told_kind, told))
