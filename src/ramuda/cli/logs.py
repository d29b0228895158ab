"""`ramuda logs`: what a function and the platform wrote, once or as it comes."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ramuda.cli import screen
from ramuda.cli.connection import Connection, connected

if TYPE_CHECKING:
    from rich.text import Text

FOLLOW_INTERVAL_S = 0.5
_AGE = re.compile(r"^(\d+)([smhd])$")
_AGE_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_STYLES = (
    (re.compile(r"^(START|END) RequestId: "), "dim"),
    (re.compile(r"^REPORT RequestId: .*Status: (error|timeout)"), "red"),
    (re.compile(r"^(REPORT RequestId: |INIT_START |INIT_REPORT )"), "cyan dim"),
    (re.compile(r'\[ERROR\]|\bERROR\b|\bCRITICAL\b|"level": ?"(ERROR|CRITICAL|FATAL)"|Task timed out'), "red"),
    (re.compile(r'\[WARNING\]|\bWARN(ING)?\b|"level": ?"WARN(ING)?"'), "yellow"),
    (re.compile(r'\[DEBUG\]|\bDEBUG\b|"level": ?"(DEBUG|TRACE)"'), "dim"),
)


class Age(click.ParamType[float]):
    """`90s`, `10m`, `2h`, `1d` as seconds."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _AGE.match(str(value))
        if not found:
            self.fail(f"{value!r} is not an age like 90s, 10m, 2h or 1d", param, ctx)
        return float(found[1]) * _AGE_UNITS_S[found[2]]


@click.command()
@click.argument("function")
@click.option("--tail", "-f", "follow", is_flag=True, help="Go on with new lines as they come, until Ctrl-C.")
@click.option("--since", "since_s", type=Age(), default="1h", show_default=True, help="How far back: 90s, 10m, 2h, 1d.")
@click.option("--filter", "pattern", help="A CloudWatch Logs filter pattern; a plain word is one.")
@connected
@screen.json_option
def logs(
    *,
    function: str,
    follow: bool,
    since_s: float,
    pattern: str | None,
    connection: Connection,
    as_json: bool,
) -> None:
    """Show the log of a function.

    FUNCTION may also be a log group, beginning with a slash.
    """
    client = connection.client("logs")
    query = {"logGroupName": _group_of(connection, function), "startTime": int((time.time() - since_s) * 1000)}
    if pattern:
        query["filterPattern"] = pattern
    try:
        events = _followed(client, query) if follow else _pages(client, query)
        for event in events:
            _show(event, as_json=as_json)
    except KeyboardInterrupt:
        return


def _group_of(connection: Connection, function: str) -> str:
    """The group the function writes to; for a function that is gone, the one it had by default."""
    if function.startswith("/"):
        return function
    client = connection.client("lambda")
    try:
        configuration = client.get_function_configuration(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return f"/aws/lambda/{function}"
    return str(configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function}")


def _pages(client: Any, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("filter_log_events").paginate(**query):
        yield from page["events"]


def _followed(client: Any, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Asks again and again from the newest instant seen, leaving out the events of that instant that were shown."""
    start_ms, seen = query["startTime"], set[str]()
    while True:
        try:
            fresh = [e for e in _pages(client, {**query, "startTime": start_ms}) if e["eventId"] not in seen]
        except client.exceptions.ResourceNotFoundException:
            fresh = []  # the group appears with the first invocation
        yield from fresh
        if fresh:
            newest_ms = max(e["timestamp"] for e in fresh)
            seen = {e["eventId"] for e in fresh if e["timestamp"] == newest_ms} | (
                seen if newest_ms == start_ms else set()
            )
            start_ms = newest_ms
        time.sleep(FOLLOW_INTERVAL_S)


def _show(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        screen.emit_json(
            {"timestamp": event["timestamp"], "stream": event["logStreamName"], "message": event["message"]}
        )
        return
    from rich.text import Text

    at = datetime.fromtimestamp(event["timestamp"] / 1000).strftime("%H:%M:%S.%f")[:-3]
    line = coloured(event["message"].rstrip("\n"))
    screen.print_line(Text.assemble((f"{at} ", "blue"), line))


def coloured(line: str) -> "Text":
    """A log line in the colour of its level, or of the platform's own lines."""
    from rich.text import Text

    return Text(line, style=next((style for pattern, style in _STYLES if pattern.search(line)), ""))
