"""What remains of sandboxes that ended, in whatever way: nothing."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import SandboxBackend
from tests.sandboxes import CodeStore, assignment, script_runtime

ROUNDS, TOGETHER = 5, 10


def own_groups_remain() -> bool:
    """Whether there are control groups of sandboxes of this process."""
    try:
        return any(path.is_dir() for path in Path("/sys/fs/cgroup").glob(f"**/ramuda/*-{os.getpid()}-*/*"))
    except FileNotFoundError:
        return True  # one went while we looked


def children() -> list[str]:
    """Processes below this one, with zombies."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def images(work: Path) -> Iterator[str]:
    """Files of this test's volumes that a loop device still holds."""
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            if str(work) in path.read_text():
                yield path.parent.parent.name
        except OSError:
            continue


async def until_empty(look: Callable[[], object]) -> None:
    """The kernel takes mounts down after the last process of their namespace."""
    while look():
        await asyncio.sleep(0)


async def test_nothing_is_left_of_many_sandboxes(backend: SandboxBackend, code: CodeStore, sandbox_work: Path) -> None:
    runtime = script_runtime()
    task_dir = code.add({"main.py": "import os, signal; os.fork(); signal.pause()"})
    await (await backend.prepare(runtime)).kill()
    await until_empty(own_groups_remain)
    before = descriptors(), children()
    for _ in range(ROUNDS):
        made = await asyncio.gather(*(backend.prepare(runtime) for _ in range(TOGETHER)))
        for sandbox in made[::2]:
            await sandbox.assign(assignment(sandbox, runtime, task_dir))
            await sandbox.start()
        await asyncio.gather(*(sandbox.kill() for sandbox in made))
    await until_empty(own_groups_remain)
    assert (descriptors(), children()) == before
    await until_empty(lambda: list(images(sandbox_work)))


async def test_nothing_is_left_of_sandboxes_whose_preparation_was_cancelled(
    backend: SandboxBackend, sandbox_work: Path
) -> None:
    runtime = script_runtime()
    await (await backend.prepare(runtime)).kill()
    await until_empty(own_groups_remain)
    before = descriptors()
    for turns in range(60):
        preparing = asyncio.ensure_future(backend.prepare(runtime))
        for _ in range(turns):
            await asyncio.sleep(0)
        preparing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await preparing
    await until_empty(own_groups_remain)
    await until_empty(lambda: list(images(sandbox_work)))
    await until_empty(lambda: descriptors() > before)


async def test_a_failure_half_way_leaves_nothing_and_the_next_one_works(
    backend: SandboxBackend, code: CodeStore, sandbox_work: Path
) -> None:
    runtime = script_runtime()
    await (await backend.prepare(runtime)).kill()
    await until_empty(own_groups_remain)
    before = descriptors()
    for _ in range(5):
        sandbox = await backend.prepare(runtime)
        with pytest.raises(PortError, match="is not in the code store"):
            await sandbox.assign(assignment(sandbox, runtime, code.root.parent))
        sandbox = await backend.prepare(runtime)
        with pytest.raises(PortError, match="No such file"):
            await sandbox.assign(assignment(sandbox, runtime, code.root / "absent"))
    await until_empty(own_groups_remain)
    assert descriptors() == before
    await until_empty(lambda: list(images(sandbox_work)))
    await (await backend.prepare(runtime)).kill()
