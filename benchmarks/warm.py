"""Warm invocations: latency and throughput, beside the emulator, with signatures verified, and with many functions."""

import statistics
from contextlib import ExitStack

from benchmarks import emulator, load, platform_under_test
from benchmarks.platform_under_test import PAYLOAD, Platform
from benchmarks.report import Bound, Row

FUNCTION = "bench-warm"
CONNECTIONS = 16
MANY_FUNCTIONS = 1000
SECONDS_A_ROUND = 3.0
REQUESTS_A_ROUND = 2000


def latency(rounds: int) -> list[Row]:
    """One connection, through the AWS API, in turns with the emulator."""
    with emulator.running(PAYLOAD) as peer, platform_under_test.running() as ours:
        target = _deployed(ours)
        pairs = [
            (load.run(peer, count=REQUESTS_A_ROUND), load.run(target, count=REQUESTS_A_ROUND)) for _ in range(rounds)
        ]
    theirs, mine = load.typical([p for p, _ in pairs]), load.typical([m for _, m in pairs])
    p50, p99 = mine.p50_ms / theirs.p50_ms, mine.p99_ms / theirs.p99_ms
    return [
        Row(
            measure="warm invoke, 1 connection, p50",
            ours=f"{mine.p50_ms:.2f} ms",
            peer=f"{theirs.p50_ms:.2f} ms",
            ratio=p50,
            judged=p50,
            target=Bound(limit=1.0, text="1.0x"),
            stretch=Bound(limit=0.75, text="0.75x"),
        ),
        Row(
            measure="warm invoke, 1 connection, p99",
            ours=f"{mine.p99_ms:.2f} ms",
            peer=f"{theirs.p99_ms:.2f} ms",
            ratio=p99,
            judged=p99,
            target=Bound(limit=1.0, text="1.0x"),
        ),
    ]


def throughput(rounds: int) -> list[Row]:
    """16 connections to one function, in turns with the emulator's one."""
    with emulator.running(PAYLOAD) as peer, platform_under_test.running() as ours:
        target = _deployed(ours)
        pairs = [(load.run(peer, count=REQUESTS_A_ROUND), _crowd(target)) for _ in range(rounds)]
    theirs, mine = load.typical([p for p, _ in pairs]), load.typical([m for _, m in pairs])
    ratio = mine.per_second / theirs.per_second
    return [
        Row(
            measure=f"warm throughput, {CONNECTIONS} connections",
            ours=f"{mine.per_second:,.0f}/s",
            peer=f"{theirs.per_second:,.0f}/s (1 conn.)",
            ratio=ratio,
            judged=ratio,
            target=Bound(limit=2.0, text="2x", at_least=True),
            stretch=Bound(limit=3.0, text="3x", at_least=True),
        )
    ]


def signed_throughput(rounds: int) -> list[Row]:
    """The same requests against a server that verifies their signatures and one that does not, in turns."""
    with ExitStack() as stack:
        plain = stack.enter_context(platform_under_test.running())
        checking = stack.enter_context(platform_under_test.running_with_auth())
        targets = _deployed(plain), _deployed(checking)
        pairs = [(_crowd(targets[0]), _crowd(targets[1])) for _ in range(rounds)]
    unchecked, checked = load.typical([p for p, _ in pairs]), load.typical([c for _, c in pairs])
    cost = 1 - checked.per_second / unchecked.per_second
    return [
        Row(
            measure="  with signatures verified, cost",
            ours=f"{checked.per_second:,.0f}/s",
            peer=f"{unchecked.per_second:,.0f}/s",
            ratio=checked.per_second / unchecked.per_second,
            judged=cost,
            target=Bound(limit=0.15, text="15 %"),
        )
    ]


def many_functions(rounds: int) -> list[Row]:
    """A server with 1,000 functions beside one with a single function, in turns."""
    with platform_under_test.running() as small, platform_under_test.running() as large:
        large.deploy(*(f"bench-other-{i}" for i in range(MANY_FUNCTIONS - 1)))
        targets = _deployed(small), _deployed(large)
        pairs = [tuple(load.run(t, count=REQUESTS_A_ROUND) for t in targets) for _ in range(rounds)]
    one = statistics.median(p[0].p50_ms for p in pairs)
    thousand = statistics.median(p[1].p50_ms for p in pairs)
    return [
        Row(
            measure=f"{MANY_FUNCTIONS:,} functions deployed, warm p50",
            ours=f"{thousand:.2f} ms",
            peer=f"{one:.2f} ms (1 function)",
            ratio=thousand / one,
            judged=thousand / one,
            target=Bound(limit=1.1, text="1.1x"),
        )
    ]


def _deployed(platform: Platform) -> load.Target:
    platform.deploy(FUNCTION)
    return platform.target(FUNCTION)


def _crowd(target: load.Target) -> load.Measured:
    return load.run(target, connections=CONNECTIONS, duration_s=SECONDS_A_ROUND)
