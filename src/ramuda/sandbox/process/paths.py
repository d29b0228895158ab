"""What is /var/task inside an isolated sandbox has no such name for a plain process: translates paths (pure)."""

import re
from collections.abc import Mapping
from pathlib import Path

from ramuda.kernel.ports.sandbox import Assignment, Boot, RuntimeSpec

_WITHIN_NAME = r"[\w.\-/]"


class Translation:
    """Replaces whole path prefixes, the longest first, wherever they stand in a text
    (`PATH=/opt/bin:/var/lang/bin`)."""

    def __init__(self, hosts: Mapping[str, str]) -> None:
        self._hosts = hosts
        longest_first = sorted(map(re.escape, hosts), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!{_WITHIN_NAME})(?:{'|'.join(longest_first)})(?=/|(?!{_WITHIN_NAME}))")

    def __call__(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._hosts[found.group()], text)


def translation(spec: RuntimeSpec, assignment: Assignment, tmp_dir: Path, empty_dir: Path) -> Translation:
    """Where the folders of a Lambda environment are on this host. `empty_dir` stands for those the function has not."""
    hosts = {mount.inside: str(mount.host.resolve()) for mount in spec.mounts}
    hosts["/var/runtime"] = str((spec.runtime_dir or empty_dir).resolve())
    hosts["/var/task"] = str(assignment.task_dir.resolve())
    hosts["/opt"] = str((assignment.opt_dir or empty_dir).resolve())
    hosts["/tmp"] = str(tmp_dir)  # noqa: S108 - the name inside a Lambda environment
    return Translation(hosts)


def command(spec: RuntimeSpec, assignment: Assignment, translate: Translation) -> list[str]:
    """What to execute. A runtime that can be forked is started as one that cannot."""
    argv = spec.exec_argv if spec.boot is Boot.FORK and spec.exec_argv else spec.argv
    wrapper = (assignment.exec_wrapper,) if assignment.exec_wrapper else ()
    return [translate(argument) for argument in (*wrapper, *argv)]


def environment(spec: RuntimeSpec, assignment: Assignment, translate: Translation, tmp_dir: Path) -> dict[str, str]:
    """The function's variables with this host's paths, and what replaces the mounts that are missing."""
    variables = {name: translate(value) for name, value in assignment.env.items()}
    variables.setdefault("TMPDIR", str(tmp_dir))
    if spec.boot is Boot.FORK and assignment.opt_dir is not None:
        python = assignment.opt_dir.resolve() / "python"
        layers = [str(python), *map(str, sorted(python.glob("lib/python3.*/site-packages")))]
        variables["PYTHONPATH"] = ":".join([*layers, variables.get("PYTHONPATH", "")]).rstrip(":")
    return variables
