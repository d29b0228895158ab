"""`ramuda runtimes`: container images, such as AWS's base images, as the runtimes of functions. Needs no server."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ramuda.cli import screen
from ramuda.cli.outcome import WrongUse

if TYPE_CHECKING:
    from ramuda.config import Options
    from ramuda.runtime.catalogue.images import RuntimeImages

T = TypeVar("T")

_config_file = click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="RAMUDA_CONFIG",
    help="The server's TOML file: where registries are, and where runtimes are kept.",
)


@click.group()
def runtimes() -> None:
    """Container images as runtimes of functions."""


@runtimes.command()
@click.argument("identifier")
@click.option("--image", required=True, help="HOST/REPOSITORY[:TAG], oci:/PATH[:TAG], docker-archive:/PATH.tar")
@_config_file
@screen.json_option
def add(*, identifier: str, image: str, config_file: Path | None, as_json: bool) -> None:
    """Make the root of a container image the runtime IDENTIFIER (python3.13).

    The image is one of AWS's base images, or built like them. Functions that are archives then run in it, with their
    code at /var/task and their layers at /opt. A running server takes it for environments it starts from now on.
    """
    from ramuda.kernel.clock import SystemClock
    from ramuda.runtime.catalogue.images import described

    with screen.progress(f"fetching {image}"):
        added = _with_images(
            config_file, lambda images, options: images.add(identifier, image, options.images, SystemClock())
        )
    if as_json:
        screen.emit_json(described(added))
    else:
        click.echo(f"{identifier} is {added.reference} ({added.digest})")


@runtimes.command("list")
@_config_file
@screen.json_option
def list_runtimes(*, config_file: Path | None, as_json: bool) -> None:
    """List the runtimes that are container images. `ramuda doctor` shows all."""
    from ramuda.runtime.catalogue.images import described

    async def read(images: "RuntimeImages", _: "Options") -> list[dict[str, str]]:
        return [described(image) for _, image in sorted(images.all().items())]

    found = _with_images(config_file, read)
    if as_json:
        screen.emit_json(found)
        return
    if not found:
        screen.remark("No runtime is a container image. Make one so with: ramuda runtimes add IDENTIFIER --image REF")
    for image in found:
        click.echo(f"{image['identifier']}  {image['reference']}  {image['digest']}")


@runtimes.command()
@click.argument("identifier")
@_config_file
def remove(*, identifier: str, config_file: Path | None) -> None:
    """Run IDENTIFIER on this machine's own interpreter again."""
    from ramuda.kernel.clock import SystemClock

    if not _with_images(config_file, lambda images, options: images.remove(identifier, options.images, SystemClock())):
        raise WrongUse(f"{identifier} is no container image", "`ramuda runtimes list` shows those that are.")
    screen.remark(f"removed {identifier}")


def _with_images(config_file: Path | None, work: "Callable[[RuntimeImages, Options], Coroutine[Any, Any, T]]") -> T:
    import asyncio

    from ramuda import config
    from ramuda.kernel.errors import ConfigError, PortError
    from ramuda.kernel.ports.images import ImageError
    from ramuda.runtime.catalogue.images import RuntimeImages

    try:
        options = config.load({}, config_file)
        return asyncio.run(work(RuntimeImages(options.catalogue.cache_dir), options))
    except (ConfigError, PortError, ImageError) as e:
        raise WrongUse(str(e)) from e
