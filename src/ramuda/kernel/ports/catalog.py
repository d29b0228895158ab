"""Looking functions up by name, and runtimes by identifier."""

from dataclasses import dataclass
from typing import Protocol

from ramuda.kernel.ports.sandbox import RuntimeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedRuntime:
    """A runtime that can be started here. `runtime_version` is what INIT_START shows (`python:3.11.v7`). `exact` is
    False when the nearest version of the family stands in for a missing one; `note` then says which, and is shown in
    the log and by `ramuda doctor`."""

    identifier: str
    spec: RuntimeSpec
    runtime_version: str
    exact: bool = True
    note: str = ""


class RuntimeCatalogue(Protocol):
    async def provide(self, identifier: str) -> ProvidedRuntime:
        """Finds (and the first time installs, once, whoever asks meanwhile) what `identifier` (`python3.12`) needs.
        Raises PortError when it cannot run here, with what to do. Cached."""
        ...
