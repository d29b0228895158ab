"""`ramuda deploy`: makes or updates a function from a folder, a file or a zip, and waits until it can be invoked."""

import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ramuda.cli import screen
from ramuda.cli.connection import Connection, connected
from ramuda.cli.outcome import FunctionFailed, WrongUse

if TYPE_CHECKING:
    from ramuda.cli.detection import Detected

DEFAULT_ROLE = "ramuda-deploy"
_POLL_S = 0.05
_LONGEST_WAIT_S = 300


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--name", help="The function's name; the folder's or file's name otherwise.")
@click.option("--runtime", help="For example python3.13, nodejs22.x; found by the files' names otherwise.")
@click.option("--handler", help="For example app.handler; found in the code otherwise.")
@click.option("--memory", "memory_mib", type=click.IntRange(128, 10_240), help="MB of memory.")
@click.option("--timeout", "timeout_s", type=click.IntRange(1, 900), help="Seconds an invocation may take.")
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="KEY=VALUE",
    help="An environment variable; repeatable. Others are kept.",
)
@click.option(
    "--layer", "layers", multiple=True, metavar="ARN", help="A layer version; repeatable. Replaces those there are."
)
@click.option("--role", help=f"ARN of the execution role; the account's role {DEFAULT_ROLE!r} otherwise.")
@click.option("--build", is_flag=True, help="Install what requirements.txt and package.json name into the package.")
@click.option("--watch", is_flag=True, help="Stay, and deploy again whenever a file changes, until Ctrl-C.")
@connected
@screen.json_option
def deploy(
    *,
    source: Path,
    name: str | None,
    build: bool,
    watch: bool,
    connection: Connection,
    as_json: bool,
    **settings: Any,
) -> None:
    """Make or update a function from its code.

    SOURCE is a folder, a file or a zip with a handler.
    """
    wanted = _configuration(**settings)

    def once() -> None:
        final, made = _deploy(connection, source, name or _name_of(source), wanted, build=build)
        if as_json:
            screen.emit_json(final)
        else:
            _show(final, made=made)

    if not watch:
        once()
        return
    from ramuda.cli import watching

    watching.repeat(once, source, connection)


def _deploy(
    connection: Connection, source: Path, name: str, wanted: dict[str, Any], *, build: bool
) -> tuple[dict[str, Any], bool]:
    """The function as it is then, and whether it is new."""
    client = connection.client("lambda")
    existing = _existing(client, name)
    if existing is not None and existing["PackageType"] == "Image":
        raise WrongUse(
            f"{name} is a container image, which no folder or zip can replace",
            f"Give it another image: aws lambda update-function-code --function-name {name} --image-uri IMAGE; "
            "or deploy under another --name.",
        )
    package, detected = _package(source, wanted, existing, build=build)
    if existing is None:
        configuration = {"Runtime": detected.runtime, "Handler": detected.handler, **wanted}
        configuration.setdefault("Role", _default_role(connection))
        client.create_function(FunctionName=name, Code={"ZipFile": package}, **configuration)
    else:
        client.update_function_code(FunctionName=name, ZipFile=package)
        _wait(client, name)
        if wanted:
            client.update_function_configuration(FunctionName=name, **_merged(wanted, existing))
    return _wait(client, name), existing is None


def _name_of(source: Path) -> str:
    path = source.resolve()
    name = re.sub(r"[^a-zA-Z0-9-_]+", "-", path.stem if path.is_file() else path.name)
    return name.strip("-") or "function"


def _configuration(
    *,
    runtime: str | None,
    handler: str | None,
    memory_mib: int | None,
    timeout_s: int | None,
    variables: tuple[str, ...],
    layers: tuple[str, ...],
    role: str | None,
) -> dict[str, Any]:
    """What was asked for, as members of CreateFunction and UpdateFunctionConfiguration."""
    asked = {
        "Runtime": runtime,
        "Handler": handler,
        "MemorySize": memory_mib,
        "Timeout": timeout_s,
        "Role": role,
        "Layers": list(layers),
        "Environment": {"Variables": dict(map(_split_variable, variables))} if variables else None,
    }
    return {member: value for member, value in asked.items() if value}


def _split_variable(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--env")
    return key, value


def _existing(client: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.get_function_configuration(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


def _package(
    source: Path, wanted: dict[str, Any], existing: dict[str, Any] | None, *, build: bool
) -> "tuple[bytes, Detected]":
    """The zip, and what it is for: as asked, else as the function has it already, else as its files' names say."""
    from ramuda.cli import build as building
    from ramuda.cli import bundle, detection

    known = {**(existing or {}), **wanted}
    try:
        package = bundle.read(source)
        if known.get("Runtime") and known.get("Handler"):
            detected = detection.Detected(runtime=known["Runtime"], handler=known["Handler"])
        else:
            detected = detection.detect(package)
    except ValueError as e:
        raise WrongUse(str(e)) from e
    except detection.NothingDetectedError as e:
        raise WrongUse(f"{source}: {e}", "Say what to run with --runtime and --handler.") from e
    with ExitStack() as stack:
        if build:
            stage = stack.enter_context(building.built(source, known.get("Runtime") or detected.runtime))
            package = bundle.read(stage, with_bytecode=True)
    screen.remark(f"packed {source} ({screen.megabytes(len(package))})")
    return package, detected


def _default_role(connection: Connection) -> str:
    account = connection.client("sts").get_caller_identity()["Account"]
    return f"arn:aws:iam::{account}:role/{DEFAULT_ROLE}"


def _merged(wanted: dict[str, Any], existing: dict[str, Any]) -> dict[str, Any]:
    """AWS replaces all variables at once; a command line that names one means that one."""
    if "Environment" not in wanted:
        return wanted
    kept = existing.get("Environment", {}).get("Variables", {})
    return {**wanted, "Environment": {"Variables": {**kept, **wanted["Environment"]["Variables"]}}}


def _wait(client: Any, name: str) -> dict[str, Any]:
    """Until the function is Active and its last update is done. Fails with Lambda's reason."""
    deadline = time.monotonic() + _LONGEST_WAIT_S
    with screen.progress(f"waiting until {name} is active"):
        while True:
            found: dict[str, Any] = client.get_function_configuration(FunctionName=name)
            if found["State"] == "Failed":
                raise FunctionFailed(f"{name} failed: {found.get('StateReason', 'no reason given')}")
            if found.get("LastUpdateStatus") == "Failed":
                raise FunctionFailed(
                    f"the update of {name} failed: {found.get('LastUpdateStatusReason', 'no reason given')}",
                )
            if found["State"] != "Pending" and found.get("LastUpdateStatus") != "InProgress":
                found.pop("ResponseMetadata", None)
                return found
            if time.monotonic() > deadline:
                raise FunctionFailed(f"{name} is still {found['State']} after {_LONGEST_WAIT_S} s")
            time.sleep(_POLL_S)


def _show(configuration: dict[str, Any], *, made: bool) -> None:
    console = screen.stdout()
    console.print(f"[bold green]{'made' if made else 'updated'}[/bold green] {configuration['FunctionArn']}")
    console.print(
        f"  {configuration.get('Runtime', configuration['PackageType'])}, handler {configuration.get('Handler', '-')}, "
        f"{configuration['MemorySize']} MB, {configuration['Timeout']} s, "
        f"code {screen.megabytes(configuration['CodeSize'])}"
    )
    console.print(f"  next: [bold]ramuda invoke {configuration['FunctionName']} '{{}}' --tail[/bold]")
