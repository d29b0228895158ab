"""`make setup` on machines that lack something: it says what, and what to do, and makes nothing half."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[2] / "tools" / "setup.sh"
TOOLS = ("dirname", "ls", "cat", "touch")
OLD = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n'
WITHOUT_VENV = '#!/bin/sh\ncase "$*" in *ensurepip*|*virtualenv*) exit 1 ;; *--version*) echo "Python 3.12.3" ;; esac\n'
NOT_ROOT = "#!/bin/sh\necho 1000\n"


class Machine:
    """A folder to set up in, and a PATH with nothing on it but what is put there."""

    def __init__(self, folder: Path) -> None:
        self.project, self._bin = folder / "project", folder / "bin"
        (self.project / "tools").mkdir(parents=True)
        self._bin.mkdir()
        shutil.copy(SETUP, self.project / "tools" / "setup.sh")
        for tool in TOOLS:
            (self._bin / tool).symlink_to(str(shutil.which(tool)))
        self.add("id", NOT_ROOT)

    def add(self, name: str, script: str) -> None:
        (self._bin / name).write_text(script)
        (self._bin / name).chmod(0o755)

    def set_up(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", str(self.project / "tools" / "setup.sh"), "."],
            env={"PATH": str(self._bin), "HOME": str(self.project), "LANG": os.environ.get("LANG", "C.UTF-8")},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_python_that_is_too_old_is_named_with_what_to_install(machine: Machine) -> None:
    machine.add("python3", OLD)
    done = machine.set_up()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "setup: Ramuda needs Python 3.11 or newer; found: Python 3.9.2.\n"
        "  Debian 12, Ubuntu 24.04 and newer have it:   apt-get install python3 python3-venv\n"
        "  Ubuntu 22.04:                                apt-get install python3.11 python3.11-venv\n"
        "  without being root:                          uv python install 3.12\n"
    )
    assert not (machine.project / ".venv").exists()


def test_a_python_without_venv_tells_who_is_not_root_whom_to_ask(machine: Machine) -> None:
    machine.add("python3", WITHOUT_VENV)
    done = machine.set_up()
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        f"setup: {machine.project.parent}/bin/python3 cannot make virtual environments (venv or ensurepip is missing).",
        "  Ask an administrator for: apt-get install python3-venv",
        "  or install uv or virtualenv for yourself, then run make again.",
    ]
    assert not (machine.project / ".venv").exists()


def test_as_root_the_missing_package_is_installed(machine: Machine) -> None:
    machine.add("python3", WITHOUT_VENV)
    machine.add("id", "#!/bin/sh\necho 0\n")
    machine.add("apt-get", f'#!/bin/sh\necho "$@" >> {machine.project}/apt.log\n')
    machine.set_up()
    assert (machine.project / "apt.log").read_text().splitlines()[0] == "update -qq"
    assert (machine.project / "apt.log").read_text().splitlines()[1].startswith("install -y -qq python")
