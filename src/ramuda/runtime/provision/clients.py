"""The runtime clients that come with Ramuda, as files."""

import hashlib
import shutil
from importlib.resources import as_file, files
from pathlib import Path

PACKAGE = "ramuda.runtime.clients"


def copy(family: str, target: Path) -> None:
    """Puts the family's client into `target`, which exists."""
    with as_file(files(PACKAGE) / family) as source:
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def digest(*parts: str) -> str:
    """A short name for what the parts describe."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def content(family: str) -> str:
    """A digest of the family's client: another release of Ramuda brings another."""
    seen = hashlib.sha256()
    with as_file(files(PACKAGE) / family) as source:
        for path in sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            seen.update(str(path.relative_to(source)).encode() + b"\0" + path.read_bytes() + b"\0")
    return seen.hexdigest()[:12]
