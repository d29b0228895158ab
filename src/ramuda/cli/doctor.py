"""`ramuda doctor`: what this machine can and cannot do, and how to mend it. Changes nothing, needs no server."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ramuda.cli import screen
from ramuda.cli.outcome import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

    from ramuda.kernel.ports.sandbox import Capability
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
        _show_sandbox(console, capability)
    console.print("\n[bold]runtimes[/bold]")
    width = max((len(runtime.identifier) for runtime in runtimes), default=0)
    for runtime in runtimes:
        _show_runtime(console, runtime, width)
    console.print("\n[bold]other AWS services[/bold]")
    if delegates:
        console.print(f"  {_GOOD} moto {delegates} serves those without an endpoint of their own (--endpoint)")
    else:
        console.print(f"  {_FAIR} moto is not installed: S3, DynamoDB ... need --endpoint SERVICE=URL")
        console.print("      mend: pip install 'ramuda[delegates]'")


def _show_sandbox(console: "Console", capability: "Capability") -> None:
    verdict = "[green]works here[/green]" if capability.usable else "[red]does not work here[/red]"
    console.print(f"[bold]sandbox {capability.backend}[/bold]  {verdict}")
    width = max((len(finding.name) for finding in capability.findings), default=0)
    for finding in capability.findings:
        console.print(f"  {_GOOD if finding.ok else _BAD} {finding.name:{width}}  {finding.detail}")
        if not finding.ok and finding.mend:
            console.print(f"      mend: {finding.mend}")


def _show_runtime(console: "Console", runtime: "RuntimeStatus", width: int) -> None:
    mark = _BAD if not runtime.runnable else _GOOD if runtime.exact else _FAIR
    standing_in = "" if runtime.exact else "nearest of its family: "
    found = f"{standing_in}{runtime.version} {runtime.interpreter}".strip() if runtime.runnable else "not here"
    client = f"  ({runtime.client})" if runtime.client else ""
    console.print(f"  {mark} {runtime.identifier:{width}}  {found}{client}", markup=True)
    if runtime.mend:
        console.print(f"      mend: {runtime.mend}")
