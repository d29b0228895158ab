"""`make demo` as a user runs it: it shows everything it promises, and leaves nothing running, also after Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
DEMO = [sys.executable, "tools/demo.py"]


def _left_running(marker: str) -> list[str]:
    """Command lines of processes that carry the demo's mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # ended, or not ours to read
    return found


def test_the_demo_shows_answers_logs_metrics_and_times(tmp_path: Path) -> None:
    marker = f"RAMUDA_DEMO_TEST={tmp_path}"
    done = subprocess.run(
        DEMO,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "RAMUDA_DEMO_TEST": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"total_cent":2210' in done.stdout.replace(" ", "")
    for word in ("sandbox", "START RequestId", "END RequestId", "REPORT RequestId", "Invocations", "ramuda serve"):
        assert word in done.stdout
    assert re.search(r"cold [\d.]+ ms, warm [\d.]+ ms", done.stdout)
    assert len(done.stdout.splitlines()) <= 60
    assert _left_running(marker) == []
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_the_demo_and_its_server(tmp_path: Path) -> None:
    marker = f"RAMUDA_DEMO_TEST={tmp_path}"
    with subprocess.Popen(
        DEMO,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path), "RAMUDA_DEMO_TEST": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        before = []
        for line in demo.stdout:
            before.append(line)
            if line.startswith("sandbox"):
                os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: to everybody in the foreground
                break
        rest = demo.stdout.read()
    assert demo.returncode == 130, "".join(before) + rest
    assert "stopped; nothing is left running" in rest
    assert "Traceback" not in rest
    assert _left_running(marker) == []
    assert list(tmp_path.iterdir()) == []
