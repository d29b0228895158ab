"""An extension that is a coroutine of the test, and a place in /opt for it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ramuda.kernel.ports.sandbox import Exit, Program
from tests.unit.runtime.fakes import Answer, Client, FakeSandbox, ProgramBehaviour

EVENTS = ["INVOKE", "SHUTDOWN"]


class ExtensionClient(Client):
    """Speaks the Extensions, Telemetry and Logs APIs."""

    def __init__(self, sandbox: FakeSandbox) -> None:
        super().__init__(sandbox.address)
        sandbox.clients.append(self)
        self.identifier = ""

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        if self.identifier:
            headers.setdefault("Lambda_Extension_Identifier", self.identifier)
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        return await self.raw(head.encode() + body)

    async def register(self, name: str, events: list[str] = EVENTS, **headers: str) -> Answer:
        body = json.dumps({"events": events}).encode()
        path = "/2020-01-01/extension/register"
        answer = await self.ask("POST", path, body, Lambda_Extension_Name=name, **headers)
        self.identifier = answer.headers.get("lambda-extension-identifier", "")
        return answer

    async def next(self) -> Any:  # type: ignore[override]
        answer = await self.ask("GET", "/2020-01-01/extension/event/next")
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    async def subscribe(self, content: Any, path: str = "/2022-07-01/telemetry") -> Answer:
        return await self.ask("PUT", path, json.dumps(content).encode())


def folder_with(root: Path, *names: str) -> Path:
    """A folder for /opt with extensions of these names."""
    (root / "opt" / "extensions").mkdir(parents=True)
    for name in names:
        (root / "opt" / "extensions" / name).write_text("#!/bin/sh\n")
    return root / "opt"


def loyal(heard: list[Any], name: str = "ext", events: list[str] = EVENTS) -> ProgramBehaviour:
    """An extension that writes down what it is told, until it is told to end."""

    async def behaviour(sandbox: FakeSandbox, program: Program) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register(name, events)
        while True:
            event = await client.next()
            heard.append(event)
            if event["eventType"] == "SHUTDOWN":
                return Exit(code=0)

    return behaviour


Behave = Callable[[FakeSandbox, ExtensionClient], Any]
