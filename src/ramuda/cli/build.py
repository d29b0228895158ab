"""`ramuda deploy --build`: the packages a function asks for, installed beside a copy of its code.

Python packages are compiled too, for the interpreter they will run on: /var/task is read-only, so without that every
cold start would compile them again. What the runtime has already is left out unless requirements.txt names it.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ramuda.cli import bundle, screen
from ramuda.cli.outcome import FunctionFailed, WrongUse

IN_PYTHON_RUNTIMES = ("boto3", "botocore", "s3transfer")
"""The runtime includes the SDK: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html"""
_OUR_RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


@contextmanager
def built(folder: Path, runtime: str) -> Iterator[Path]:
    """A copy of `folder` with what requirements.txt and package.json name installed in it; gone afterwards."""
    if not folder.is_dir():
        raise WrongUse(f"--build needs a folder, and {folder} is none")
    with TemporaryDirectory(prefix="ramuda-build-") as scratch:
        stage = Path(scratch) / folder.resolve().name
        shutil.copytree(
            folder, stage, symlinks=True, ignore=shutil.ignore_patterns(*bundle.LEFT_OUT, bundle.BYTECODE, "*.pyc")
        )
        if (stage / "requirements.txt").is_file():
            _run("requirements.txt", _pip(runtime, stage), stage)
            _leave_out(IN_PYTHON_RUNTIMES, stage)
            if runtime == _OUR_RUNTIME:
                _compile(stage)
        if (stage / "package.json").is_file():
            _run("package.json", _npm(stage), stage)
        yield stage


def _pip(runtime: str, stage: Path) -> list[str]:
    """Another Python version than ours gets that version's wheels; nothing is compiled for it here."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    command += ["--requirement", "requirements.txt", "--target", str(stage)]
    if runtime.startswith("python") and runtime != _OUR_RUNTIME:
        command += ["--python-version", runtime.removeprefix("python"), "--only-binary=:all:"]
    return command


def _leave_out(packages: tuple[str, ...], stage: Path) -> None:
    named = set(re.findall(r"^[\w-]+", (stage / "requirements.txt").read_text().lower(), re.MULTILINE))
    for package in packages:
        if package not in named:
            for folder in (stage / package, *stage.glob(f"{package}-*.dist-info")):
                shutil.rmtree(folder, ignore_errors=True)


def _compile(stage: Path) -> None:
    """Bytecode that is used without asking the source's date, with the paths that the function will see."""
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", str(stage), "-p", "/var/task", str(stage)], capture_output=True, check=False)


def _npm(stage: Path) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise FunctionFailed(
            "package.json names packages, and npm is not installed",
            "Install Node.js with npm, or deploy without --build.",
        )
    verb = "ci" if (stage / "package-lock.json").is_file() else "install"
    return [npm, verb, "--omit=dev", "--silent", "--no-audit", "--no-fund"]


def _run(what: str, command: list[str], folder: Path) -> None:
    with screen.progress(f"installing what {what} names"):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last_lines = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise FunctionFailed(f"could not install what {what} names", "\n  ".join(last_lines))
