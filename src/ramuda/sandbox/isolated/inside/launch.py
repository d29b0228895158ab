"""Starts a container image's command, and says in AWS's words why it could not be started.

The pipe for that is closed by the kernel when the command runs, so that nothing the function does gets into it.
The sentences are those of Go's os/exec, which AWS's agent prints.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import warnings  # noqa: F401 - `os.execvpe` imports it, and in an image there is none of this Python
from typing import NoReturn

REPORT_FD = 4
INVALID_ENTRYPOINT, INVALID_WORKING_DIR = "Runtime.InvalidEntrypoint", "Runtime.InvalidWorkingDir"
NOT_LAUNCHED = 1
_CHANGED_BY_PYTHON = (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)
_REPORT_BYTES = 4096


def execute(argv: list[str], environment: dict[str, str], folder: str) -> NoReturn:
    """Executes `argv`, found by the PATH of `environment`, in `folder`."""
    try:
        os.chdir(folder)
    except OSError as error:
        _refuse(INVALID_WORKING_DIR, f"chdir {folder}: {_told(error)}")
    if not argv:
        _refuse(INVALID_ENTRYPOINT, "exec: no command")
    for number in _CHANGED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606
    except OSError as error:
        _refuse(INVALID_ENTRYPOINT, _not_executed(argv[0], error))
    except ValueError as error:  # an empty name, or a zero byte
        _refuse(INVALID_ENTRYPOINT, f"fork/exec {argv[0]}: {error}")


def read_report(fd: int) -> tuple[str, str] | None:
    """What `execute` left in the pipe before its process ended: AWS's error type and what happened."""
    try:
        data = os.read(fd, _REPORT_BYTES)
    except BlockingIOError:  # something the command started would still have it; it cannot
        return None
    return tuple(json.loads(data)) if data else None


def _refuse(error_type: str, what: str) -> NoReturn:
    os.write(REPORT_FD, json.dumps((error_type, what[: _REPORT_BYTES // 8])).encode())
    os._exit(NOT_LAUNCHED)


def _not_executed(program: str, error: OSError) -> str:
    if "/" not in program and error.errno == errno.ENOENT:
        return f'exec: "{program}": executable file not found in $PATH'
    return f"fork/exec {program}: {_told(error)}"


def _told(error: OSError) -> str:
    text = os.strerror(error.errno or 0)
    return text[:1].lower() + text[1:]
