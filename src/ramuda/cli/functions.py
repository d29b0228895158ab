"""`ramuda functions`."""

import click

from ramuda.cli import screen
from ramuda.cli.connection import Connection, connected


@click.command()
@connected
@screen.json_option
def functions(*, connection: Connection, as_json: bool) -> None:
    """List the functions of this account and region."""
    pages = connection.client("lambda").get_paginator("list_functions").paginate()
    found = [configuration for page in pages for configuration in page["Functions"]]
    if as_json:
        screen.emit_json(found)
        return
    if not found:
        screen.remark(f"No functions in {connection.region}. Make one with: ramuda deploy FOLDER")
        return

    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("function", "runtime", "handler"):
        table.add_column(title, overflow="fold")
    for title in ("memory", "timeout", "code"):
        table.add_column(title, justify="right")
    table.add_column("modified", no_wrap=True)
    for f in sorted(found, key=lambda f: str(f["FunctionName"])):
        table.add_row(
            f["FunctionName"],
            f.get("Runtime", f["PackageType"]),
            f.get("Handler", ""),
            f"{f['MemorySize']} MB",
            f"{f['Timeout']} s",
            screen.megabytes(f["CodeSize"]),
            f["LastModified"][:16].replace("T", " "),
        )
    screen.stdout().print(table)
