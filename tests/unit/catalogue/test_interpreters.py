import json
import os
import stat
from pathlib import Path

import pytest

from ramuda.runtime.interpreters import Finder, Interpreter, Kind, choose
from ramuda.runtime.interpreters.places import candidates
from ramuda.runtime.interpreters.probe import Probe


def interpreter(*version: int) -> Interpreter:
    name = ".".join(map(str, version))
    return Interpreter(kind=Kind.PYTHON, version=version, executable=Path(f"/{name}/bin/x"), prefix=Path(f"/{name}"))


@pytest.mark.parametrize(
    ("found", "wanted", "chosen"),
    [
        ([(3, 12, 1), (3, 12, 4), (3, 13, 0)], (3, 12), (3, 12, 4)),
        ([(3, 10, 1), (3, 13, 0), (3, 13, 2), (3, 14, 0)], (3, 12), (3, 13, 2)),
        ([(3, 8, 1), (3, 10, 1), (3, 10, 9)], (3, 12), (3, 10, 9)),
        ([(18, 1, 0), (20, 1, 0), (24, 1, 0)], (22,), (24, 1, 0)),
        ([(4, 0, 1)], (3, 3), (4, 0, 1)),
        ([], (3, 12), None),
    ],
    ids=["newest release", "next newer", "newest older", "next major", "only one", "none"],
)
def test_the_nearest_version_is_chosen_newer_before_older(found, wanted, chosen):
    answer = choose([interpreter(*version) for version in found], wanted)
    assert (answer.version if answer else None) == chosen


def program(path: Path, content: bytes = b"\x7fELF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_version_managers_folders_are_searched_and_their_shims_left_out(tmp_path):
    real = program(tmp_path / ".pyenv/versions/3.12.4/bin/python3.12")
    (real.parent / "python3").symlink_to("python3.12")
    program(tmp_path / ".pyenv/shims/python3.12", b"#!/bin/sh\n")
    uv = program(tmp_path / ".local/share/uv/python/cpython-3.13.1-linux/bin/python3.13")
    program(tmp_path / "elsewhere/python3-config")
    environ = {"HOME": str(tmp_path), "PATH": f"{tmp_path}/.pyenv/shims:{tmp_path}/elsewhere"}
    found = [path for path in candidates(Kind.PYTHON, environ) if path.is_relative_to(tmp_path)]
    assert found == [real, uv]


def test_a_managers_variable_moves_its_folder(tmp_path):
    real = program(tmp_path / "rubies/versions/3.3.0/bin/ruby")
    environ = {"HOME": "/nowhere", "RBENV_ROOT": str(tmp_path / "rubies")}
    assert real in list(candidates(Kind.RUBY, environ))


def test_path_comes_first_and_each_program_once(tmp_path):
    real = program(tmp_path / "a/node")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/node").symlink_to(real)
    found = list(candidates(Kind.NODE, {"PATH": f"{tmp_path}/b:{tmp_path}/a"}))
    assert found[0] == real
    assert found.count(real) == 1


def test_what_is_not_executable_is_no_interpreter(tmp_path):
    (tmp_path / "ruby").write_bytes(b"\x7fELF")
    (tmp_path / "ruby").chmod(0o644)
    assert tmp_path / "ruby" not in list(candidates(Kind.RUBY, {"PATH": str(tmp_path)}))


def fake(path: Path, answer: object, log: Path) -> Path:
    return program(path, f"#!/bin/sh\necho run >> {log}\necho '{json.dumps(answer)}'\n".encode())


def test_an_interpreter_is_asked_once_until_its_file_changes(tmp_path):
    log = tmp_path / "log"
    node = fake(tmp_path / "node", [[22, 1, 0], "/opt/node", []], log)
    first = Probe(tmp_path / "cache/kept.json").ask(Kind.NODE, node)
    again = Probe(tmp_path / "cache/kept.json").ask(Kind.NODE, node)
    assert first == again
    assert first == Interpreter(kind=Kind.NODE, version=(22, 1, 0), executable=node, prefix=Path("/opt/node"))
    assert log.read_text() == "run\n"
    fake(node, [[22, 2, 0], "/opt/node", []], log)
    os.utime(node, ns=(1, 1))
    changed = Probe(tmp_path / "cache/kept.json").ask(Kind.NODE, node)
    assert changed is not None
    assert changed.version_text == "22.2.0"


@pytest.mark.parametrize("content", [b"#!/bin/sh\nexit 3\n", b"#!/bin/sh\necho hello\n", b"\x7fELF nothing"])
def test_what_does_not_answer_is_no_interpreter_and_is_not_asked_again(content, tmp_path):
    broken = program(tmp_path / "ruby", content)
    probe = Probe(tmp_path / "kept.json")
    assert probe.ask(Kind.RUBY, broken) is None
    assert Probe(tmp_path / "kept.json").ask(Kind.RUBY, broken) is None


def test_a_free_threaded_or_other_python_is_left_out(tmp_path):
    python = fake(tmp_path / "python3.13", [[], "/opt/python", []], tmp_path / "log")
    assert Probe(tmp_path / "kept.json").ask(Kind.PYTHON, python) is None


@pytest.mark.parametrize(
    ("told", "version"), [("17.0.15", (17, 0, 15)), ("1.8.0_412", (8, 0)), ("25-ea", (25,))], ids=["17", "8", "early"]
)
def test_java_says_its_version_among_its_settings(told, version, tmp_path):
    lines = f"Property settings:\n    java.home = /opt/jdk\n    java.version = {told}\n"
    java = program(tmp_path / "java", f"#!/bin/sh\nprintf '{lines}' >&2\n".encode())
    found = Probe(tmp_path / "kept.json").ask(Kind.JAVA, java)
    assert found == Interpreter(kind=Kind.JAVA, version=version, executable=java, prefix=Path("/opt/jdk"))


def test_a_damaged_cache_is_made_anew(tmp_path):
    (tmp_path / "kept.json").write_bytes(b"{broken")
    node = fake(tmp_path / "node", [[22, 1, 0], "/opt/node", []], tmp_path / "log")
    assert Probe(tmp_path / "kept.json").ask(Kind.NODE, node) is not None


def test_the_python_that_runs_this_is_found(tmp_path):
    found = Finder(tmp_path / "kept.json").find(Kind.PYTHON)
    assert {os.path.realpath(each.executable) for each in found} >= {os.path.realpath("/proc/self/exe")}
