"""`make demo`: a server, two functions, and what they answer, log and cost.

Everything goes through public doors: the server is `ramuda serve` in its own process, the client is boto3. State lives
in a temporary folder; nothing is left behind, also after Ctrl-C.
"""

import base64
import hashlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

import system_packages
from ramuda.cli import build, bundle, logs
from ramuda.cli.outcome import Failure
from ramuda.testing import RunningServer

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples" / "demo"
CACHE = ROOT / ".cache" / "demo"
PYTHON_RUNTIME = f"python3.{sys.version_info.minor}"
NODE_RUNTIME = "nodejs22.x"
ROLE = "demo-role"
WARM_INVOCATIONS = 20
LOG_COLUMNS = 170
PREPARED_PATIENCE_S = 5.0
METRICS_PATIENCE_S = 5.0

screen = Console(highlight=False, soft_wrap=True)


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A function of the demo, and the event it is shown with."""

    name: str
    runtime: str
    handler: str
    package: bytes
    event: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What came of invoking an application: its first answer and log, and the times as the client saw them."""

    answer: str
    log: list[str]
    cold_ms: float
    warm_ms: list[float]


def main() -> int:
    signal.signal(signal.SIGTERM, _as_interrupt)
    started_at = datetime.now(UTC)
    try:
        screen.rule("[bold]Ramuda: AWS Lambda on this machine", style="blue")
        has_node = _system_programs()
        applications = _applications(has_node=has_node)
        with tempfile.TemporaryDirectory(prefix="ramuda-demo-") as scratch, _server(Path(scratch)) as server:
            for application in applications:
                _show(application, _play(server, application))
            _show_metrics(server, applications, started_at)
    except (DemoError, Failure) as e:
        screen.print(f"[bold red]demo[/bold red]: {e}", getattr(e, "hint", ""), sep="\n")
        return 1
    except KeyboardInterrupt:
        screen.print("\nstopped; nothing is left running")
        return 130
    _say_how_to_go_on()
    return 0


def _as_interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _system_programs() -> bool:
    """Installs what is missing where that is allowed. Whether Node.js is here in the end."""
    absent = system_packages.missing()
    if absent and system_packages.can_install():
        with screen.status(f"installing {', '.join(p.package for p in absent)}"):
            problem = system_packages.install(absent)
        if problem:
            screen.print(f"[yellow]not installed[/yellow]: {problem}")
        absent = system_packages.missing()
    for program in absent:
        screen.print(
            f"[yellow]{program.command} is missing[/yellow]: without it {program.purpose}. "
            f"As root: apt-get install {program.package}"
        )
    return system_packages.NODE not in absent


def _applications(*, has_node: bool) -> list[Application]:
    python = Application(
        name="price-order",
        runtime=PYTHON_RUNTIME,
        handler="app.handler",
        package=_python_package(),
        event={"order": 7, "items": [{"name": "tea", "count": 2}, {"name": "cup", "count": 1}]},
    )
    if not has_node:
        screen.print("[yellow]left out[/yellow]: the Node.js function")
        return [python]
    node = Application(
        name="thank-customer",
        runtime=NODE_RUNTIME,
        handler="index.handler",
        package=bundle.read(EXAMPLES / "node"),
        event={"order": 7, "customer": "Ada"},
    )
    return [python, node]


def _python_package() -> bytes:
    """The code with Powertools beside it, as `ramuda deploy --build` packs it; built once for this code and Python."""
    source = EXAMPLES / "python"
    content = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(source.iterdir()) if file.is_file()))
    package = CACHE / f"{PYTHON_RUNTIME}-{content.hexdigest()[:16]}.zip"
    if not package.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with build.built(source, PYTHON_RUNTIME) as stage:
            fresh = package.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(bundle.read(stage, with_bytecode=True))
        fresh.rename(package)
    return package.read_bytes()


@contextmanager
def _server(scratch: Path) -> Iterator[RunningServer]:
    server = RunningServer(scratch / "data")
    begun = time.perf_counter()
    try:
        with screen.status("starting the server"):
            server.start()
        took_ms = (time.perf_counter() - begun) * 1000
        sandbox = server.ready["sandbox"]
        screen.print(f"server   {server.url}, ready in {took_ms:.0f} ms")
        screen.print(f"sandbox  [bold]{sandbox['backend']}[/bold] {sandbox['reason']}")
        yield server
    except RuntimeError as e:
        raise DemoError(str(e)) from e
    finally:
        server.stop()


