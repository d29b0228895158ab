"""Runs `client.py` in a process of its own and reads what it measured."""

import base64
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CLIENT = Path(__file__).with_name("client.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go, and the requests: whole HTTP messages."""

    host: str
    port: int
    requests: list[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    p50_ms: float
    p99_ms: float
    per_second: float
    longest_ms: float = 0.0
    answers: int = 0


def run(
    target: Target, *, connections: int = 1, count: int = 2000, duration_s: float = 3.0, warm_up: int = 200
) -> Measured:
    """Raises RuntimeError with the client's complaint when an answer was bad."""
    job = {
        "host": target.host,
        "port": target.port,
        "requests": [base64.b64encode(r).decode() for r in target.requests],
        "connections": connections,
        "count": count,
        "duration_s": duration_s,
        "warm_up": warm_up,
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(CLIENT)], input=json.dumps(job), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    answer = json.loads(done.stdout)
    times = sorted(t / 1e6 for t in answer["nanoseconds"])
    return Measured(
        p50_ms=statistics.median(times),
        p99_ms=times[int(len(times) * 0.99)],
        per_second=answer["answers"] / answer["elapsed_s"],
        longest_ms=times[-1],
        answers=answer["answers"],
    )


def typical(rounds: list[Measured]) -> Measured:
    """The median of each figure over the rounds."""
    return Measured(
        p50_ms=statistics.median(m.p50_ms for m in rounds),
        p99_ms=statistics.median(m.p99_ms for m in rounds),
        per_second=statistics.median(m.per_second for m in rounds),
    )
