"""What can be configured of telemetry."""

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of logs and metrics."""

    flush_interval_s: float = 0.5
    """How long recorded events and samples stay in memory only. A crash loses at most this much."""
    sweep_interval_s: float = 600.0
    """How often what is past its retention is removed."""
    unwritten_events_max: int = 200_000
    """Log events kept in memory while the database cannot be written; beyond that the oldest are dropped."""
