"""A Runtime API that hands out given events and writes down what the runtime does, for tests of runtime clients.

Independent of Ramuda's own, so that the two cannot be wrong together.
"""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any, Self

REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c{:04x}"
ARN = "arn:aws:lambda:eu-west-3:000000000000:function:f"
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
DEADLINE_MS = 4_102_444_800_000  # the year 2100
ANSWER_LIMIT_S = 20.0


@dataclass(slots=True, kw_only=True)
class Said:
    """One POST of the runtime: `what` is `response`, `error` or `init/error`."""

    what: str
    request_id: str
    headers: dict[str, str]
    body: bytes
    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    @property
    def trailing_error(self) -> Any:
        return json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))


class MinimalRuntimeApi:
    """`async with MinimalRuntimeApi() as api:`, start a runtime with `api.address`, `await api.invoke(event)`."""

    def __init__(self) -> None:
        self.address = ""
        self.ready = asyncio.Event()
        self._count = 0
        self._events: asyncio.Queue[tuple[str, bytes, dict[str, str]] | None] = asyncio.Queue()
        self._said: asyncio.Queue[Said] = asyncio.Queue()
        self._connections: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._connections:
            writer.close()
            self._events.put_nowait(None)
        await self._server.wait_closed()

    async def invoke(self, event: Any, **headers: str) -> Said:
        """Hands out an event and waits for what the runtime answers. `headers` are more of them, `_` for `-`."""
        self._count += 1
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        self._events.put_nowait((REQUEST_ID.format(self._count), json.dumps(event).encode(), more))
        return await self.said()

    async def said(self) -> Said:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            return await self._said.get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while request := await reader.readline():
                method, path, _ = request.decode().split(" ")
                headers = await _headers(reader)
                body, trailers = await _body(reader, headers)
                if method == "GET":
                    writer.write(await self._next())
                else:
                    parts = path.removeprefix("/2018-06-01/runtime/").removeprefix("invocation/").split("/", 1)
                    request_id, what = ("", "init/error") if parts[0] == "init" else parts
                    said = Said(what=what, request_id=request_id, headers=headers, body=body, trailers=trailers)
                    writer.write(_answer(202, {"Content-Type": "application/json"}, b'{"status":"OK"}\n'))
                    self._said.put_nowait(said)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _next(self) -> bytes:
        self.ready.set()
        handed_out = await self._events.get()
        if handed_out is None:
            raise ConnectionAbortedError
        request_id, event, more = handed_out
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(DEADLINE_MS),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": TRACE,
            "Content-Type": "application/json",
            **more,
        }
        return _answer(200, headers, event)


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers = {}
    while (line := (await reader.readline()).decode("latin-1").rstrip("\r\n")) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0))), {}
    chunks = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readline()
    return b"".join(chunks), await _headers(reader)


def _answer(status: int, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} OK", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
