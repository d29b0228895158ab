"""`ramuda version`."""

import click

from ramuda.cli import screen


@click.command()
@screen.json_option
def version(*, as_json: bool) -> None:
    """Versions of ramuda, Python and the AWS models in use."""
    import platform
    from importlib import metadata

    versions = {name: metadata.version(name) for name in ("ramuda", "botocore", "awslambdaric")}
    versions["python"] = platform.python_version()
    if as_json:
        screen.emit_json(versions)
        return
    for name, number in versions.items():
        click.echo(f"{name} {number}")
