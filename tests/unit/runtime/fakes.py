"""A sandbox without isolation or processes: its "runtime" is a coroutine that speaks HTTP to the Runtime API."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from ramuda.kernel.function import FunctionRef, FunctionSnapshot, Invocation, LoggingConfig
from ramuda.kernel.ports.sandbox import Assignment, Exit, NotLaunched, Program, Sockets, Usage

RuntimeBehaviour = Callable[["FakeSandbox"], Awaitable[Exit]]
ProgramBehaviour = Callable[["FakeSandbox", Program], Awaitable[Exit]]


class FakeSandbox:
    """Implements ports.Sandbox. `behaviours` are the runtimes of successive starts; each returns how it exited."""

    def __init__(self, *behaviours: RuntimeBehaviour) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        self.id = "fake"
        self.address = listener.getsockname()
        self.sockets = Sockets(runtime_api=listener, runtime_address=f"127.0.0.1:{self.address[1]}")
        self.output, self.stdout = os.pipe()
        os.set_blocking(self.output, False)
        self.frames: int | None = None
        self.programs: dict[str, ProgramBehaviour] = {}
        self.beside: list[asyncio.Task[Exit]] = []
        self.behaviours = list(behaviours)
        self.calls: list[str] = []
        self.process: asyncio.Task[Exit] | None = None
        self.ended = asyncio.get_running_loop().create_future()
        self.clients: list[Client] = []

    def client(self) -> "Client":
        self.clients.append(Client(self.address))
        return self.clients[-1]

    async def assign(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.calls.append("assign")

    async def start(self) -> None:
        self.calls.append("start")
        self.ended = asyncio.get_running_loop().create_future()
        self.process = asyncio.get_running_loop().create_task(self.behaviours.pop(0)(self))
        self.process.add_done_callback(self._exited)

    def _exited(self, task: asyncio.Task[Exit]) -> None:
        if not self.ended.done():
            self.ended.set_result(Exit(signal=9) if task.cancelled() else task.result())

    def limit_cpu(self) -> None:
        self.calls.append("limit_cpu")

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    async def wait(self) -> Exit:
        return await asyncio.shield(self.ended)

    async def start_beside(self, program: Program) -> Awaitable[Exit]:
        """`programs` are the extensions by their paths; one that is missing cannot be executed."""
        self.calls.append(f"start_beside {program.argv[0]}")
        behaviour = self.programs.get(program.argv[0])
        if behaviour is None:
            raise NotLaunched("EACCES")
        self.beside.append(asyncio.get_running_loop().create_task(self._run_beside(behaviour, program)))
        return asyncio.shield(self.beside[-1])

    async def _run_beside(self, behaviour: ProgramBehaviour, program: Program) -> Exit:
        try:
            return await behaviour(self, program)
        except asyncio.CancelledError:
            return Exit(signal=9)

    def signal_runtime(self, number: int) -> None:
        self.calls.append(f"signal_runtime {number}")
        if self.process is not None and number == 9:
            self.process.cancel()

    async def socket(self) -> socket.socket:
        made = socket.socket()
        made.setblocking(False)
        return made

    async def reset(self, grace_s: float = 0.0) -> Exit:
        self.calls.append("reset")
        await self._end_beside()
        if self.process is None:
            return Exit(signal=9)
        self.process.cancel()
        return await self.wait()

    async def _end_beside(self) -> None:
        for task in self.beside:
            task.cancel()
        if self.beside:
            await asyncio.wait(self.beside)

    async def kill(self) -> None:
        self.calls.append("kill")
        await self._end_beside()
        if self.process is not None:
            self.process.cancel()
            await asyncio.wait([self.process])
        for client in self.clients:
            await client.close()
        for fd in (self.output, self.stdout):
            os.close(fd)

    def usage(self) -> Usage:
        return Usage(memory_peak_bytes=42 * 1024 * 1024)

    def prints(self, text: str) -> None:
        os.write(self.stdout, text.encode())


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A runtime's HTTP client on one connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        return await self.raw(head.encode() + body)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.streams is None:
            self.streams = await asyncio.open_connection(*self.address)
        return self.streams

    async def raw(self, data: bytes) -> Answer:
        reader, writer = await self.open()
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        return Answer(int(head[0].split()[1]), headers, body)

    async def next(self) -> tuple[str, Answer]:
        answer = await self.call("GET", "invocation/next")
        return answer.headers.get("lambda-runtime-aws-request-id", ""), answer

    async def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            await asyncio.wait([asyncio.ensure_future(self.streams[1].wait_closed())])


async def echo(sandbox: FakeSandbox) -> Exit:
    """A runtime that answers every event with itself."""
    client = sandbox.client()
    while True:
        request_id, event = await client.next()
        await client.call("POST", f"invocation/{request_id}/response", event.body)


@dataclass
class MemoryStream:
    """Implements ports.LogStream."""

    name: str = "2026/11/21/[$LATEST]00000000000000000000000000000000"
    events: list[str] = field(default_factory=list)
    closed: bool = False

    def write(self, at_ms: int, message: str) -> None:
        self.events.append(message)

    def close(self) -> None:
        self.closed = True


def snapshot(**changes: object) -> FunctionSnapshot:
    values: dict[str, object] = {
        "ref": FunctionRef(account="000000000000", region="us-east-1", name="f"),
        "version": "$LATEST",
        "revision_id": "r1",
        "runtime": "python3.11",
        "handler": "app.handler",
        "role": "arn:aws:iam::000000000000:role/r",
        "memory_mib": 128,
        "timeout_s": 3,
        "tmp_mib": 512,
        "task_dir": Path("/nonexistent"),
        "logging": LoggingConfig(group="/aws/lambda/f"),
        **changes,
    }
    return FunctionSnapshot(**values)  # type: ignore[arg-type]


def invocation(function: FunctionSnapshot, payload: bytes = b"{}", **changes: object) -> Invocation:
    values: dict[str, object] = {
        "request_id": "11111111-1111-4111-8111-111111111111",
        "function": function,
        "payload": payload,
        "invoked_arn": function.ref.arn,
        **changes,
    }
    return Invocation(**values)  # type: ignore[arg-type]
