"""`make bench`: the project's figures in one table, each beside its peer, its target and its stretch.

Peer and ours take turns within a measure, several rounds, and the median over the rounds is shown, so that a machine
that gets faster or slower meanwhile does it to both. Functions have 1,769 MB (one vCPU), full isolation where the
machine allows it, logs and metrics on.

    python -m benchmarks.bench [--only NAME ...] [--rounds N] [--json]
"""

import sys
import time
from collections.abc import Callable

import click

from benchmarks import asynchronous, cold, footprint, provisioned, report, snapstart, streaming, warm
from benchmarks.report import Row

MEASURES: dict[str, Callable[[int], list[Row]]] = {
    "latency": warm.latency,
    "throughput": warm.throughput,
    "signed": warm.signed_throughput,
    "cold-python": cold.python_waiting,
    "cold-node": cold.node_waiting,
    "cold-unprepared": cold.python_unprepared,
    "crowd": cold.crowd,
    "start": footprint.start,
    "memory": footprint.memory,
    "many": warm.many_functions,
    "provisioned": provisioned.no_cold_start,
    "events-accepted": asynchronous.accept,
    "events-started": asynchronous.start,
    "events-crash": asynchronous.crash,
    "snapstart": snapstart.restore,
    "streaming": streaming.latency,
}


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(MEASURES)), help="Measure just this; repeatable.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(*, only: tuple[str, ...], rounds: int, as_json: bool) -> None:
    """Measure, print the table; the exit code is 1 when a target is missed."""
    rows: list[Row] = []
    for name in only or MEASURES:
        begun = time.monotonic()
        rows += MEASURES[name](rounds)
        click.echo(f"{name}: {time.monotonic() - begun:.0f} s", err=True)
    if as_json:
        report.show_json(rows)
    else:
        report.show(rows)
    sys.exit(any(row.verdict == "missed" for row in rows))


if __name__ == "__main__":
    main()
