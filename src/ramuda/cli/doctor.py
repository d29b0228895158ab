"""`ramuda doctor`: what this machine can and cannot do, and how to mend it. Changes nothing, needs no server."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ramuda.cli import screen
from ramuda.cli.outcome import ExitCode

if TYPE_CHECKING:
    from rich.table import Table

    from ramuda.kernel.ports.sandbox import Capability, Finding
    from ramuda.runtime.catalogue import RuntimeStatus

_GOOD, _FAIR, _BAD = "[green]✓[/green]", "[yellow]~[/yellow]", "[red]✗[/red]"


@click.command()
@screen.json_option
def doctor(*, as_json: bool) -> None:
    """Say what this machine can and cannot do, and how to mend it."""
    import asyncio

    with screen.progress("looking at this machine"):
        capabilities, runtimes = asyncio.run(_look())
    delegates = _moto_version()
    can_serve = any(capability.usable for capability in capabilities)
    if as_json:
        screen.emit_json(
            {
                "sandboxes": [asdict(capability) for capability in capabilities],
                "runtimes": [asdict(runtime) for runtime in runtimes],
                "delegatedServices": {"moto": delegates},
            }
        )
    else:
        _show(capabilities, runtimes, delegates)
    if not can_serve:
        raise click.exceptions.Exit(ExitCode.UNREACHABLE)


async def _look() -> "tuple[list[Capability], list[RuntimeStatus]]":
    from ramuda import config, server
    from ramuda.runtime.catalogue import Catalogue

    options = config.load({})
    catalogue = Catalogue(options.catalogue)
    try:
        return await server.examine(options.sandbox), await catalogue.survey()
    finally:
        await catalogue.close()


def _moto_version() -> str | None:
    from importlib import metadata

    try:
        return metadata.version("moto")
    except metadata.PackageNotFoundError:
        return None


def _show(capabilities: "list[Capability]", runtimes: "list[RuntimeStatus]", delegates: str | None) -> None:
    console = screen.stdout()
    for capability in capabilities:
        verdict = "[green]works here[/green]" if capability.usable else "[red]does not work here[/red]"
        console.print(f"[bold]sandbox {capability.backend}[/bold]  {verdict}")
        console.print(_table([_finding_row(finding) for finding in capability.findings]))
    console.print("[bold]runtimes[/bold]")
    console.print(_table([_runtime_row(runtime) for runtime in runtimes]))
    console.print("[bold]other AWS services[/bold]")
    if delegates:
        console.print(f"  {_GOOD} moto {delegates} serves those without an endpoint of their own (--endpoint)")
    else:
        console.print(f"  {_FAIR} moto is not installed: S3, DynamoDB ... need --endpoint SERVICE=URL")
        console.print("      [dim]pip install 'ramuda\\[delegates]'[/dim]")


def _table(rows: list[tuple[str, str, str, str]]) -> "Table":
    """Mark, name, and what is so; what to do about it on a line of its own."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for mark, name, fact, mend in rows:
        text = Text("\n").join(Text(part, style=style) for part, style in ((fact, ""), (mend, "dim")) if part)
        table.add_row(f"  {mark}", name, text)
    return table


def _finding_row(finding: "Finding") -> tuple[str, str, str, str]:
    return _GOOD if finding.ok else _BAD, finding.name, finding.detail, "" if finding.ok else finding.mend


def _runtime_row(runtime: "RuntimeStatus") -> tuple[str, str, str, str]:
    mark = _BAD if not runtime.runnable else _GOOD if runtime.exact else _FAIR
    return mark, runtime.identifier, f"{runtime.version} {runtime.interpreter}".strip() or runtime.client, runtime.mend
