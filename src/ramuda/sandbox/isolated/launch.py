"""How a function's runtime is started: in the process that waits for it, or afresh (pure but for listing the code's
folders).

The waiting process started without the function's environment variables and with the platform's libraries imported.
Where either would show, a fresh process is started instead: slower by an interpreter's start, and always right.
"""

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.sandbox import Assignment, Boot, RuntimeSpec

READ_AT_START = ("LD_", "GLIBC_", "MALLOC_", "PYTHON", "NODE_", "RUBY", "GEM_", "BUNDLE_")
"""Variables with these prefixes are read when a process starts, and not again."""
ASSIGNMENT_BYTES_MAX = 60 * 1024
"""What a pipe holds without a reader, less a margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Top-level modules in a template: of the standard library, of the runtime client, and added on top."""

    standard: frozenset[str] = frozenset()
    client: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """`afresh` ends the waiting process first. `argv` is what the process executes, None where it needs not.
    `forget` names imported modules that the function brings itself."""

    afresh: bool
    argv: tuple[str, ...] | None
    forget: tuple[str, ...] = field(default=())

    def message(self, assignment: Assignment) -> dict[str, object]:
        """What init is told. Raises PortError when the environment is too large."""
        text = json.dumps(
            {
                "env": dict(assignment.env),
                "handler": assignment.handler,
                "argv": self.argv,
                "forget": self.forget,
                "cwd": None if assignment.command is None else assignment.working_dir,
            }
        )
        if len(text) > ASSIGNMENT_BYTES_MAX:
            raise PortError(f"the environment of {assignment.function_arn} has more than {ASSIGNMENT_BYTES_MAX} bytes")
        return {"do": "start", "afresh": self.afresh, "assignment": text}


def plan(spec: RuntimeSpec, assignment: Assignment, loaded: Loaded) -> Launch:
    """Decides."""
    if assignment.command is not None:
        return Launch(afresh=False, argv=assignment.command)
    argv = spec.exec_argv or spec.argv
    if assignment.exec_wrapper:
        return Launch(afresh=spec.boot is Boot.WAIT, argv=(assignment.exec_wrapper, *argv))
    if spec.boot is Boot.EXEC:
        return Launch(afresh=False, argv=argv)
    if differs_at_start(dict(spec.environment), assignment.env):
        return Launch(afresh=spec.boot is Boot.WAIT, argv=argv)
    if spec.boot is Boot.WAIT:
        return Launch(afresh=False, argv=None)
    own = importable(assignment.task_dir, assignment.opt_dir)
    if own & (loaded.standard | loaded.client):
        return Launch(afresh=False, argv=argv)
    return Launch(afresh=False, argv=None, forget=tuple(sorted(loaded.added)) if own & loaded.added else ())


def differs_at_start(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    names = {name for name in (*before, *now) if name.startswith(READ_AT_START)}
    return any(before.get(name) != now.get(name) for name in names)


@functools.lru_cache(maxsize=4096)
def importable(task_dir: Path, opt_dir: Path | None) -> frozenset[str]:
    """Top-level names that Python code could import from the function's own folders. These never change: they are
    addressed by their content."""
    folders = [task_dir]
    if opt_dir is not None:
        python = opt_dir / "python"
        folders += [python, *python.glob("lib/python3.*/site-packages")]
    names: set[str] = set()
    for folder in folders:
        try:
            names.update(name.partition(".")[0] for name in os.listdir(folder))
        except OSError:
            continue
    return frozenset(names)
