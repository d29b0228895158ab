"""Cold starts: with an environment waiting, with nothing prepared, and fifty at once."""

import statistics
import subprocess
import sys
import time

from benchmarks import client, platform_under_test
from benchmarks.platform_under_test import NODE_RUNTIME, PYTHON_RUNTIME, Platform
from benchmarks.report import Bound, Row

CROWD = 50
STARTS_A_ROUND = 6


def python_waiting(rounds: int) -> list[Row]:
    return _waiting("cold start, empty Python, environment waiting, p50", PYTHON_RUNTIME, rounds, 15, 8)


def node_waiting(rounds: int) -> list[Row]:
    return _waiting("cold start, Node.js, environment waiting, p50", NODE_RUNTIME, rounds, 35, 20)


def _waiting(measure: str, runtime: str, rounds: int, target_ms: float, stretch_ms: float) -> list[Row]:
    names = [f"cold-{i}" for i in range(rounds * STARTS_A_ROUND)]
    with platform_under_test.running() as ours:
        ours.deploy(*names, runtime=runtime)
        times_ms = []
        for name in names:
            ours.wait_for_prepared()
            times_ms.append(_first_invoke_ms(ours, name))
    p50 = statistics.median(times_ms)
    return [
        Row(
            measure=measure,
            ours=f"{p50:.1f} ms",
            judged=p50,
            target=Bound(limit=target_ms, text=f"{target_ms} ms"),
            stretch=Bound(limit=stretch_ms, text=f"{stretch_ms} ms"),
        )
    ]


def python_unprepared(rounds: int) -> list[Row]:
    """In turns with the floor: a bare interpreter that imports the runtime client and ends."""
    names = [f"cold-{i}" for i in range(rounds * STARTS_A_ROUND)]
    with platform_under_test.running("--prepared", "off") as ours:
        ours.deploy(*names)
        _first_invoke_ms(ours, names[0])  # the runtime's own files are read once from the disk
        pairs = [(_bare_interpreter_ms(), _first_invoke_ms(ours, name)) for name in names[1:]]
    floor, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
    return [
        Row(
            measure="cold start, empty Python, nothing prepared, p50",
            ours=f"{mine:.1f} ms",
            peer=f"{floor:.1f} ms (import)",
            ratio=mine / floor,
            judged=mine / floor,
            target=Bound(limit=1.5, text="1.5x"),
        )
    ]


def crowd(rounds: int) -> list[Row]:
    """50 functions that never ran, each asked over its own connection at the same instant."""
    times_s = []
    with platform_under_test.running() as ours:
        for r in range(rounds):
            names = [f"crowd-{r}-{i}" for i in range(CROWD)]
            ours.deploy(*names)
            ours.wait_for_prepared()
            connections = [client.connect("127.0.0.1", ours.port) for _ in names]
            times_s.append(client.all_at_once(connections, [ours.signed_invoke(name) for name in names]))
            for connection in connections:
                connection.close()
    took_s = statistics.median(times_s)
    return [
        Row(
            measure=f"{CROWD} functions cold at once, all answered",
            ours=f"{took_s:.2f} s",
            judged=took_s,
            target=Bound(limit=0.6, text="0.6 s"),
            stretch=Bound(limit=0.25, text="0.25 s"),
        )
    ]


def _first_invoke_ms(ours: Platform, name: str) -> float:
    """Request in to answer out, over a connection that is there."""
    request = ours.signed_invoke(name)
    connection = client.connect("127.0.0.1", ours.port)
    begun = time.perf_counter()
    client.exchange(connection, request)
    took_ms = (time.perf_counter() - begun) * 1000
    connection.close()
    return took_ms


def _bare_interpreter_ms() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", "import awslambdaric.bootstrap"], check=True)
    return (time.perf_counter() - begun) * 1000
