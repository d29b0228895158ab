"""What the families share: the tools they work with, and what they say about a runtime."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.runtime.catalogue.entry import Entry
from ramuda.runtime.catalogue.options import Options
from ramuda.runtime.interpreters import Finder
from ramuda.runtime.provision import Background, Store, Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeStatus:
    """Whether functions of `identifier` can run here, and on what.

    `interpreter` and `version` are what was found, empty where none is needed or none was. `exact` is False when
    another version of the family stands in. `client` says which runtime client serves it and whether it is installed
    yet. `mend` says what to do about what is missing; empty when nothing is."""

    identifier: str
    runnable: bool
    interpreter: str = ""
    version: str = ""
    exact: bool = True
    client: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """`log` is given an event's name and its fields, from any thread."""

    options: Options
    store: Store
    tools: Tools
    finder: Finder
    background: Background
    log: Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """`is_settled` is False while something better is being installed: ask again."""

    runtime: ProvidedRuntime
    is_settled: bool = True


class Family(Protocol):
    """Everything that runtimes of one family have in common. All methods block; `provide` may run several times at
    once."""

    def provide(self, entry: Entry) -> Provision:
        """Installs what is missing. Raises PortError with what to do."""
        ...

    def status(self, entry: Entry) -> RuntimeStatus:
        """Installs nothing."""
        ...
