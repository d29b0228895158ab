"""Unpacks an image and runs its command in an isolated sandbox, as whoever starts this; prints what came of it.

python -m tests.unit.sandbox.image_process FOLDER URI COMMAND...
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from ramuda.kernel.clock import SystemClock
from ramuda.kernel.ports.sandbox import Assignment, Boot, RuntimeSpec
from ramuda.runtime.images import Library, Options
from ramuda.sandbox import isolated
from ramuda.sandbox.options import Options as SandboxOptions


async def run(folder: Path, uri: str, command: tuple[str, ...]) -> dict[str, object]:
    (folder / "code").mkdir()
    library = Library(folder / "images", Options(), SystemClock())
    await library.open()
    image = await library.unpack(await library.resolve(uri, "x86_64"))
    backend = isolated.Backend(SandboxOptions(), folder / "work", folder / "code")
    sandbox = await backend.prepare(RuntimeSpec(name="image", boot=Boot.EXEC, argv=(), root=image.root))
    assignment = Assignment(
        function_arn="arn",
        task_dir=folder,
        opt_dir=None,
        handler="",
        env={"PATH": "/bin"},
        memory_mib=128,
        tmp_mib=512,
        vcpus=0.1,
        command=command,
    )
    await sandbox.assign(assignment)
    await sandbox.start()
    how = await sandbox.wait()
    output = os.read(sandbox.output, 65536).decode()
    await sandbox.kill()
    await backend.close()
    await library.close()
    later = Library(folder / "images", Options(), SystemClock())
    await later.open()
    deleted = await later.collect(set())
    left = [path.name for name in ("roots", "layers", ".incoming") for path in (folder / "images" / name).iterdir()]
    return {"code": how.code, "output": output, "deleted": deleted, "left": left}


if __name__ == "__main__":
    answer = asyncio.run(run(Path(sys.argv[1]), sys.argv[2], tuple(sys.argv[3:])))
    sys.stdout.write(json.dumps(answer))
