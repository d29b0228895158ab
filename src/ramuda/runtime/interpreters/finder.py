"""`Finder`: every interpreter of this machine, by kind."""

import os
from collections.abc import Mapping
from pathlib import Path

from ramuda.runtime.interpreters.interpreter import Interpreter, Kind
from ramuda.runtime.interpreters.places import candidates
from ramuda.runtime.interpreters.probe import Probe


class Finder:
    """Looks anew at each call, because interpreters come and go; asking one already known costs a `stat`. Blocks."""

    def __init__(self, kept_path: Path, environ: Mapping[str, str] | None = None) -> None:
        self._probe = Probe(kept_path)
        self._environ = os.environ if environ is None else environ

    def find(self, kind: Kind, more: tuple[Path, ...] = ()) -> list[Interpreter]:
        """In the order in which they were found: PATH first. `more` are further folders to look in. A program outside
        of its own installation is left out: mounting the installation would not bring it along."""
        asked = (self._probe.ask(kind, program) for program in candidates(kind, self._environ, more))
        return [found for found in asked if found is not None and found.executable.is_relative_to(found.prefix)]
