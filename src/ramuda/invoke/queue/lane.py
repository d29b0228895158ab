"""The events of one function that wait or run: each function has a lane of its own, so that one that is throttled, slow
or broken holds up no other.

How many run at once is the lane's window. It begins at `Options.in_flight_first`, and grows while events wait and that
makes more of them end in the same time: a function that waits for others gets as many environments as it can use, one
that computes no more than the machine has processors for. When the function is throttled it shrinks to what runs, for
`Options.back_off_s`: of thousands that wait then, one a second finds out whether there is room again, and whatever ends
makes room for another.
"""

from collections import deque

from ramuda.invoke.queue.event import Event
from ramuda.invoke.queue.options import Options
from ramuda.invoke.queue.rows import FunctionKey

NEVER = float("inf")
WORTH = 1.4
"""So many times as many must end as did before, for the window to grow further."""


class Lane:
    """`stored_due_at_s`: when the first event that is in the database alone is due; NEVER when there is none.
    `held` events and `held_bytes` of payload are in memory or about to be."""

    __slots__ = (
        "_best_per_s",
        "_ended",
        "_grow_at_s",
        "_looked_at_s",
        "held",
        "held_bytes",
        "is_loading",
        "key",
        "ready",
        "running",
        "stored_due_at_s",
        "window",
    )

    def __init__(self, key: FunctionKey, options: Options) -> None:
        self.key = key
        self.ready: deque[Event] = deque()
        self.running = 0
        self.held = 0
        self.held_bytes = 0
        self.stored_due_at_s = NEVER
        self.is_loading = False
        self.window = options.in_flight_first
        self._grow_at_s = 0.0
        self._looked_at_s = 0.0
        self._ended = 0
        self._best_per_s = 0.0

    @property
    def is_empty(self) -> bool:
        return not self.held and self.stored_due_at_s == NEVER and not self.is_loading

    def hold(self, event: Event) -> None:
        self.held += 1
        self.held_bytes += len(event.payload)

    def release(self, event: Event) -> None:
        self.held -= 1
        self.held_bytes -= len(event.payload)

    def began(self) -> None:
        self.running += 1

    def ended(self) -> None:
        self.running -= 1
        self._ended += 1

    def throttled(self, now_s: float, options: Options) -> None:
        """After `ended` of the event that found no room."""
        self.window = min(self.window, self.running)
        self._grow_at_s = now_s + options.back_off_s

    def grow(self, now_s: float, options: Options) -> float:
        """Widens the window when it is time; when to look again. Asked while events wait for the window."""
        if self._grow_at_s < now_s - 2 * options.ramp_s:  # the first that wait after a while
            self._look(now_s)
            self._best_per_s = 0.0
            if self.window >= options.in_flight_first:
                self._grow_at_s = now_s + options.ramp_s
                return self._grow_at_s
        if now_s >= self._grow_at_s:
            if self.window < options.in_flight_first:
                self.window = min(options.in_flight_first, max(1, 2 * self.window))
            elif self._is_worth_it(now_s):
                self.window = min(options.in_flight, 2 * self.window)
            self._look(now_s)
            is_narrow = self.window < options.in_flight_first
            self._grow_at_s = now_s + (options.back_off_s if is_narrow else options.ramp_s)
        return self._grow_at_s

    def _is_worth_it(self, now_s: float) -> bool:
        per_s = self._ended / max(now_s - self._looked_at_s, 1e-9)
        if self._ended and per_s < WORTH * self._best_per_s:
            return False
        self._best_per_s = max(self._best_per_s, per_s)
        return True

    def _look(self, now_s: float) -> None:
        self._looked_at_s = now_s
        self._ended = 0
