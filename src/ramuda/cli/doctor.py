"""`ramuda doctor`: what this machine can and cannot do, and how to mend it."""

import click

from ramuda.cli import screen


@click.command()
@screen.json_option
def doctor(*, as_json: bool) -> None:
    """Say what this machine can and cannot do, and how to mend it."""
    raise NotImplementedError
