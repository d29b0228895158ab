"""A rate that fills up again bit by bit, as a token bucket does, kept as one number.

The number is the instant at which the bucket will be full again; taking one moves it by the time that one needs to
come back (the "generic cell rate algorithm")."""

ROUNDING_S = 1e-9


class Rate:
    """`take` until the bucket is empty. Interval and burst are the caller's and may change between calls."""

    __slots__ = ("_full_at_s",)

    def __init__(self) -> None:
        self._full_at_s = 0.0

    def take(self, interval_s: float, burst_s: float, now_s: float) -> bool:
        """Takes one, if there is one. One comes back every `interval_s`; never more than `burst_s` / `interval_s` are
        there. `now_s` is monotonic."""
        full_at_s = self._full_at_s
        if full_at_s < now_s:
            full_at_s = now_s
        full_at_s += interval_s
        if full_at_s - now_s > burst_s + ROUNDING_S:
            return False
        self._full_at_s = full_at_s
        return True
