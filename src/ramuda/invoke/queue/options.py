"""Options of asynchronous invocation. AWS's values are the defaults of what AWS fixes."""

from typing import Annotated

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Delays and bounds of asynchronous invocation.

    Source of AWS's values: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""

    retry_after_s: Annotated[tuple[float, ...], msgspec.Meta(min_length=1)] = (60.0, 120.0)
    """How long after a function's error it is tried again: the first time, the second time."""
    back_off_s: float = 1.0
    """How long an event waits when there was no concurrency left or the platform failed; twice as long after each
    further time."""
    back_off_max_s: float = 300.0
    """The longest such wait."""
    event_age_s: float = 21_600.0
    """How old an event may grow where MaximumEventAgeInSeconds is not set."""
    retries: int = 2
    """How often a function is tried again where MaximumRetryAttempts is not set."""
    in_flight: int = 1000
    """Events running at the same time, over all functions."""
    in_flight_first: int = 4
    """Events of one function running at the same time at first; more follow while that makes more of them end."""
    crowd: int = 8
    """So many events accepted within 20 ms are a crowd: while it lasts, one event begins to run for each commit, so
    that accepting goes first and what is too much waits in the queue. Events under way go on."""
    ramp_s: float = 1.0
    """How often it is looked whether twice as many of a function's events should run at the same time. Long enough for
    new environments to start and to show what they are worth."""
    memory_events: int = 256
    """Events of one function that wait in memory; the others wait in the database."""
    memory_bytes: int = 64 * 1024 * 1024
    """What the payloads of all events in memory may add up to. One event of each function may be above it."""
    backlog_bytes: int = 4 * 1024 * 1024 * 1024
    """What all accepted events that are not finished may take up on the disk; above it callers get 429."""
    settle_s: float = 0.05
    """How long the end of an event may wait to be written together with others. A crash within it runs the event
    again."""
    deliver_for_s: float = 300.0
    """How long a destination or dead-letter queue that is out of reach is tried again, with the waits of `back_off_s`;
    then the delivery has failed."""
    deliveries_in_flight: int = 64
    """Deliveries to destinations and dead-letter queues under way at the same time."""
