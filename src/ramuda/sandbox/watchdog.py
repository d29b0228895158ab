"""The memory limit where there is no memory cgroup: measures a sandbox's processes now and then, and ends it above
the limit.

Coarser than the kernel: a burst between two looks goes unseen. Counted is anonymous and shared memory of every
process in question; what a fork shares with its parent counts as its own.
"""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

KIB = 1024


async def watch(
    pids: Callable[[], Iterable[int]], limit_bytes: int, poll_s: float, exceeded: Callable[[], None]
) -> None:
    """Looks every `poll_s` until the limit is exceeded, which it tells once."""
    while sum(map(memory_bytes, pids())) <= limit_bytes:  # noqa: ASYNC110 - nothing tells of memory but looking
        await asyncio.sleep(poll_s)
    exceeded()


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


def memory_bytes(pid: int, proc: Path = Path("/proc")) -> int:
    """0 when the process is gone."""
    try:
        lines = (proc / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    return sum(int(values[name].split()[0]) for name in ("RssAnon", "RssShmem") if name in values) * KIB
