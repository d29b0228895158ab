"""The `ramuda` command: a server, and the few verbs a person needs beside an AWS client.

Every command but `serve`, `keys` and `doctor` is a client of the public AWS API and works against any endpoint.
Human output goes to a terminal in colour and elsewhere plain (NO_COLOR is honoured); `--json` prints one JSON document,
or one a line, for programs. Exit codes are those of `outcome.ExitCode`. Starting must be quick: modules of this package
import heavy libraries (botocore, rich, the server) inside the functions that use them.
"""

import click

from ramuda.cli import deploy, doctor, functions, invoke, keys, logs, runtimes, serve, version

_COMMANDS = (
    serve.serve,
    deploy.deploy,
    invoke.invoke,
    logs.logs,
    functions.functions,
    doctor.doctor,
    runtimes.runtimes,
    keys.keys,
    version.version,
)


class _InGivenOrder(click.Group):
    """Lists commands in the order a newcomer needs them instead of by alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InGivenOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """AWS Lambda applications on your own machines.

    Start with `ramuda serve`, then point any AWS client at it with AWS_ENDPOINT_URL, or use the commands below.
    """


for _command in _COMMANDS:
    main.add_command(_command)
