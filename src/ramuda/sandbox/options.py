"""Options of every sandbox backend."""

from typing import Literal

import msgspec

from ramuda.kernel import limits


class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How functions are shut in. Units are in the names."""

    backend: Literal["auto", "isolated", "process"] = "auto"
    """`auto` takes `isolated` where this machine can, else `process`, and says why."""
    network: Literal["open", "none"] = "open"
    """`none`: functions reach the platform's own endpoint and nothing else. Only the isolated backend can keep that."""
    network_allow: tuple[str, ...] = ()
    """Networks (`10.0.0.0/8`, one address as `/32`) that functions may reach although the policy would refuse them:
    this host's own addresses, loopback of the host, link-local."""
    gateway_port: int = 4566
    """Port of the platform's endpoint as a function sees it, at 127.0.0.1. Isolated backend."""
    open_files: int = limits.OPEN_FILES
    """RLIMIT_NOFILE, soft and hard."""
    pids_max: int = limits.PROCESSES
    """Most processes and threads in one sandbox."""
    cpu_period_us: int = 20_000
    """Period of the CPU quota. Shorter stalls a function less, but a quota below 1 ms is not possible."""
    memory_poll_s: float = 0.05
    """Where there is no memory cgroup, how often a sandbox's memory is measured to keep the limit."""