def _play(server: RunningServer, application: Application) -> Shown:
    client = server.client("lambda")
    with screen.status(f"deploying {application.name}"):
        client.create_function(
            FunctionName=application.name,
            Runtime=application.runtime,
            Handler=application.handler,
            Role=f"arn:aws:iam::000000000000:role/{ROLE}",
            MemorySize=1769,
            Timeout=10,
            Code={"ZipFile": application.package},
        )
        client.get_waiter("function_active_v2").wait(
            FunctionName=application.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 3000}
        )
    _wait_for_prepared(server, application.runtime)
    payload = json.dumps(application.event)
    cold_ms, first = _timed(client, application.name, payload)
    answer = first["Payload"].read().decode()
    if "FunctionError" in first:
        raise DemoError(f"{application.name} failed: {answer}")
    warm_ms = [_timed(client, application.name, payload)[0] for _ in range(WARM_INVOCATIONS)]
    log = base64.b64decode(first["LogResult"]).decode().splitlines()
    return Shown(answer=answer, log=log, cold_ms=cold_ms, warm_ms=warm_ms)


def _wait_for_prepared(server: RunningServer, runtime: str) -> None:
    """A deployment makes the server start an environment of that runtime: the usual case of a cold start."""
    deadline = time.monotonic() + PREPARED_PATIENCE_S
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{server.url}/_ramuda/health") as health:
            if json.load(health)["prepared"].get(runtime):
                return
        time.sleep(0.05)


def _timed(client: Any, name: str, payload: str) -> tuple[float, Any]:
    begun = time.perf_counter()
    response = client.invoke(FunctionName=name, Payload=payload, LogType="Tail")
    return (time.perf_counter() - begun) * 1000, response


def _show(application: Application, shown: Shown) -> None:
    screen.print()
    screen.print(
        f"[bold blue]{application.name}[/bold blue]  {application.runtime}, {len(application.package):,} bytes"
    )
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_row("  event", Text(json.dumps(application.event)))
    rows.add_row("  answer", Text(shown.answer, style="green"))
    for line in shown.log:
        rows.add_row("  log", logs.coloured(_cropped(line.expandtabs(2))))
    warm_ms = statistics.median(shown.warm_ms)
    rows.add_row(
        "  times",
        f"cold [bold]{shown.cold_ms:.1f} ms[/bold], warm [bold]{warm_ms:.2f} ms[/bold] "
        f"(median of {len(shown.warm_ms)}, as boto3 sees them)",
    )
    screen.print(rows)


def _cropped(line: str) -> str:
    return line if len(line) <= LOG_COLUMNS else f"{line[: LOG_COLUMNS - 1]}…"


def _show_metrics(server: RunningServer, applications: list[Application], since: datetime) -> None:
    client = server.client("cloudwatch")
    table = Table("function", box=None, header_style="bold", pad_edge=False, padding=(0, 2))
    for title in ("Invocations", "Errors", "Duration avg", "Duration max"):
        table.add_column(title, justify="right")
    for application in applications:
        expected = WARM_INVOCATIONS + 1
        invocations = _statistics(client, application.name, "Invocations", since, at_least=expected)
        errors = _statistics(client, application.name, "Errors", since)
        duration = _statistics(client, application.name, "Duration", since)
        table.add_row(
            application.name,
            f"{invocations['Sum']:.0f}",
            f"{errors['Sum']:.0f}",
            f"{duration['Sum'] / duration['SampleCount']:.2f} ms",
            f"{duration['Maximum']:.2f} ms",
        )
    screen.print("\n[bold blue]metrics[/bold blue]  AWS/Lambda, by GetMetricStatistics")
    screen.print(table)


def _statistics(client: Any, function: str, metric: str, since: datetime, *, at_least: float = 0) -> dict[str, float]:
    """One metric over the whole demo. Samples arrive within a second: asks again until `at_least` are there."""
    deadline = time.monotonic() + METRICS_PATIENCE_S
    while True:
        points = client.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=since - timedelta(minutes=1),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum", "Maximum", "SampleCount"],
        )["Datapoints"]
        total = {
            "Sum": sum(p["Sum"] for p in points),
            "SampleCount": sum(p["SampleCount"] for p in points) or 1,
            "Maximum": max((p["Maximum"] for p in points), default=0),
        }
        if total["Sum"] >= at_least or time.monotonic() > deadline:
            return total
        time.sleep(0.1)


def _say_how_to_go_on() -> None:
    screen.print("\n[bold blue]go on[/bold blue]    the server has ended and its data is gone; for one of your own:")
    for line in (
        ".venv/bin/ramuda serve",
        ".venv/bin/ramuda deploy examples/demo/node --name hello",
        '.venv/bin/ramuda invoke hello \'{"customer": "you", "order": 1}\' --tail',
        "export AWS_ENDPOINT_URL=http://127.0.0.1:4566   # and any AWS client works with it",
    ):
        screen.print(f"  {line}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
