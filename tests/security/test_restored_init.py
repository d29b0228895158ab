"""What process 1 of a restored environment, which is of the function's own memory, can make the server believe."""

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any

from ramuda.kernel.ports.sandbox import RuntimeSpec, SandboxBackend
from ramuda.sandbox.isolated import snapshot
from tests.sandboxes import CodeStore, FakeRuntimeApi, assignment
from tests.security.test_restored import SNAP_START, runtime

__all__ = ["runtime"]

HANDLER = """
import os, sys
theirs = sys.modules["awslambdaric.lambda_runtime_client"]
base = getattr(theirs, "BaseLambdaRuntimeClient", theirs.LambdaRuntimeClient)
names = base.restore_next.__globals__
keep = names["_keep"]
def lie(runtime, life):
    for _ in range(3):
        life.send(b"e" + b"9" * 30)
    keep(runtime, life)
names["_keep"] = lie
def handler(event, context):
    return "runs"
"""


async def test_a_number_that_is_no_exit_status_does_no_harm(
    backend: SandboxBackend, code: CodeStore, runtime: RuntimeSpec
) -> None:
    troubles: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    origin = await backend.prepare_origin(runtime)
    await origin.assign(assignment(origin, runtime, code.add({"main.py": HANDLER}), env=SNAP_START))
    async with FakeRuntimeApi(origin) as api:
        await origin.start()
        await api.asked.wait()
        await origin.settle()
        copy = await origin.copy()
        await copy.assign(assignment(copy, runtime, code.root, env=SNAP_START))
        async with FakeRuntimeApi(copy) as copied:
            await copy.start()
            assert await copied.invoke("{}") == "runs"
    await copy.kill()
    assert troubles == []


def test_only_a_child_of_its_own_process_1_is_taken_for_its_runtime() -> None:
    """A number that was told may be another process's by the time the server looks: it would be signalled."""
    copy = snapshot.Copy.__new__(snapshot.Copy)
    copy.id, copy._runtime_fd, copy._expected, copy._status = "copy", None, {}, None
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as innocent:
        copy._init_pid = os.getppid()
        copy._born(innocent.pid)
        copy.signal_runtime(signal.SIGKILL)
        assert innocent.poll() is None
        copy._init_pid = os.getpid()
        copy._born(innocent.pid)
        copy.signal_runtime(signal.SIGKILL)
        assert innocent.wait() == -signal.SIGKILL
    assert copy._runtime_fd is not None
    assert copy._status is not None
    os.close(copy._runtime_fd)
    os.close(copy._status)
