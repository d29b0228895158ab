"""`ramuda keys`: the long-term access keys that a server with `--auth` accepts."""

import click


@click.group()
def keys() -> None:
    """Access keys for servers that check signatures."""
