"""Extensions that a container image brings along."""

import asyncio
import os
from pathlib import Path

from ramuda.kernel.function import ImageUse
from ramuda.kernel.ports.sandbox import Exit, Program, SandboxBackend
from ramuda.runtime.extensions import programs
from tests.unit.runtime.fakes import snapshot
from tests.unit.sandbox.test_image_roots import merge, root, started  # noqa: F401 - fixtures


def add_extension(image: Path) -> None:
    (image / "opt" / "extensions").mkdir(parents=True, exist_ok=True)
    path = image / "opt" / "extensions" / "own"
    path.write_text('#!/bin/sh\necho "extension of $OWNER"\n')
    path.chmod(0o755)


async def test_an_extension_of_an_image_runs_in_the_images_root(
    isolated_backend: SandboxBackend,
    root: Path,  # noqa: F811
) -> None:
    add_extension(root)
    sandbox, _ = await started(isolated_backend, root, "/bin/sh", "-c", "while :; do read x; done")
    reading, writing = os.pipe()
    env = {"PATH": "/bin", "OWNER": "the image"}
    ended = await sandbox.start_beside(Program(argv=("/opt/extensions/own",), env=env, output=writing))
    os.close(writing)
    assert await ended == Exit(code=0)
    assert await asyncio.to_thread(os.read, reading, 100) == b"extension of the image\n"
    os.close(reading)


def test_extensions_are_looked_for_in_the_images_root(tmp_path: Path) -> None:
    add_extension(tmp_path)
    function = snapshot(image=ImageUse(digest="sha256:0", root=tmp_path))
    assert programs.names(function) == ("own",)
