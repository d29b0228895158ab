"""`ramuda keys`: the long-term access keys that a server with `--auth` accepts. Works on the data directory."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ramuda.cli import screen
from ramuda.cli.outcome import WrongUse

if TYPE_CHECKING:
    from ramuda.authz.credentials import KnownKey

_data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="RAMUDA_DATA_DIR",
    help="The server's data directory. [default: ~/.local/share/ramuda]",
)


@click.group()
def keys() -> None:
    """Access keys for servers that check signatures."""


@keys.command()
@click.option("--account", default="000000000000", show_default=True, help="The account the key belongs to.")
@click.option("--user", help="An IAM user of the account; its root otherwise.")
@_data_dir
@screen.json_option
def create(*, account: str, user: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Make a key. A running server accepts it at once."""
    if len(account) != 12 or not account.isdigit():
        raise click.BadParameter(f"{account!r} is not a number of twelve digits", param_hint="--account")
    key: KnownKey = _with_keys(data_dir, lambda store: store.create_key(account, user))
    if as_json:
        screen.emit_json(_described(key))
        return
    click.echo(f"export AWS_ACCESS_KEY_ID={key.access_key_id} AWS_SECRET_ACCESS_KEY={key.secret}")


@keys.command("list")
@click.option("--secrets", is_flag=True, help="Show the secrets too.")
@_data_dir
@screen.json_option
def list_keys(*, secrets: bool, data_dir: Path | None, as_json: bool) -> None:
    """List the keys, oldest first."""

    async def read(store: Any) -> "list[KnownKey]":
        found = [store.find(listed.access_key_id, None) for listed in await store.list_keys()]
        return [key for key in found if key is not None]  # made by another process in this very moment

    found = [_described(key) for key in _with_keys(data_dir, read)]
    if not secrets:
        found = [{name: value for name, value in key.items() if name != "secretAccessKey"} for key in found]
    if as_json:
        screen.emit_json(found)
        return
    if not found:
        screen.remark("No keys. Make one with: ramuda keys create")
    for key in found:
        click.echo("  ".join(key.values()))


@keys.command()
@click.argument("access_key_id")
@_data_dir
def delete(*, access_key_id: str, data_dir: Path | None) -> None:
    """Forget a key. A running server refuses it at once."""
    if not _with_keys(data_dir, lambda store: store.delete_key(access_key_id)):
        raise WrongUse(f"there is no key {access_key_id}", "`ramuda keys list` shows those there are.")
    screen.remark(f"deleted {access_key_id}")


def _with_keys(data_dir: Path | None, work: Callable[[Any], Any]) -> Any:
    import asyncio

    from ramuda import config
    from ramuda.kernel.errors import ConfigError, PortError
    from ramuda.server.keys import open_keys

    async def perform(folder: Path) -> Any:
        async with open_keys(folder) as store:
            return await work(store)

    try:
        options = config.load({"data_dir": str(data_dir)} if data_dir else {})
        return asyncio.run(perform(options.data_dir))
    except (ConfigError, PortError) as e:
        raise WrongUse(str(e)) from e


def _described(key: "KnownKey") -> dict[str, str]:
    return {
        "accessKeyId": key.access_key_id,
        "account": key.principal.account,
        "principal": key.principal.arn,
        "secretAccessKey": key.secret,
    }
