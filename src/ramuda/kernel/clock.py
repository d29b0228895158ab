"""The one way to ask for the time and to wait, so that a test or a user can move time."""

import asyncio
from datetime import UTC, datetime
from time import monotonic as _monotonic
from time import time as _time
from typing import Protocol


class Clock(Protocol):
    """Wall-clock and monotonic time, and waiting."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits `seconds` of this clock's time."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def time(self) -> float:
        return _time()

    def monotonic(self) -> float:
        return _monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def iso_seconds(epoch_s: float) -> str:
    """`2026-11-21T05:24:00+0000`, the form where AWS shows no fraction."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def iso_milliseconds(epoch_s: float) -> str:
    """`2026-11-21T05:24:00.123+0000`, the form of Lambda's LastModified."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
