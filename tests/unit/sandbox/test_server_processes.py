"""Isolated sandboxes of a server that crashes, and of one that is not root."""

import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ramuda.sandbox import watchdog
from ramuda.sandbox.isolated import cgroup
from tests.sandboxes import processes_with

NOBODY = 65534
REPOSITORY = Path(__file__).parents[3]
ANSWERS = {
    "uid": 993,
    "gid": 990,
    "caps": "0" * 16,
    "host": False,
    "kept": "x",
    "task": ["main.py"],
    "pid": 2,
}
Spawn = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    started: list[subprocess.Popen[str]] = []

    def go(*arguments: str, user: int | None = None) -> "subprocess.Popen[str]":
        python, environment = sys.executable, dict(os.environ)
        prefix: list[str] = []
        if user is not None and os.geteuid() == 0:
            prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
            python = python_for_everybody()
            environment["PYTHONPATH"] = ":".join([str(REPOSITORY), *filter(None, sys.path)])
        process = subprocess.Popen(
            [*prefix, python, "-m", "tests.unit.sandbox.server_process", *arguments],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield go
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of nobody's, below folders that nobody may enter only in the tests' own temporary place."""
    if os.geteuid() == 0:
        for parent in (tmp_path, *tmp_path.parents):
            if parent.owner() == "root" and parent.stat().st_mode & 0o055 != 0o055 and "pytest" in str(parent):
                parent.chmod(0o755)
        os.chown(tmp_path, NOBODY, NOBODY)
    return tmp_path


def python_for_everybody() -> str:
    """An interpreter of this version that is not in somebody's home folder."""
    for candidate in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        path = Path(candidate)
        if path.exists() and all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents):
            return candidate
    pytest.skip("no interpreter that another user may execute")


def line_of(process: "subprocess.Popen[str]") -> Any:
    assert process.stdout is not None
    text = process.stdout.readline()
    if not text:
        assert process.stderr is not None
        pytest.fail(process.stderr.read())
    return json.loads(text)


def loop_files_below(folder: Path) -> list[str]:
    """Backing files of loop devices that lie in the folder."""
    found = [path.read_text().strip() for path in Path("/sys/block").glob("loop*/loop/backing_file")]
    return [name for name in found if name.startswith(str(folder))]


def groups_of(pid: int) -> list[Path]:
    return [path for path in cgroup.ROOT.glob(f"**/ramuda/*-{pid}-*") if path.is_dir()]


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv")
def test_a_user_without_root_has_the_same_sandbox(spawn: Spawn, folder: Path) -> None:
    process = spawn(str(folder), "unused", user=NOBODY)
    assert line_of(process) == {
        "first": ANSWERS,
        "second": {**ANSWERS, "kept": "xx", "pid": 3},
        "answer": ["question", "answered"],
    }
    _, errors = process.communicate("")
    assert (process.returncode, errors) == (0, "")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv")
def test_a_user_without_root_hears_what_is_missing(spawn: Spawn) -> None:
    process = spawn("examine", user=NOBODY)
    works = dict.fromkeys(("user_namespace", "namespaces", "mounts", "network", "proc", "seccomp"), True)
    usable, findings = line_of(process)
    assert usable
    assert findings == {**works, "control_groups": findings["control_groups"], "tmp_volumes": False}


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv")
def test_memory_is_limited_without_control_groups(spawn: Spawn, folder: Path) -> None:
    assert line_of(spawn("hungry", str(folder), user=NOBODY)) == [None, 9, True]


@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices and control groups need root")
def test_nothing_is_left_of_a_server_that_was_killed(spawn: Spawn, tmp_path: Path) -> None:
    mark = f"mark-{os.urandom(8).hex()}"
    process = spawn(str(tmp_path), mark)
    report = line_of(process)
    assert report["second"]["kept"] == "xx"
    assert processes_with(mark) != []
    assert loop_files_below(tmp_path) != []
    assert groups_of(process.pid) != []
    ends = [os.pidfd_open(pid) for pid in watchdog.descendants(process.pid)]
    assert len(ends) >= 4  # two templates, two inits, and the functions
    process.kill()
    process.wait()
    for pidfd in ends:
        select.select([pidfd], [], [])  # readable when it has ended
        os.close(pidfd)
    assert processes_with(mark) == []
    assert loop_files_below(tmp_path) == []

    (tmp_path / "next").mkdir()
    successor = spawn(str(tmp_path / "next"), mark)
    line_of(successor)
    assert groups_of(process.pid) == []
    successor.communicate("")
    assert groups_of(successor.pid) == []
