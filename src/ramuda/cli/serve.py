"""`ramuda serve`: a server in the foreground, and the few lines that say where it is and how to use it."""

import gc
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ramuda.cli import screen
from ramuda.cli.outcome import Unreachable, WrongUse

if TYPE_CHECKING:
    from ramuda.server import Server

_HINTS = {
    "--port": "Take another port with --port, or --port 0 for a free one.",
    "--sandbox": "`ramuda doctor` says what this machine can and cannot do, and how to mend it.",
}
"""What to do about an option that cannot be served, by the option that the error names."""
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_ESCAPED = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


class OneLine(logging.Formatter):
    """What functions and clients call things is in some messages: none of it begins a line, or steers a terminal. The
    lines of tracebacks stay lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        return super().formatMessage(record).translate(_ESCAPED)


def _log_handler() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine(_LOG_FORMAT))
    return handler


class ServiceUrl(click.ParamType[tuple[str, str]]):
    """`s3=http://127.0.0.1:9000`."""

    name = "service=url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        found = re.fullmatch(r"([a-z0-9-]+)=(https?://\S+)", str(value))
        if not found:
            self.fail(f"{value!r} is not like s3=http://127.0.0.1:9000", param, ctx)
        return found[1], found[2]


class Prepared(click.ParamType[int]):
    """A number, or `off`."""

    name = "number|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if text == "off":
            return 0
        if not text.isdigit():
            self.fail(f"{text!r} is neither a number nor off", param, ctx)
        return int(text)


@click.command()
@click.option("--host", envvar="RAMUDA_HOST", help="Address to listen on; others than loopback need --auth.")
@click.option("--port", type=int, envvar="RAMUDA_PORT", help="Port to listen on; 0 takes a free one. [default: 4566]")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="RAMUDA_DATA_DIR",
    help="Everything durable lies here. [default: ~/.local/share/ramuda]",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="RAMUDA_CONFIG",
    help="A TOML file with any option; the command line wins.",
)
@click.option(
    "--sandbox",
    type=click.Choice(["auto", "isolated", "process"]),
    envvar="RAMUDA_SANDBOX",
    help="How functions are shut in; auto takes the best that works here.",
)
@click.option("--account", envvar="RAMUDA_ACCOUNT", help="Account of callers whose key names none.")
@click.option("--region", envvar="RAMUDA_REGION", help="Region of unsigned requests.")
@click.option("--auth", is_flag=True, default=None, envvar="RAMUDA_AUTH", help="Check signatures (`ramuda keys`).")
@click.option(
    "--strict-runtimes",
    is_flag=True,
    default=None,
    envvar="RAMUDA_STRICT_RUNTIMES",
    help="Refuse a runtime whose exact version is missing.",
)
@click.option(
    "--network",
    type=click.Choice(["open", "none"]),
    envvar="RAMUDA_NETWORK",
    help="What functions reach besides this server.",
)
@click.option("--prepared", type=Prepared(), envvar="RAMUDA_PREPARED", help="Waiting environments per runtime, or off.")
@click.option(
    "--endpoint",
    "endpoints",
    type=ServiceUrl(),
    multiple=True,
    envvar="RAMUDA_ENDPOINTS",
    help="Where another AWS service is, e.g. s3=http://127.0.0.1:9000; repeatable.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    envvar="RAMUDA_LOG_LEVEL",
    show_default=True,
    help="What the server says about itself on standard error.",
)
@screen.json_option
def serve(*, config_file: Path | None, log_level: str, as_json: bool, **flags: Any) -> None:
    """Run a server in the foreground.

    Every option can also be set by a variable named RAMUDA_ and the option's name.
    """
    gc.disable()  # until the server has started: what its import makes stays, and a look for garbage takes long
    from ramuda import config, server
    from ramuda.kernel.errors import ConfigError

    logging.basicConfig(handlers=[_log_handler()])
    logging.getLogger("ramuda").setLevel(log_level.upper())
    try:
        options = config.load(_tree(**flags), config_file)
    except ConfigError as e:
        raise WrongUse(str(e)) from e
    try:
        server.serve(options, lambda ready: _say_ready(ready, as_json=as_json))
    except ConfigError as e:
        hint = next((hint for option, hint in _HINTS.items() if option in str(e)), "")
        raise Unreachable(f"the server cannot start: {e}", hint) from e


def _tree(
    *,
    host: str | None,
    port: int | None,
    data_dir: Path | None,
    sandbox: str | None,
    account: str | None,
    region: str | None,
    auth: bool | None,
    strict_runtimes: bool | None,
    network: str | None,
    prepared: int | None,
    endpoints: tuple[tuple[str, str], ...],
) -> dict[str, Any]:
    """What the command line says, as branches of `config.Options`; what it does not say is absent."""
    tree = {
        "host": host,
        "port": port,
        "data_dir": None if data_dir is None else str(data_dir),
        "gateway": {
            "account": account,
            "region": region,
            "auth": auth,
            "upstream": {"endpoints": dict(endpoints) or None},
        },
        "sandbox": {"backend": sandbox, "network": network},
        "catalogue": {"strict_runtimes": strict_runtimes},
        "runtime": {"prepared_max": prepared},
    }
    return _said(tree)


def _said(tree: dict[str, Any]) -> dict[str, Any]:
    branches = {key: _said(value) if isinstance(value, dict) else value for key, value in tree.items()}
    return {key: value for key, value in branches.items() if value is not None and value != {}}


def _say_ready(ready: "Server", *, as_json: bool) -> None:
    backend, reason = _sandbox_in_use(ready)
    if as_json:
        screen.emit_json(
            {
                "event": "ready",
                "endpoint": ready.url,
                "dataDir": str(ready.options.data_dir),
                "sandbox": {"backend": backend, "reason": reason},
                "auth": ready.options.gateway.auth,
            }
        )
        return
    console = screen.stdout()
    colour = "green" if backend == "isolated" else "yellow"
    console.print(f"[bold]Ramuda[/bold] listens on [bold]{ready.url}[/bold]   (Ctrl-C ends it)")
    console.print(f"  data     {ready.options.data_dir}")
    console.print(f"  sandbox  [{colour}]{backend}[/{colour}] {reason}")
    console.print(f"  use      export AWS_ENDPOINT_URL={ready.url} AWS_DEFAULT_REGION={ready.options.gateway.region}")
    if ready.options.gateway.auth:
        console.print("  keys     signatures are checked: `ramuda keys list` shows the access keys that may call")
    else:
        console.print("           export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test   (any key will do)")


def _sandbox_in_use(ready: "Server") -> tuple[str, str]:
    """The backend chosen, which is the last one examined, and why it is that one."""
    preferred, chosen = ready.capabilities[0], ready.capabilities[-1]
    if chosen.backend == "isolated":
        return "isolated", "namespaces, cgroups, seccomp, read-only root"
    if ready.options.sandbox.backend == "process":
        return "process", "as asked: functions run as this user, WITHOUT isolation"
    lacking = "; ".join(f"{finding.name}: {finding.detail}" for finding in preferred.findings if not finding.ok)
    return chosen.backend, f"WITHOUT isolation, because {lacking or 'this machine cannot isolate'}"
