"""`provided.*`: the function brings its own runtime, an executable file `bootstrap`."""

import shutil

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.sandbox import Boot, RuntimeSpec
from ramuda.runtime.catalogue.entry import Entry
from ramuda.runtime.catalogue.workshop import Provision, RuntimeStatus, Workshop
from ramuda.runtime.provision import clients

ADVICE = "install bash"


class ProvidedFamily:
    """Implements `Family`. A small script finds the bootstrap and says in AWS's words when there is none."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def provide(self, entry: Entry) -> Provision:
        shell = shutil.which("bash", path="/usr/bin:/bin")
        if shell is None:
            raise PortError(f"{entry.identifier}: bash was not found; {ADVICE}")
        folder = self._workshop.store.ensure(
            f"provided-{clients.content('provided')}", lambda new: clients.copy("provided", new)
        )
        spec = RuntimeSpec(
            name=entry.identifier,
            boot=Boot.EXEC,
            argv=(shell, "/var/runtime/bootstrap"),
            runtime_dir=folder,
            environment=tuple(entry.environment.items()),
        )
        version = f"{entry.identifier.replace('.', ':')}.v1"
        return Provision(runtime=ProvidedRuntime(identifier=entry.identifier, spec=spec, runtime_version=version))

    def status(self, entry: Entry) -> RuntimeStatus:
        has_shell = shutil.which("bash", path="/usr/bin:/bin") is not None
        return RuntimeStatus(
            identifier=entry.identifier,
            runnable=has_shell,
            client="the function's own bootstrap",
            mend="" if has_shell else ADVICE,
        )
