"""What an isolated sandbox costs: python benchmarks/sandbox.py [RUNTIME_DIR]

RUNTIME_DIR holds the Python runtime client (default: copied from this interpreter's own packages). Prints a table a
boot; times are medians and 95th percentiles.
"""

import asyncio
import itertools
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.sandboxes import CodeStore, assignment, client_folder, lambda_runtime, script_runtime, waiting_runtime

from ramuda.kernel.ports.sandbox import RuntimeSpec, Sandbox, SandboxBackend
from ramuda.sandbox import isolated, watchdog
from ramuda.sandbox.guarded import guarded
from ramuda.sandbox.options import Options

ROUNDS, TOGETHER = 25, 50
HANDLER = {"main.py": "def handler(event, context):\n    return event\n"}
ASK_NEXT = {
    "main.py": "import os, socket, signal\nhost, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')\n"
    "connection = socket.create_connection((host, int(port)))\nconnection.sendall(b'GET /next')\nsignal.pause()\n"
}


async def first_request(sandbox: Sandbox) -> None:
    """Waits until the runtime asks for its first event."""
    loop = asyncio.get_running_loop()
    listening = sandbox.sockets.runtime_api
    listening.setblocking(False)
    connection, _ = await loop.sock_accept(listening)
    await loop.sock_recv(connection, 1024)
    connection.close()


async def cold(backend: SandboxBackend, runtime: RuntimeSpec, task_dir: Path) -> dict[str, float]:
    marks = [time.perf_counter()]
    sandbox = await backend.prepare(runtime)
    marks.append(time.perf_counter())
    await asyncio.sleep(0.15)  # a waiting runtime gets to its wait, and the caches get cold
    marks.append(time.perf_counter())
    await sandbox.assign(assignment(sandbox, runtime, task_dir))
    marks.append(time.perf_counter())
    await sandbox.start()
    await first_request(sandbox)
    marks.append(time.perf_counter())
    for step in (sandbox.pause, sandbox.resume, sandbox.usage):
        step()
        marks.append(time.perf_counter())
    await sandbox.kill()
    marks.append(time.perf_counter())
    spans = [(b - a) * 1000 for a, b in itertools.pairwise(marks)]
    names = ("prepare", "", "assign", "start to first request", "pause", "resume", "usage", "kill")
    return {**dict(zip(names, spans, strict=True)), "assign to first request": spans[2] + spans[3]}


async def together(backend: SandboxBackend, runtime: RuntimeSpec, task_dir: Path, *, prepared: bool) -> float:
    """Milliseconds until every one of TOGETHER sandboxes asked for its first event."""
    ready = [await backend.prepare(runtime) for _ in range(TOGETHER)] if prepared else []

    async def one(sandbox: Sandbox | None) -> Sandbox:
        sandbox = sandbox or await backend.prepare(runtime)
        await sandbox.assign(assignment(sandbox, runtime, task_dir))
        await sandbox.start()
        await first_request(sandbox)
        return sandbox

    started = time.perf_counter()
    sandboxes = await asyncio.gather(*(one(each) for each in (ready or [None] * TOGETHER)))
    took = (time.perf_counter() - started) * 1000
    await asyncio.gather(*(sandbox.kill() for sandbox in sandboxes))
    return took


async def cpu_of_prepare(backend: SandboxBackend, runtime: RuntimeSpec) -> float:
    """CPU milliseconds, of this process and its children, for one prepared sandbox."""

    def used() -> float:
        own = resource.getrusage(resource.RUSAGE_SELF)
        return (own.ru_utime + own.ru_stime) * 1000 + sum(map(_ticks, _family()))

    before = used()
    sandboxes = [await backend.prepare(runtime) for _ in range(ROUNDS)]
    spent = (used() - before) / ROUNDS
    for sandbox in sandboxes:
        await sandbox.kill()
    return spent


def _family() -> list[int]:
    return watchdog.descendants(os.getpid())


def _ticks(pid: int) -> float:
    """CPU milliseconds of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/schedstat").read_text().split()
    except OSError:
        return 0.0
    return int(fields[0]) / 1e6


async def memory_of_prepared(backend: SandboxBackend, runtime: RuntimeSpec) -> float:
    """Private MiB that one prepared sandbox takes: its init and its waiting runtime."""
    first = await backend.prepare(runtime)
    before = set(_family())
    sandboxes = [await backend.prepare(runtime) for _ in range(10)]
    await asyncio.sleep(0.3)
    kib = sum(map(_private_kib, set(_family()) - before))
    for sandbox in (first, *sandboxes):
        await sandbox.kill()
    return kib / 1024 / 10


def _private_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


async def main(client: Path | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "code").mkdir()
        code = CodeStore(folder / "code")
        backend = guarded(isolated.Backend(Options(), folder / "work", code.root))
        forked = lambda_runtime(client or client_folder(folder / "client"))
        cases = (
            ("fork (python)", forked, code.add(HANDLER)),
            ("wait (bare python)", waiting_runtime(), code.add(ASK_NEXT)),
            ("exec (bare python)", script_runtime(), code.add(ASK_NEXT)),
        )
        for label, runtime, task_dir in cases:
            await cold(backend, runtime, task_dir)
            results = [await cold(backend, runtime, task_dir) for _ in range(ROUNDS)]
            print(f"\n{label}{'median ms':>40}{'p95 ms':>10}")
            for key in (key for key in results[0] if key):
                values = sorted(result[key] for result in results)
                print(f"  {key:40}{statistics.median(values):>10.2f}{values[int(len(values) * 0.95)]:>10.2f}")
            print(f"  {'CPU of one prepare':40}{await cpu_of_prepare(backend, runtime):>10.2f}")
            print(f"  {'private MiB of one prepared':40}{await memory_of_prepared(backend, runtime):>10.2f}")
        for prepared in (True, False):
            how = "prepared" if prepared else "not prepared"
            took = [await together(backend, forked, cases[0][2], prepared=prepared) for _ in range(3)]
            print(f"\n{TOGETHER} at once, {how}: {min(took):.0f} ms (best of 3)")
        await backend.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
