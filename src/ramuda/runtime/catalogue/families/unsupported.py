"""Runtimes that are in the catalogue although nothing here can run them: their file says why."""

from ramuda.kernel.errors import PortError
from ramuda.runtime.catalogue.entry import Entry
from ramuda.runtime.catalogue.workshop import Provision, RuntimeStatus


class UnsupportedFamily:
    """Implements `Family`."""

    def provide(self, entry: Entry) -> Provision:
        raise PortError(f"{entry.identifier} cannot run here: {entry.unsupported}")

    def status(self, entry: Entry) -> RuntimeStatus:
        return RuntimeStatus(identifier=entry.identifier, runnable=False, mend=entry.unsupported)
