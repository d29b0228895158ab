"""Programs that are not Python packages: which are missing here, and how to get them on Debian and Ubuntu.

Only the demo installs, and only as root; everybody else is told.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass

SYSTEM_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`package` is Debian's; `purpose` ends the sentence "... is missing: without it"."""

    command: str
    package: str
    purpose: str


NODE = Program(command="node", package="nodejs", purpose="Node.js functions cannot run")
MKFS = Program(command="mkfs.ext4", package="e2fsprogs", purpose="a function's /tmp counts as its memory")
NEEDED = (MKFS, NODE)


def is_present(program: Program) -> bool:
    return shutil.which(program.command, path=SYSTEM_PATH) is not None


def missing() -> list[Program]:
    return [program for program in NEEDED if not is_present(program)]


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(programs: list[Program]) -> str:
    """Installs with apt-get. Returns what went wrong, or nothing."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *(p.package for p in programs)],
    ):
        done = subprocess.run(["apt-get", *command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or ["apt-get failed"])[-1]
