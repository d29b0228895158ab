"""Sandboxes whose root is a container image: what is in it, what is not, how its command is started."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Boot, Exit, RuntimeSpec, Sandbox, SandboxBackend
from ramuda.sandbox.isolated.inside import template
from ramuda.sandbox.options import Options
from ramuda.sandbox.process import Backend as ProcessBackend
from tests.images import Layer, blob, image, shell_layer, write_layout
from tests.sandboxes import Reader, assignment, processes_with
from tests.unit.images.test_unpack import Merge, merge
from tests.unit.sandbox.test_server_processes import NOBODY, REPOSITORY, python_for_everybody

__all__ = ["merge"]


@pytest.fixture
def root(merge: Merge) -> Path:
    """A shell, and nothing else."""
    from ramuda.runtime.images.unpack import Budget

    return merge(shell_layer(), budget=Budget(image_bytes=100_000_000, entries=1000))


def spec(root: Path) -> RuntimeSpec:
    return RuntimeSpec(name="image", boot=Boot.EXEC, argv=(), root=root)


async def started(
    backend: SandboxBackend, root: Path, *command: str, working_dir: str = "/", **env: str
) -> tuple[Sandbox, Reader]:
    sandbox = await backend.prepare(spec(root))
    given = assignment(sandbox, spec(root), root, env={"PATH": "/bin", **env})
    await sandbox.assign(dataclasses.replace(given, command=command, working_dir=working_dir))
    await sandbox.start()
    return sandbox, Reader(sandbox)


async def test_an_image_s_command_sees_its_own_root_and_nothing_of_the_host(
    isolated_backend: SandboxBackend, root: Path
) -> None:
    script = (
        'echo *; echo /dev/*; echo "$$"; while read -r line; do echo "$line"; done < /etc/hosts; '
        '(: > /x) 2> /dev/null || echo "read only"; : > /tmp/x && echo written; for f in /run/* /opt/* /var/task/*; '
        'do echo "$f"; done'
    )
    _, reader = await started(isolated_backend, root, "/bin/sh", "-c", script)
    lines = [await reader.line() for _ in range(9)]
    libraries = {name for name in ("lib", "lib64", "usr") if (root / name).exists()}
    assert set(lines[0].split()) == {"bin", "dev", "etc", "opt", "proc", "run", "tmp", "var"} | libraries
    assert (
        lines[1] == "/dev/fd /dev/full /dev/null /dev/random /dev/stderr /dev/stdin /dev/stdout /dev/urandom /dev/zero"
    )
    assert lines[2:6] == [
        "2",
        "127.0.0.1 localhost localhost.localdomain sandbox.localdomain sandbox 169.254.100.6",
        "read only",
        "written",
    ]
    assert lines[6:] == ["/run/*", "/opt/*", "/var/task/*"]


async def test_a_command_that_fails_to_start_says_why_at_every_start(
    isolated_backend: SandboxBackend, root: Path
) -> None:
    why = ("Runtime.InvalidEntrypoint", "fork/exec /nope: no such file or directory")
    sandbox, _ = await started(isolated_backend, root, "/nope")
    assert await sandbox.wait() == Exit(code=1, launch_error=why)
    await sandbox.reset()
    await sandbox.start()
    assert await sandbox.wait() == Exit(code=1, launch_error=why)


async def test_a_command_that_runs_and_fails_is_no_launch_error(isolated_backend: SandboxBackend, root: Path) -> None:
    for script, code in (("exit 127", 127), ("exit 1", 1), ("echo forged >&4; exit 1", 1), ("nope", 127)):
        sandbox, _ = await started(isolated_backend, root, "/bin/sh", "-c", script)
        assert await sandbox.wait() == Exit(code=code)


@pytest.mark.parametrize("place", ["dev", "proc", "etc", "run", "tmp", "etc/hosts", "etc/resolv.conf"])
async def test_a_root_with_a_link_in_a_mount_s_place_is_refused(
    isolated_backend: SandboxBackend, root: Path, place: str
) -> None:
    path = root / place
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to("/etc" if "/" not in place else "/etc/passwd")
    with pytest.raises(PortError, match="something else in the place of a folder or file"):
        await isolated_backend.prepare(spec(root))


_LOOK = """
import sys
sys.path.insert(0, sys.argv[1])
from inside import image_root, syscalls
import encodings, json
with open(sys.argv[2]) as file:
    config = json.load(file)
syscalls.unshare(syscalls.CLONE_NEWNS)
image_root.build(config)
found = []
for name in ("wave", "encodings.rot_13", "inside.planted"):
    try:
        __import__(name)
        found.append(name)
    except ImportError:
        pass
try:
    "x".encode("rot_13")
    found.append("codec")
except LookupError:
    pass
print(found)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_the_privileged_side_imports_nothing_of_an_image(root: Path, tmp_path: Path) -> None:
    standard, package = Path(os.__file__).parent, Path(template.__file__).parent
    for place in (standard / "wave.py", standard / "encodings" / "rot_13.py", package / "planted.py"):
        planted = root / place.relative_to("/")
        planted.parent.mkdir(parents=True, exist_ok=True)
        planted.write_text("def getregentry(): raise SystemExit('escaped')\n")
    (tmp_path / "empty").mkdir()
    config = {"root": str(tmp_path / "empty"), "image": str(root), "mounts": [], "hostname": "h", "user": "u"}
    config |= {"uid": 993, "gid": 990, "inside": str(package), "code_root": str(tmp_path)}
    (tmp_path / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-I", "-S", "-c", _LOOK, str(package.parent), str(tmp_path / "config.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)


async def test_a_template_of_an_image_ends_with_its_last_sandbox(isolated_backend: SandboxBackend, root: Path) -> None:
    mark = f"MARK={os.urandom(8).hex()}"
    first, _ = await started(isolated_backend, root, "/bin/sh", "-c", "while :; do read x; done", MARK=mark)
    second = await isolated_backend.prepare(spec(root))
    inner = isolated_backend._backend  # type: ignore[attr-defined]  # what `guarded` wraps
    (template,) = [task.result() for known, task in inner._templates.items() if known.root == root]
    await first.kill()
    assert template.is_alive
    await second.kill()
    assert not template.is_alive
    assert all(known.root != root for known in inner._templates)
    assert processes_with(mark) == []
    again, _ = await started(isolated_backend, root, "/bin/sh", "-c", "exit 3")
    assert (await again.wait()).code == 3


async def test_the_process_sandbox_refuses_a_root_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PortError, match=r"image needs the isolated sandbox: .*`ramuda doctor` says what is missing"):
        await ProcessBackend(Options(), tmp_path).prepare(spec(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_image_is_unpacked_run_and_deleted_without_root(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("nobody")
    for above in (folder, *folder.parents[:3]):
        above.chmod(0o755)
    os.chown(folder, NOBODY, NOBODY)
    read_only = Layer().folder("kept", 0o555).file("kept/file", "x", 0o400)
    layout = write_layout(folder / "layout", {"v1": image([blob(shell_layer()), blob(read_only)])})
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", python_for_everybody()]
    script = '(: > /x) 2> /dev/null || echo "read only"; read x < /kept/file; : > /tmp/x && echo "$$"; exit 7'
    done = subprocess.run(
        [*command, "-m", "tests.unit.sandbox.image_process", str(folder), f"oci:{layout}", "/bin/sh", "-c", script],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": ":".join([str(REPOSITORY), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"code": 7, "output": "read only\n2\n", "deleted": 1, "left": []}
