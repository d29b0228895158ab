"""Provisioned concurrency: ten thousand invocations of a function whose Init takes half a second, and no cold start.

Fewer connections than provisioned environments, so that nothing has to spill over. AWS's cap of ten requests a second
for each provisioned environment is lifted: it would send most of this load to environments on demand."""

import io
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import load, platform_under_test
from benchmarks.platform_under_test import HANDLERS, MEMORY_MIB, PYTHON_RUNTIME, Platform
from benchmarks.report import Bound, Row

FUNCTION, VERSION = "bench-provisioned", "1"
INVOKES = 10_000
ENVIRONMENTS, CONNECTIONS = 10, 8
INIT_MS = 500.0
SECONDS_A_TURN = 3.0
READY_PATIENCE_S = 60.0
OPTIONS = "[invoke]\nrequests_per_concurrency = 1000000\n"


def no_cold_start(rounds: int) -> list[Row]:
    """`INVOKES` at least, once; `rounds` does not multiply them."""
    with _running() as ours:
        client = ours.client("lambda")
        _provision(client)
        target = ours.target(f"{FUNCTION}:{VERSION}")
        turns: list[load.Measured] = []
        while sum(turn.answers for turn in turns) < INVOKES:
            turns.append(load.run(target, connections=CONNECTIONS, duration_s=SECONDS_A_TURN))
        cold = _inits(ours.client("logs")) - ENVIRONMENTS
    answers, p99_ms = sum(turn.answers for turn in turns), max(turn.p99_ms for turn in turns)
    longest_ms = max(turn.longest_ms for turn in turns)
    return [
        Row(
            measure=f"provisioned, Init of {INIT_MS:.0f} ms, {answers:,} invokes, p99",
            ours=f"{p99_ms:.2f} ms (max {longest_ms:.1f})",
            judged=p99_ms,
            target=Bound(limit=INIT_MS / 10, text=f"{INIT_MS / 10:.0f} ms"),
        ),
        Row(measure="  cold starts among them", ours=f"{cold}", judged=cold, target=Bound(limit=0, text="0")),
    ]


@contextmanager
def _running() -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(prefix="ramuda-bench-") as scratch:
        config = Path(scratch) / "ramuda.toml"
        config.write_text(OPTIONS)
        with platform_under_test.running("--config", str(config)) as ours:
            yield ours


def _provision(client: Any) -> None:
    """A function with a version whose environments are ready."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(HANDLERS / "slow_init" / "app.py", "app.py")
    client.create_function(
        FunctionName=FUNCTION,
        Runtime=PYTHON_RUNTIME,
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/bench",
        MemorySize=MEMORY_MIB,
        Timeout=30,
        Code={"ZipFile": code.getvalue()},
        Publish=True,
    )
    named = {"FunctionName": FUNCTION, "Qualifier": VERSION}
    client.put_provisioned_concurrency_config(**named, ProvisionedConcurrentExecutions=ENVIRONMENTS)
    deadline = time.monotonic() + READY_PATIENCE_S
    while client.get_provisioned_concurrency_config(**named)["Status"] != "READY":
        if time.monotonic() > deadline:
            raise RuntimeError(f"not provisioned within {READY_PATIENCE_S:.0f} s")
        time.sleep(0.1)


def _inits(logs: Any) -> int:
    """Environments that were started since the server was."""
    time.sleep(1.5)  # what is logged reaches the disk within a second
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{FUNCTION}", filterPattern="INIT_START"
    )
    return sum(len(page["events"]) for page in pages)
