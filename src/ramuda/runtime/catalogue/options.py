"""Options of the runtime catalogue."""

import os
from pathlib import Path
from typing import Literal

import msgspec


class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How runtimes are found and installed. Seconds as the names say."""

    cache_dir: Path
    """Where runtime clients and AWS SDKs are installed, once for all servers of this user; safe to delete."""
    strict_runtimes: bool = False
    """Refuse a runtime whose exact version is not on this machine, instead of running the nearest of its family."""
    install: bool = True
    """Fetch what is missing with pip, npm and Maven. Without it, what is in the cache or comes with Ramuda."""
    node_client: Literal["auto", "own"] = "auto"
    """`auto`: Node.js functions run on AWS's own client, compiled once in the background where the tools for that are
    installed, and until then on ours, which behaves the same. `own`: always on ours."""
    node_sdk_wait_s: float = 30.0
    """How long the first Node.js function waits for the AWS SDK to be installed. After that it starts without; the SDK
    is there for whoever starts once it is installed."""
    install_timeout_s: float = 900.0
    """An installation that takes longer is given up."""


def default_cache_dir() -> Path:
    """`~/.cache/ramuda/runtimes`, or where XDG_CACHE_HOME says."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ramuda" / "runtimes"
