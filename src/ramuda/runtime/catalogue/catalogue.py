"""`Catalogue`: gives the sandbox what it must know to start a runtime, and installs what is missing."""

from collections.abc import Callable

from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.runtime.catalogue.options import Options
from ramuda.runtime.catalogue.status import RuntimeStatus


class Catalogue:
    """Implements `ports.RuntimeCatalogue`. `log` is given an event's name and its fields, from any thread."""

    def __init__(self, options: Options, log: Callable[..., None] | None = None) -> None:
        self._options = options

    async def provide(self, identifier: str) -> ProvidedRuntime:
        """As `ports.RuntimeCatalogue`."""
        raise NotImplementedError

    async def survey(self) -> list[RuntimeStatus]:
        """Every identifier of the catalogue, in its order. Installs nothing."""
        raise NotImplementedError

    async def close(self) -> None:
        """Ends installations and compilations that still run."""
