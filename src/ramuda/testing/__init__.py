"""Public helpers for tests: a clock that moves by hand, and a running server."""

from ramuda.testing.clock import ManualClock

__all__ = ["ManualClock"]
