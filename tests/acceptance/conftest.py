"""Programs and packages that real clients need, fetched once into .cache/clients."""

import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "clients"
PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="session")
def installed() -> Callable[..., Path]:
    """`installed("powertools", "aws-lambda-powertools[tracer]")` is a folder with these packages in it."""

    def install(name: str, *requirements: str) -> Path:
        folder = CACHE / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
        if not (folder / ".installed").exists():
            subprocess.run([sys.executable, *PIP, "--upgrade", "--target", str(folder), *requirements], check=True)
            (folder / ".installed").touch()
        return folder

    return install


@pytest.fixture(scope="session")
def own_environment() -> Callable[..., Path]:
    """`own_environment("awscli", "awscli<2")` is the bin folder of a virtual environment that holds these packages."""

    def make(name: str, *requirements: str) -> Path:
        folder = CACHE / f"{name}-venv"
        if not (folder / ".installed").exists():
            venv.create(folder, with_pip=True, clear=True)
            subprocess.run([str(folder / "bin" / "python"), *PIP, *requirements], check=True)
            (folder / ".installed").touch()
        return folder / "bin"

    return make
