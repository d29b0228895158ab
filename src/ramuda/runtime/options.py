"""Options of the runtime room."""

import msgspec

from ramuda.kernel import limits


class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How execution environments live. Seconds, counts and bytes as the names say."""

    init_timeout_s: float = limits.INIT_TIMEOUT_S
    """Limit of the Init phase; on overrun it is run again inside the first invocation."""
    ahead_init_timeout_s: float = limits.AHEAD_INIT_TIMEOUT_S
    """The same for provisioned concurrency and SnapStart, unless the function's time-out is longer."""
    restore_timeout_s: float = 10.0
    """Limit of a restore from a snapshot, after-restore hooks included:
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks.html."""
    snapshots_max: int = 20
    """Most snapshots of published versions (SnapStart) kept at once, each a frozen process; the one longest not used is
    dropped, and made again when it is wanted."""
    restored_ahead: int = 1
    """Copies kept ready of each snapshot; their hooks run when they are taken."""
    freeze_after_s: float = 0.02
    """An environment without work is frozen after this long. Not at once: thawing costs 0.15 ms, and a busy function's
    next event mostly comes sooner."""
    idle_s: float = 600.0
    """An environment without work is shut down after this long."""
    lifetime_s: float = 10 * 3600.0
    """No environment serves longer; its credentials are issued for somewhat longer than this."""
    environments_max: int = 1000
    """Most environments alive at once, over all functions; the longest idle one makes room."""
    prepared_max: int = 16
    """Most prepared environments kept per runtime, some 3 MiB each for Python; 0 turns preparing off."""
    prepared_idle_s: float = 900.0
    """A runtime nobody used for this long keeps no prepared environment."""
    stream_bytes_max: int = limits.STREAMED_RESPONSE_BYTES
    """The most that a streamed response may have; the stream ends there with an error."""
    stream_bytes_per_s: float = 0.0
    """How fast a streamed response is sent after its first 6 MB; 0 is as fast as it is read. AWS sends 2 MB/s
    (2097152), which nobody would want on their own machine but to see what their clients do then."""
    shutdown_s: float = 2.0
    """An environment with external extensions has this long to shut down; then what is left is killed."""
    shutdown_runtime_s: float = 0.3
    """Of that, how long the runtime has after SIGTERM."""
    shutdown_internal_s: float = 0.5
    """How long a runtime with internal extensions only has after SIGTERM. Without extensions there is no time."""
    telemetry_delivery_s: float = 5.0
    """A subscriber of telemetry that has not taken a batch after this long counts as failing."""
    output_line_bytes: int = 256 * 1024 - 26
    """A longer line of output is split: the limit of one log event, less CloudWatch's overhead."""
