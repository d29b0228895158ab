"""What a server costs when nobody asks it: the time until it answers, and memory."""

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import platform_under_test
from benchmarks.report import Bound, Row
from ramuda.testing import RunningServer

MIB = 1024 * 1024
STARTS_A_ROUND = 2
SETTLE_S = 1.0


def start(rounds: int) -> list[Row]:
    """From exec to the first answer of /_ramuda/health, with an empty state."""
    times_s = [_start_s() for _ in range(rounds * STARTS_A_ROUND)]
    took_s = statistics.median(times_s)
    return [
        Row(
            measure="server start to first answer",
            ours=f"{took_s:.2f} s",
            judged=took_s,
            target=Bound(limit=1.0, text="1 s"),
            stretch=Bound(limit=0.5, text="0.5 s"),
        )
    ]


def _start_s() -> float:
    with tempfile.TemporaryDirectory(prefix="ramuda-bench-") as folder:
        server = RunningServer(Path(folder) / "data")
        begun = time.perf_counter()
        server.start()
        try:
            platform_under_test.Platform(server=server).health()
            return time.perf_counter() - begun
        finally:
            server.stop()


def memory(rounds: int) -> list[Row]:
    """Proportional memory of the server after use, and its children's private memory (prepared environments too)."""
    with platform_under_test.running() as ours:
        ours.deploy("bench-idle")
        ours.client("lambda").invoke(FunctionName="bench-idle", Payload=b"{}")
        waiting = ours.wait_for_prepared()
        time.sleep(SETTLE_S)
        server_mib = _memory_bytes(ours.server.pid, "Pss:") / MIB
        children = _descendants(ours.server.pid)
        private_mib = sum(_memory_bytes(p, "Private_Clean:", "Private_Dirty:") for p in children) / MIB
    return [
        Row(
            measure="idle memory of the server (PSS)",
            ours=f"{server_mib:.0f} MiB",
            judged=server_mib,
            target=Bound(limit=120, text="120 MiB"),
            stretch=Bound(limit=80, text="80 MiB"),
        ),
        Row(
            measure=f"  {len(children)} other processes, {waiting} prepared environments in them",
            ours=f"{private_mib:.0f} MiB private",
        ),
    ]


def _memory_bytes(pid: int, *fields: str) -> int:
    """Sums lines of smaps_rollup; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(fields))


def _descendants(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # ended meanwhile
    found, fresh = [], [pid]
    while fresh:
        fresh = [child for child, parent in parents.items() if parent in fresh]
        found += fresh
    return found
