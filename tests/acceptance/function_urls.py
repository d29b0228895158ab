"""A client of function URLs that resolves no names: it sends the URL's host to the server's address."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

Deployed = Callable[..., str]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Url:
    """One function URL of the server at `endpoint`."""

    endpoint: str
    address: str

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    @property
    def url_id(self) -> str:
        return self.host.partition(".")[0]

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=60)

    def open(
        self, connection: http.client.HTTPConnection, method: str = "GET", path: str = "/", **headers: str
    ) -> http.client.HTTPResponse:
        """The answer's head; its body is still to be read."""
        connection.request(method, path, headers={"Host": self.host, **headers})
        return connection.getresponse()

    def __call__(
        self, method: str = "GET", path: str = "/", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, path, body, {"Host": self.host, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def signed(
        self, method: str, path: str, body: bytes, credentials: Credentials, service: str = "lambda"
    ) -> dict[str, str]:
        """Headers of a request that botocore signed."""
        request = AWSRequest(method, f"http://{self.host}{path}", data=body, headers={"Host": self.host})
        SigV4Auth(credentials, service, "us-east-1").add_auth(request)
        return dict(request.headers.items())


def open_to_all(client: Any, name: str, auth_type: str = "NONE", principal: str = "*", **more: str) -> None:
    """Both permissions that a URL needs."""
    client.add_permission(
        FunctionName=name,
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        Principal=principal,
        FunctionUrlAuthType=auth_type,
        **more,
    )
    client.add_permission(
        FunctionName=name,
        StatementId="invoke",
        Action="lambda:InvokeFunction",
        Principal=principal,
        InvokedViaFunctionUrl=True,
        **more,
    )


def open_url(client: Any, endpoint: str, name: str, **config: Any) -> Url:
    """A URL that everybody may use."""
    created = client.create_function_url_config(FunctionName=name, AuthType="NONE", **config)
    open_to_all(client, name)
    return Url(endpoint, created["FunctionUrl"])
