"""A process that keeps sandboxes running until it is killed, for the tests of crashes and of users without root.

    python -m tests.unit.sandbox.server_process FOLDER MARK

Prints what the function in the sandbox tells, then waits for its end of input.
"""

import asyncio
import json
import sys
from pathlib import Path

from ramuda.sandbox import isolated
from ramuda.sandbox.guarded import guarded
from ramuda.sandbox.options import Options
from tests.sandboxes import CodeStore, FakeRuntimeApi, assignment, client_folder, lambda_runtime, run

SCRIPT = """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
open("/tmp/kept", "a").write("x")
tell({"uid": os.getuid(), "gid": os.getgid(), "caps": status["CapEff"].strip(), "host": os.path.exists("/root"),
      "kept": open("/tmp/kept").read(), "task": os.listdir("/var/task"), "pid": os.getpid()})
import signal
signal.pause()
"""


async def serve(folder: Path, mark: str) -> None:
    (folder / "code").mkdir()
    code = CodeStore(folder / "code")
    backend = guarded(isolated.Backend(Options(), folder / "work", code.root))
    sandbox, output = await run(backend, code, SCRIPT, env={"MARK": mark})
    report = {"first": await output.json()}
    sandbox.pause()
    sandbox.resume()
    await sandbox.reset()
    await sandbox.start()
    report["second"] = await output.json()
    report["answer"] = await _answer(backend, code, client_folder(folder / "client"))
    print(json.dumps(report), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await backend.close()


async def _answer(backend: isolated.Backend, code: CodeStore, client: Path) -> object:
    runtime = lambda_runtime(client)
    sandbox = await backend.prepare(runtime)
    task_dir = code.add({"main.py": "def handler(event, context):\n    return [event, 'answered']"})
    await sandbox.assign(assignment(sandbox, runtime, task_dir))
    async with FakeRuntimeApi(sandbox) as api:
        await sandbox.start()
        return await api.invoke("question")


async def hungry(folder: Path) -> None:
    """The memory limit of a machine without control groups."""
    (folder / "code").mkdir()
    code = CodeStore(folder / "code")
    backend = guarded(isolated.Backend(Options(), folder / "work", code.root))
    script = "held = bytearray(b'x' * 300 * 1048576)\nimport signal; signal.pause()"
    sandbox, _ = await run(backend, code, script, memory_mib=128)
    how = await sandbox.wait()
    print(json.dumps([how.code, how.signal, how.out_of_memory]), flush=True)
    await backend.close()


async def examine() -> None:
    capability = await isolated.examine(Options())
    print(json.dumps([capability.usable, {finding.name: finding.ok for finding in capability.findings}]), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["examine"]:
            asyncio.run(examine())
        case ["hungry", path]:
            asyncio.run(hungry(Path(path)))
        case [path, text]:
            asyncio.run(serve(Path(path), text))
