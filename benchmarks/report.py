"""Rows of the table of figures, and how they are judged."""

import json
import platform
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

Verdict = Literal["stretch", "target", "missed", "shown"]
TABLE_COLUMNS = 132
"""A narrower terminal, or none, gets lines of this length: a folded table is hard to read."""
_STYLES = {"stretch": "bold green", "target": "green", "missed": "bold red", "shown": "dim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a measure must reach: at most (`limit`), or at least when `at_least`."""

    limit: float
    text: str
    at_least: bool = False

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line. `judged` is the number that the bounds speak of: a ratio or the figure itself."""

    measure: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    judged: float | None = None
    target: Bound | None = None
    stretch: Bound | None = None

    @property
    def verdict(self) -> Verdict:
        if self.judged is None or self.target is None:
            return "shown"
        if self.stretch is not None and self.stretch.holds(self.judged):
            return "stretch"
        return "target" if self.target.holds(self.judged) else "missed"


def show(rows: list[Row]) -> None:
    table = Table(
        title=f"Ramuda on {_machine()}", box=None, header_style="bold", title_justify="left", title_style="bold"
    )
    for title in ("measure", "ours", "peer or floor", "ratio", "target", "stretch", "verdict"):
        table.add_column(title, justify="left" if title == "measure" else "right", no_wrap=True)
    for row in rows:
        style = _STYLES[row.verdict]
        table.add_row(
            row.measure,
            row.ours,
            row.peer,
            "" if row.ratio is None else f"{row.ratio:.2f}x",
            "" if row.target is None else row.target.text,
            "" if row.stretch is None else row.stretch.text,
            f"[{style}]{row.verdict}[/{style}]",
        )
    screen = Console(highlight=False)
    screen.width = max(screen.width, TABLE_COLUMNS)
    screen.print(table)


def show_json(rows: list[Row]) -> None:
    print(json.dumps({"machine": _machine(), "rows": [{**asdict(row), "verdict": row.verdict} for row in rows]}))


def _machine() -> str:
    import os

    return f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
