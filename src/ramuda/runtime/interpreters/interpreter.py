"""One interpreter, and the choice among several (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Kind(Enum):
    """The families of interpreters."""

    PYTHON = "python"
    NODE = "nodejs"
    RUBY = "ruby"
    JAVA = "java"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """`executable` is the program itself, never a link or a shim; `prefix` the folder it was installed to.
    `package_dirs` are folders where it finds packages that somebody installed on this machine (Python)."""

    kind: Kind
    version: tuple[int, ...]
    executable: Path
    prefix: Path
    package_dirs: tuple[Path, ...] = ()

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))

    def is_exactly(self, wanted: tuple[int, ...]) -> bool:
        """Whether this is a release of the wanted version: 3.12.4 of 3.12, 22.1.0 of 22."""
        return self.version[: len(wanted)] == wanted


def choose(found: Iterable[Interpreter], wanted: tuple[int, ...]) -> Interpreter | None:
    """The newest release of the wanted version; else the next newer version, else the newest of the older ones."""
    ranked = sorted(found, key=lambda interpreter: interpreter.version)
    exact = [interpreter for interpreter in ranked if interpreter.is_exactly(wanted)]
    if exact:
        return exact[-1]
    newer = [interpreter for interpreter in ranked if interpreter.version > wanted]
    if newer:
        nearest = newer[0].version[: len(wanted)]
        return [interpreter for interpreter in newer if interpreter.is_exactly(nearest)][-1]
    return ranked[-1] if ranked else None
