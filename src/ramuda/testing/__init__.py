"""Public helpers for tests: a clock that moves by hand, and a running server."""

from ramuda.testing.clock import ManualClock
from ramuda.testing.server import RunningServer, running_server

__all__ = ["ManualClock", "RunningServer", "running_server"]
