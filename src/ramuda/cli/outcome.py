"""How a command ends: exit codes with a meaning, and failures told in one sentence with what to do about them."""

from enum import IntEnum
from typing import IO, Any

import click


class ExitCode(IntEnum):
    """What a script may rely on."""

    OK = 0
    FUNCTION_FAILED = 1
    """The function answered with an error, did not become active, or its package could not be built."""
    USAGE = 2
    """The command line, or what it points to, is wrong."""
    UNREACHABLE = 3
    """No server answers at the endpoint, or the server could not start."""
    REFUSED = 4
    """The server answered with an AWS error."""


class Failure(click.ClickException):
    """Ends the command, saying `message` and, on a second line, what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"{click.style('error', fg='red', bold=True)}: {self.message}", file=file, err=file is None)
        if self.hint:
            click.echo(f"  {self.hint}", file=file, err=file is None)


class FunctionFailed(Failure):
    exit_code = ExitCode.FUNCTION_FAILED


class WrongUse(Failure):
    exit_code = ExitCode.USAGE


class Unreachable(Failure):
    exit_code = ExitCode.UNREACHABLE


class Refused(Failure):
    exit_code = ExitCode.REFUSED
