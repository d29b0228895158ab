"""`ramuda invoke`."""

import base64
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import click

from ramuda.cli import screen
from ramuda.cli.connection import Connection, connected
from ramuda.cli.outcome import ExitCode


@click.command()
@click.argument("function")
@click.argument("payload", required=False)
@click.option("--qualifier", help="A version or an alias.")
@click.option("--tail", is_flag=True, help="Show the end of the invocation's log.")
@click.option("--async", "is_async", is_flag=True, help="Hand the event over without waiting for the answer.")
@connected
@screen.json_option
def invoke(
    *,
    function: str,
    payload: str | None,
    qualifier: str | None,
    tail: bool,
    is_async: bool,
    connection: Connection,
    as_json: bool,
) -> None:
    """Run a function and print its answer.

    PAYLOAD is JSON, @FILE, or - for standard input; without one the event is {}. The exit code is 1 when the
    function failed.
    """
    request: dict[str, Any] = {"FunctionName": function, "Payload": _read_payload(payload)}
    if qualifier:
        request["Qualifier"] = qualifier
    if is_async:
        request["InvocationType"] = "Event"
    elif tail or as_json:
        request["LogType"] = "Tail"
    client = connection.client("lambda")
    with screen.progress(f"invoking {function}"):
        response = client.invoke(**request)
        answer = response["Payload"].read()

    if as_json:
        screen.emit_json(_describe(response, answer))
    elif is_async:
        screen.remark(f"accepted, request id {response['ResponseMetadata']['RequestId']}")
    else:
        _show(response, answer, tail=tail)
    if "FunctionError" in response:
        raise click.exceptions.Exit(ExitCode.FUNCTION_FAILED)


def _read_payload(payload: str | None) -> bytes:
    match payload:
        case None:
            return b"{}"
        case "-":
            return sys.stdin.buffer.read()
        case str() if payload.startswith("@"):
            file = Path(payload[1:])
            if not file.is_file():
                raise click.UsageError(f"there is no file {str(file)!r} to read the payload from")
            return file.read_bytes()
        case _:
            return payload.encode()


def _describe(response: dict[str, Any], answer: bytes) -> dict[str, Any]:
    return {
        "statusCode": response["StatusCode"],
        "requestId": response["ResponseMetadata"]["RequestId"],
        "executedVersion": response.get("ExecutedVersion"),
        "functionError": response.get("FunctionError"),
        "payload": _parsed(answer),
        "log": _log_of(response),
    }


def _parsed(answer: bytes) -> Any:
    """The answer as JSON where it is JSON, else as text."""
    try:
        return json.loads(answer) if answer else None
    except ValueError:
        return answer.decode(errors="replace")


def _log_of(response: dict[str, Any]) -> str | None:
    log = response.get("LogResult")
    return base64.b64decode(log).decode(errors="replace") if log else None


def _show(response: dict[str, Any], answer: bytes, *, tail: bool) -> None:
    from ramuda.cli import logs

    if tail:
        for line in (_log_of(response) or "").splitlines():
            screen.print_line(logs.coloured(line), err=True)
    if "FunctionError" in response:
        _show_error(_parsed(answer))
        return
    console = screen.stdout()
    if console.is_terminal:
        console.print_json(data=_parsed(answer))
    else:
        click.echo(answer)


def _show_error(error: Any) -> None:
    """What a Lambda runtime reports: `errorType`, `errorMessage` and a stack trace under one of two names."""
    if not isinstance(error, dict):
        screen.remark(str(error))
        return
    screen.remark(
        f"{click.style(str(error.get('errorType', 'error')), fg='red', bold=True)}: {error.get('errorMessage', '')}"
    )
    for line in error.get("stackTrace") or error.get("trace") or ():
        screen.remark(textwrap.indent(str(line).rstrip(), "  "))
