"""The checks that read the whole code: types, style, import contracts; each is the tool's own run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON_FOLDERS = ("src", "tests", "benchmarks", "tools", "examples")
TOOL_PATIENCE_S = 300  # mypy without its cache, on a busy machine


def _complaints_of(tool: str, *arguments: str) -> str:
    """What the tool prints when it is not content; empty when it is."""
    command = [str(Path(sys.executable).with_name(tool)), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TOOL_PATIENCE_S)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.timeout(TOOL_PATIENCE_S)
def test_mypy_strict_finds_nothing() -> None:
    complaints = _complaints_of("mypy", "-p", "ramuda")
    assert not complaints, complaints


def test_ruff_finds_nothing() -> None:
    complaints = _complaints_of("ruff", "check", *PYTHON_FOLDERS)
    assert not complaints, complaints


def test_ruff_would_format_nothing() -> None:
    complaints = _complaints_of("ruff", "format", "--check", *PYTHON_FOLDERS)
    assert not complaints, complaints


def test_imports_keep_their_contracts() -> None:
    complaints = _complaints_of("lint-imports", "--config", ".importlinter")
    assert not complaints, complaints
