"""A runtime catalogue that tells the prepared environments which runtimes are wanted, so that some wait when the
first event comes."""

from collections.abc import Callable

from ramuda.kernel.ports.catalog import ProvidedRuntime, RuntimeCatalogue
from ramuda.kernel.ports.sandbox import RuntimeSpec


class NoticingCatalogue:
    """Implements ports.RuntimeCatalogue over another."""

    def __init__(self, catalogue: RuntimeCatalogue, notice: Callable[[RuntimeSpec], None]) -> None:
        self._catalogue = catalogue
        self._notice = notice

    async def provide(self, identifier: str) -> ProvidedRuntime:
        runtime = await self._catalogue.provide(identifier)
        self._notice(runtime.spec)
        return runtime
