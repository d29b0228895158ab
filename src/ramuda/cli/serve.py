"""`ramuda serve`."""

import click


@click.command()
def serve() -> None:
    """Run a server in the foreground."""
    raise NotImplementedError
