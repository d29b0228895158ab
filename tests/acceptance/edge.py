"""The edge as a user meets it: HTTP server, gateway, STS and delegated services on a real port, boto3 on a thread."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from ramuda.authz.credentials import CredentialStore
from ramuda.gateway.http import HttpServer
from ramuda.gateway.model import Models
from ramuda.gateway.options import Options
from ramuda.gateway.stack import Gateway
from ramuda.gateway.upstream import Upstream
from ramuda.kernel.call import Service
from ramuda.kernel.clock import SystemClock
from ramuda.kernel.ids import RandomIds
from ramuda.services import sts
from ramuda.storage.sqlite import SqliteDatabase

T = TypeVar("T")


class Edge:
    """A running edge."""

    def __init__(self, port: int, gateway: Gateway, credentials: CredentialStore, upstream: Upstream) -> None:
        self.port, self.gateway, self.credentials, self.upstream = port, gateway, credentials, upstream
        self.url = f"http://127.0.0.1:{port}"

    def client(
        self, service: str, key: str = "test", secret: str = "test", token: str | None = None, **more: Any
    ) -> Any:
        """A client that asks once and checks nothing itself. `more`: `region`, `url`, and `addressing` of S3."""
        config = Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": more.pop("addressing", "path")},
            parameter_validation=False,
        )
        return boto3.session.Session().client(
            service,
            endpoint_url=more.pop("url", self.url),
            region_name=more.pop("region", "us-east-1"),
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=config,
        )


async def on_thread(call: Callable[..., T], **params: Any) -> T:
    """boto3 blocks; the server needs the loop meanwhile."""
    return await asyncio.to_thread(call, **params)


@asynccontextmanager
async def running_edge(
    folder: Path, options: Options | None = None, services: Sequence[Service] = ()
) -> AsyncIterator[Edge]:
    options, clock = options or Options(), SystemClock()
    database = SqliteDatabase.open(folder / "state.db", schema="state", sync="normal")
    credentials = CredentialStore(database, bytes(range(32)), clock)
    upstream = Upstream(options.upstream)
    await credentials.refresh()
    gateway = Gateway(
        services=[sts.service(credentials), *services],
        upstream=upstream,
        credentials=credentials,
        options=options,
        clock=clock,
        ids=RandomIds(),
        models=Models(),
    )
    http = HttpServer(gateway.handle, options.http, wants_stream=gateway.wants_stream, refuse=gateway.refuse)
    try:
        yield Edge(await http.listen("127.0.0.1", 0), gateway, credentials, upstream)
    finally:
        await http.close(1)
        await upstream.close()
        await database.close()
