"""Logs and metrics: what happened goes in through `Telemetry.recorder`, answers come out of `.logs` and `.metrics`.

    recorder --append--> buffers --every 0.5 s--> flusher --one transaction--> telemetry database <--read-- logs,
    metrics

The way in never waits: it appends to lists. A flush turns what one stream received into one chunk row, and what one
metric received in one period into one row of statistics, so that thousands of events a second are few rows. A query
flushes first, so that whatever was recorded before it is seen by it. A crash loses at most what came since the last
flush.
"""

from ramuda.telemetry.options import Options
from ramuda.telemetry.telemetry import Telemetry

__all__ = ["Options", "Telemetry"]
