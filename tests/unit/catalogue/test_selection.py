from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Mount
from ramuda.runtime.catalogue import selection
from ramuda.runtime.catalogue.entry import Entry
from ramuda.runtime.interpreters import Interpreter, Kind

ENTRY = Entry(identifier="python3.12", family="python", version="3.12")


def interpreter(version: str, prefix: str = "/opt/p") -> Interpreter:
    numbers = tuple(map(int, version.split(".")))
    return Interpreter(kind=Kind.PYTHON, version=numbers, executable=Path(f"{prefix}/bin/python3"), prefix=Path(prefix))


def select(*versions: str, strict: bool = False) -> selection.Selection:
    found = [interpreter(version) for version in versions]
    return selection.select(ENTRY, found, oldest=(3, 8), strict=strict, advice="install it")


def test_the_exact_version_needs_no_note():
    selected = select("3.11.7", "3.12.1")
    assert (selected.interpreter.version_text, selected.exact, selected.note) == ("3.12.1", True, "")
    assert select("3.12.1", strict=True).exact


def test_another_version_stands_in_and_says_so():
    selected = select("3.11.7")
    assert not selected.exact
    assert selected.note == ("python 3.12 was not found on this machine: python3.12 runs on python 3.11.7; install it")


def test_strictness_refuses_what_stands_in():
    with pytest.raises(PortError, match=r"python 3.12 was not found, only python 3.11.7; install it"):
        select("3.11.7", strict=True)


def test_without_an_interpreter_that_can_run_the_client_there_is_none():
    with pytest.raises(PortError, match=r"python3.12: no python interpreter was found on this machine; install it"):
        select("3.7.1")


@pytest.mark.parametrize(
    ("prefix", "program", "mounts"),
    [
        ("/usr", "/usr/bin/python3", ()),
        ("/home/u/.pyenv/versions/3.12.1", "/var/lang/bin/python3", ("/home/u/.pyenv/versions/3.12.1",)),
        ("/usr/local", "/var/lang/bin/python3", ("/usr/local",)),
    ],
    ids=["the system's", "pyenv's", "under /usr/local"],
)
def test_an_interpreter_appears_where_lambda_has_it_or_where_the_sandbox_shows_it(prefix, program, mounts):
    expected = tuple(Mount(host=Path(mount), inside="/var/lang") for mount in mounts)
    assert selection.placed(interpreter("3.12.1", prefix)) == (program, expected)


def test_folders_of_the_installation_move_with_it():
    inside = selection.inside(Path("/opt/p/lib/python3.12/site-packages"), interpreter("3.12.1"))
    assert inside == "/var/lang/lib/python3.12/site-packages"
    assert selection.inside(Path("/usr/lib/python3/dist-packages"), interpreter("3.12.1", "/usr")) == (
        "/usr/lib/python3/dist-packages"
    )


def test_the_runtime_version_reads_as_awss():
    assert selection.runtime_version(interpreter("3.12.4"), 2) == "python:3.12.v4"
