"""Template processes: one a runtime, replaced when it ends, and what is told when one cannot be started."""

import logging
import os
import signal
from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Boot, Exit, Mount, RuntimeSpec, SandboxBackend
from ramuda.sandbox import watchdog
from tests.sandboxes import CodeStore, run


async def test_a_template_that_ends_takes_its_sandboxes_and_is_replaced(
    isolated_backend: SandboxBackend, code: CodeStore, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(watchdog.descendants(os.getpid()))
    sandbox, output = await run(isolated_backend, code, "tell('up'); import signal; signal.pause()")
    assert await output.json() == "up"
    made = set(watchdog.descendants(os.getpid())) - before
    (template,) = [pid for pid in made if parent_of(pid) == os.getpid()]
    os.kill(template, signal.SIGKILL)
    assert await sandbox.wait() == Exit(signal=signal.SIGKILL)
    with pytest.raises(PortError, match="the sandbox ended"):
        await sandbox.reset()
    with caplog.at_level(logging.WARNING, "ramuda.sandbox"):
        _, output = await run(isolated_backend, code, "tell('up again')")
    assert await output.json() == "up again"
    assert caplog.messages == ["sandbox.template_ended runtime=script"]


async def test_one_template_serves_a_runtime(isolated_backend: SandboxBackend, code: CodeStore) -> None:
    before = set(watchdog.descendants(os.getpid()))
    for _ in range(3):
        _, output = await run(isolated_backend, code, "tell('up'); import signal; signal.pause()")
        await output.json()
    made = set(watchdog.descendants(os.getpid())) - before
    assert len([pid for pid in made if parent_of(pid) == os.getpid()]) == 1


@pytest.mark.parametrize(
    ("runtime", "said"),
    [
        (RuntimeSpec(name="r", boot=Boot.FORK, argv=("/var/lang/bin/python",)), "No such file or directory"),
        (RuntimeSpec(name="r", boot=Boot.FORK, argv=("/usr/bin/env", "python3")), "No module named 'awslambdaric'"),
        (
            RuntimeSpec(name="r", boot=Boot.EXEC, argv=("/x",), mounts=(Mount(host=Path("/absent"), inside="/mnt/x"),)),
            "/absent",
        ),
    ],
)
async def test_a_runtime_that_cannot_be_prepared_says_why(
    isolated_backend: SandboxBackend, runtime: RuntimeSpec, said: str
) -> None:
    for _ in range(2):  # and is tried anew the next time
        with pytest.raises(PortError, match=said):
            await isolated_backend.prepare(runtime)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
