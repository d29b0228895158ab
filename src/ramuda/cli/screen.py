"""What is printed where: answers to standard output, everything said about them to standard error.

So `ramuda invoke f > answer.json` holds the answer alone, whatever is shown meanwhile.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def stdout() -> "Console":
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def stderr() -> "Console":
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def emit_json(value: Any) -> None:
    """One JSON document on one line. Datetimes become ISO text."""
    click.echo(json.dumps(value, default=str, separators=(",", ":")))


def remark(text: str) -> None:
    """A line about what happened, to standard error."""
    click.echo(text, err=True)


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Shows that something long is going on: a spinner on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield
        return
    with stderr().status(text):
        yield


def print_line(line: "Text", *, err: bool = False) -> None:
    """In colour on a terminal; elsewhere the text exactly as it is, tabs included."""
    console = stderr() if err else stdout()
    if console.is_terminal:
        console.print(line)
    else:
        click.echo(line.plain, err=err)


def megabytes(size_bytes: int) -> str:
    if size_bytes < 1024 * 1024:
        return f"{size_bytes / 1024:.1f} kB"
    return f"{size_bytes / 1024 / 1024:.1f} MB"
