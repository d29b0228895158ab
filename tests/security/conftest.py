"""A hostile function: Python code of our choice in an isolated sandbox, behind the real way out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.ports.sandbox import Sandbox, SandboxBackend
from ramuda.sandbox import isolated, outbound
from ramuda.sandbox.guarded import guarded
from ramuda.sandbox.options import Options
from tests.sandboxes import CodeStore, Reader, run

Attack = Callable[..., Awaitable[Any]]
ATTEMPT = """
import ctypes, errno, socket, subprocess
libc = ctypes.CDLL(None, use_errno=True)
def attempt(work):
    "The result of work(), or the name of the error it ends with."
    try:
        return work()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
def call(number, *arguments):
    "A raw system call: its result, or the name of its error."
    ctypes.set_errno(0)
    result = libc.syscall(number, *arguments)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else result
"""


@pytest.fixture(scope="session")
def sandbox_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("isolated")


@pytest.fixture
def code(tmp_path: Path) -> CodeStore:
    return CodeStore(tmp_path / "code")


@pytest.fixture
async def backend(sandbox_work: Path, tmp_path: Path) -> AsyncIterator[SandboxBackend]:
    capability = await isolated.examine(Options())
    if not capability.usable:
        pytest.skip("; ".join(finding.detail for finding in capability.findings if not finding.ok))
    (tmp_path / "code").mkdir()
    made = guarded(isolated.Backend(Options(), sandbox_work, tmp_path / "code"))
    yield made
    await made.close()


@pytest.fixture
async def start(backend: SandboxBackend, code: CodeStore) -> Callable[..., Awaitable[tuple[Sandbox, Reader]]]:
    """Starts hostile code; its `tell(value)` is read from the Reader."""

    async def begin(script: str, **settings: Any) -> tuple[Sandbox, Reader]:
        return await run(backend, code, script, prelude=ATTEMPT, **settings)

    return begin


@pytest.fixture
async def attack(start: Callable[..., Awaitable[tuple[Sandbox, Reader]]]) -> AsyncIterator[Attack]:
    """Runs hostile code with a way out, and answers the first thing that it tells."""
    stops = []
    relay = outbound.Outbound(Options())

    async def go(script: str, **settings: Any) -> Any:
        sandbox, output = await start(script, **settings)
        stops.append(relay.attach(sandbox.sockets))
        return await output.json()

    yield go
    for way_out in stops:
        way_out.stop()
    await asyncio.sleep(0)
