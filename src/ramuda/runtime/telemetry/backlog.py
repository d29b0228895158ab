"""What waits for one subscriber, within bounds whatever the subscriber does (pure)."""

from collections import deque

FRAMING_BYTES = 1
"""A comma or a newline beside each event."""


class Backlog:
    """Events in order. What is over the bounds is dropped and counted."""

    def __init__(self, *, max_items: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._events: deque[bytes] = deque()
        self._size_bytes = 0
        self._dropped, self._dropped_bytes = 0, 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    @property
    def is_batch(self) -> bool:
        """Whether a whole batch waits."""
        return len(self._events) >= self._max_items or self._size_bytes >= self._max_bytes

    def add(self, event: bytes) -> None:
        size = len(event) + FRAMING_BYTES
        if self._size_bytes + size > 2 * self._max_bytes or len(self._events) >= 2 * self._max_items:
            self._dropped += 1
            self._dropped_bytes += len(event)
            return
        self._events.append(event)
        self._size_bytes += size

    def take(self) -> list[bytes]:
        """The next batch: at least one event, if there is any."""
        batch: list[bytes] = []
        size_bytes = 0
        while self._events and len(batch) < self._max_items:
            size = len(self._events[0]) + FRAMING_BYTES
            if batch and size_bytes + size > self._max_bytes:
                break
            batch.append(self._events.popleft())
            size_bytes += size
        self._size_bytes -= size_bytes
        return batch

    def lost(self, batch: list[bytes]) -> None:
        """A batch that was taken could not be delivered."""
        self._dropped += len(batch)
        self._dropped_bytes += sum(map(len, batch))

    def take_dropped(self) -> tuple[int, int]:
        """How many events were dropped since this was asked, and their bytes."""
        dropped = self._dropped, self._dropped_bytes
        self._dropped = self._dropped_bytes = 0
        return dropped
