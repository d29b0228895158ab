"""The memory limit where there is no memory cgroup: measures a sandbox's processes now and then, and ends it above
the limit.

Coarser than the kernel: a burst between two looks goes unseen. Counted is anonymous and shared memory of every
process that descends from the sandbox's init; what a fork shares with the template counts as its own.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

KIB = 1024


async def watch(init_pid: int, limit_bytes: int, poll_s: float, exceeded: Callable[[], None]) -> None:
    """Looks every `poll_s` until the limit is exceeded, which it tells once."""
    while memory_bytes(init_pid) <= limit_bytes:  # noqa: ASYNC110 - nothing tells of memory but looking
        await asyncio.sleep(poll_s)
    exceeded()


def memory_bytes(init_pid: int, proc: Path = Path("/proc")) -> int:
    return sum(_own_bytes(proc / str(pid)) for pid in descendants(init_pid, proc))


def descendants(pid: int, proc: Path = Path("/proc")) -> list[int]:
    """All processes below `pid`, without itself."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for children in (proc / str(waiting.pop())).glob("task/*/children"):
            try:
                pids = [int(word) for word in children.read_text().split()]
            except OSError:
                continue
            found += pids
            waiting += pids
    return found


def _own_bytes(process: Path) -> int:
    try:
        lines = (process / "status").read_text().splitlines()
    except OSError:
        return 0
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    return sum(int(values[name].split()[0]) for name in ("RssAnon", "RssShmem") if name in values) * KIB
