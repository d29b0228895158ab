"""The way to a server: which endpoint, region and credentials, and AWS's errors as failures of a command."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from ramuda.cli.outcome import Refused, Unreachable, WrongUse

DEFAULT_ENDPOINT = "http://127.0.0.1:4566"
LONGEST_ANSWER_S = 930  # a function may run 900 s; the rest is for its cold start and the way

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Makes clients of one server. Credentials are the environment's, else any: without `--auth` all are accepted."""

    endpoint_url: str
    region: str

    def client(self, service: str) -> Any:
        import botocore.session
        from botocore.config import Config

        session = botocore.session.Session()
        credentials = {}
        if not os.environ.get("AWS_ACCESS_KEY_ID") and not os.environ.get("AWS_PROFILE"):
            credentials = {"aws_access_key_id": "ramuda", "aws_secret_access_key": "ramuda"}
        return session.create_client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            config=Config(
                connect_timeout=5,
                read_timeout=LONGEST_ANSWER_S,
                retries={"total_max_attempts": 1},
                ignore_configured_endpoint_urls=True,
            ),
            **credentials,
        )


def connected(command: _Command) -> _Command:
    """Adds `--endpoint-url` and `--region` and gives the command a `connection`."""
    import functools

    @click.option(
        "--endpoint-url",
        envvar=["RAMUDA_ENDPOINT", "AWS_ENDPOINT_URL"],
        callback=_checked_url,
        default=DEFAULT_ENDPOINT,
        show_default=True,
        help="Where the server is. Also RAMUDA_ENDPOINT or AWS_ENDPOINT_URL.",
    )
    @click.option(
        "--region",
        envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
        default="us-east-1",
        show_default=True,
        help="AWS region. Also AWS_REGION or AWS_DEFAULT_REGION.",
    )
    @functools.wraps(command)
    def with_connection(*args: Any, endpoint_url: str, region: str, **kwargs: Any) -> Any:
        connection = Connection(endpoint_url=endpoint_url, region=region)
        with told_plainly(connection):
            return command(*args, connection=connection, **kwargs)

    return with_connection  # type: ignore[return-value]  # same command, two options more


def _checked_url(_context: click.Context, _parameter: click.Parameter, url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter(f"{url!r} is not an http:// or https:// URL")
    return url


@contextmanager
def told_plainly(connection: Connection) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NotConnectedError

    try:
        yield
    except ClientError as e:
        error = e.response["Error"]
        raise Refused(f"{e.operation_name}: {error.get('Message') or error['Code']}", error["Code"]) from e
    except (NotConnectedError, HTTPClientError) as e:
        raise Unreachable(
            f"no answer from {connection.endpoint_url}",
            "Start a server with `ramuda serve`, or say where it is with --endpoint-url or AWS_ENDPOINT_URL.",
        ) from e
    except BotoCoreError as e:
        raise WrongUse(str(e).replace("\n", " ")) from e
