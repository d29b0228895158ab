"""What the tests of sandboxes share: runtimes made of the Python that runs the tests, code to run, and the other
side to talk to."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import awslambdaric

from ramuda.kernel import limits
from ramuda.kernel.ports.sandbox import Assignment, Boot, Mount, RuntimeSpec, Sandbox, SandboxBackend

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
OWN_PYTHON = Path(sys.base_prefix)
IS_SYSTEM_PYTHON = str(OWN_PYTHON) == "/usr"
PYTHON = f"/usr/bin/python{VERSION}" if IS_SYSTEM_PYTHON else f"/var/lang/bin/python{VERSION}"
MOUNTS = () if IS_SYSTEM_PYTHON else (Mount(host=OWN_PYTHON, inside="/var/lang"),)
ENVIRONMENT = (
    ("LANG", "C.UTF-8"),
    ("LD_LIBRARY_PATH", "/var/lang/lib:/var/task/lib:/opt/lib"),
    ("PATH", "/var/lang/bin:/usr/bin:/bin:/opt/bin"),
)
EVENT_HEAD = (
    "HTTP/1.1 200 OK",
    "Content-Type: application/json",
    "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    "Lambda-Runtime-Deadline-Ms: 1542409706888",
    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f",
    "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
)
CLIENT_PACKAGES = ("awslambdaric", "simplejson", "snapshot_restore_py", "runtime_client")
WAITING = """
import json, os, runpy, sys
with open(3) as pipe:
    assigned = json.load(pipe)
os.environ.clear()
os.environ.update(assigned["env"])
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
runpy.run_path(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "main.py"))
"""
CALL_HANDLER = """
import os, sys
sys.path.insert(0, os.getcwd())
from awslambdaric.__main__ import main
main(["", os.environ["_HANDLER"]])
"""


def script_runtime() -> RuntimeSpec:
    """Runs /var/task/main.py when it is started, like `provided` runs a `bootstrap`."""
    argv = (PYTHON, "-S", "-B", "/var/task/main.py")
    return RuntimeSpec(name="script", boot=Boot.EXEC, argv=argv, mounts=MOUNTS, environment=ENVIRONMENT)


def waiting_runtime() -> RuntimeSpec:
    """An interpreter that waits for its assignment, then runs /var/task/main.py."""
    argv = (PYTHON, "-S", "-B", "-c", WAITING)
    return RuntimeSpec(name="waiting", boot=Boot.WAIT, argv=argv, mounts=MOUNTS, environment=ENVIRONMENT)


def client_folder(folder: Path) -> Path:
    """/var/runtime with AWS's own runtime client, copied from this interpreter's packages."""
    packages = Path(awslambdaric.__file__).parent.parent
    folder.mkdir()
    for name in CLIENT_PACKAGES:
        for source in packages.glob(f"{name}*"):
            if source.is_dir() and not source.name.endswith("-info"):
                shutil.copytree(source, folder / source.name)
            elif source.is_file():
                shutil.copy(source, folder)
    return folder


def lambda_runtime(client: Path, *, preload: tuple[str, ...] = ()) -> RuntimeSpec:
    """The Python runtime, forked from a template."""
    return RuntimeSpec(
        name=f"python{VERSION}",
        boot=Boot.FORK,
        argv=(PYTHON,),
        exec_argv=(PYTHON, "-c", CALL_HANDLER),
        runtime_dir=client,
        mounts=MOUNTS,
        environment=(*ENVIRONMENT, ("PYTHONPATH", "/var/runtime")),
        preload=preload,
    )


@dataclass
class CodeStore:
    """Functions' code, as the server's content-addressed store keeps it."""

    root: Path
    number: int = 0

    def add(self, files: Mapping[str, str]) -> Path:
        self.number += 1
        folder = self.root / f"{self.number:04}"
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        return folder


def assignment(
    sandbox: Sandbox,
    runtime: RuntimeSpec,
    task_dir: Path,
    *,
    env: Mapping[str, str] | None = None,
    opt_dir: Path | None = None,
    handler: str = "main.handler",
    memory_mib: int = 256,
    tmp_mib: int = 512,
    exec_wrapper: str | None = None,
) -> Assignment:
    variables = {
        **dict(runtime.environment),
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_LAMBDA_RUNTIME_API": sandbox.sockets.runtime_address,
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "_HANDLER": handler,
        **(env or {}),
    }
    return Assignment(
        function_arn="arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
        task_dir=task_dir,
        opt_dir=opt_dir,
        handler=handler,
        env=variables,
        memory_mib=memory_mib,
        tmp_mib=tmp_mib,
        vcpus=memory_mib / limits.MEMORY_MIB_PER_VCPU,
        exec_wrapper=exec_wrapper,
    )


class Reader:
    """Reads what a sandbox prints."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._fd = sandbox.output
        self._text = b""

    async def line(self) -> str:
        """The next line, however long it takes (the test's own time-out bounds it)."""
        while b"\n" not in self._text:
            self._text += await self._more()
        line, _, self._text = self._text.partition(b"\n")
        return line.decode()

    async def json(self) -> Any:
        return json.loads(await self.line())

    async def _more(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_reader(self._fd, lambda: ready.done() or ready.set_result(None))
        try:
            await ready
        finally:
            loop.remove_reader(self._fd)
        data = os.read(self._fd, 65536)
        if not data:
            raise EOFError("the sandbox's output ended")
        return data


async def run(
    backend: SandboxBackend, code: CodeStore, script: str, *, prelude: str = "", **settings: Any
) -> tuple[Sandbox, Reader]:
    """A sandbox in which `script` (which can call `tell(value)` to print JSON) runs as its own program."""
    runtime = script_runtime()
    sandbox = await backend.prepare(runtime)
    task_dir = code.add({"main.py": f"{TELL}{prelude}{script}"})
    await sandbox.assign(assignment(sandbox, runtime, task_dir, **settings))
    await sandbox.start()
    return sandbox, Reader(sandbox)


TELL = """
import json, os, sys
def tell(value):
    os.write(1, json.dumps(value).encode() + b"\\n")
"""


@dataclass
class FakeRuntimeApi:
    """The least of a Runtime API: hands out events one by one and collects the answers."""

    sandbox: Sandbox
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    paths: list[str] = field(default_factory=list)
    _events: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)
    _answers: "asyncio.Queue[tuple[str, bytes]]" = field(default_factory=asyncio.Queue)
    _tasks: "list[asyncio.Task[None]]" = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> "FakeRuntimeApi":
        self._server = await asyncio.start_server(self._accept, sock=self.sandbox.sockets.runtime_api)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._serve(reader, writer)))

    async def invoke(self, event: Any) -> Any:
        """The answer to an event."""
        await self._events.put(json.dumps(event).encode())
        _, body = await self._answers.get()
        return json.loads(body)

    async def answer(self) -> tuple[str, Any]:
        """The next path posted to, and its body."""
        path, body = await self._answers.get()
        return path, json.loads(body)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ")[1]
                length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                writer.write(await self._respond(path, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.transport.abort()

    async def _respond(self, path: str, body: bytes) -> bytes:
        self.paths.append(path)
        if not path.endswith("/next"):
            await self._answers.put((path, body))
            return b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
        self.asked.set()
        event = await self._events.get()
        head = "".join(f"{line}\r\n" for line in EVENT_HEAD)
        return f"{head}Content-Length: {len(event)}\r\n\r\n".encode() + event


def processes_with(mark: str) -> list[int]:
    """Pids of the living processes of this machine whose environment has the mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found
