"""An AWS endpoint with scripted answers, and the command pointed at it."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ramuda.cli import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came: `what` is the method and path, or the target of a JSON service."""

    what: str
    body: bytes
    headers: dict[str, str]


class Endpoint:
    """Answers each request from `answers`, by what is asked; a list is used up one by one."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                endpoint._answer(self)

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names it looks for

            def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the name it has there

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, what: str, body: Any = None, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(what, []).append(Answer(body=body, status=status, headers=named))

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        what = target or f"{request.command} {request.path}"
        self.asked.append(Asked(what=what, body=body, headers={k.lower(): v for k, v in request.headers.items()}))
        script = self.answers[what]
        answer = script.pop(0) if len(script) > 1 else script[0]
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        request.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(content))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    it = Endpoint()
    yield it
    it.close()


@pytest.fixture
def ramuda(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> "Ramuda":
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAMUDA_ENDPOINT", endpoint.url)
    return Ramuda()


class Ramuda:
    """Runs the command as a shell would, with standard output and standard error apart."""

    def __call__(self, *arguments: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=stdin, prog_name="ramuda")
