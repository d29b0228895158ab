"""How much memory an environment's runtime has used: the Max Memory Used of REPORT."""

import math

from ramuda.kernel import limits
from ramuda.kernel.ports.sandbox import Sandbox

SHORT_MS, MEASURED_FOR_S = 5.0, 0.02
"""A measurement costs 30 µs, as much as any step of a warm invocation. Within 5 ms a function touches some 10 MiB at
most, and a fiftieth of a second later they are seen."""


class PeakMemory:
    """The peak, as it was last read."""

    def __init__(self, sandbox: Sandbox, memory_mib: int) -> None:
        self._sandbox = sandbox
        self._memory_mib = memory_mib
        self._used_mib = 0
        self._measured_s = -math.inf

    def after(self, duration_ms: float, now_s: float) -> int:
        """MiB used. Reads them, unless they were read a moment ago and the invocation was too short to have added
        much."""
        if duration_ms >= SHORT_MS or now_s - self._measured_s >= MEASURED_FOR_S:
            self._measured_s = now_s
            self._used_mib = min(-(-self._sandbox.usage().memory_peak_bytes // limits.MIB), self._memory_mib)
        return self._used_mib
