"""Ruby: a client of our own, started before its function is known."""

from ramuda.kernel.ports.sandbox import Boot, RuntimeSpec
from ramuda.runtime.catalogue import selection
from ramuda.runtime.catalogue.entry import Entry
from ramuda.runtime.catalogue.workshop import Provision, RuntimeStatus, Workshop
from ramuda.runtime.interpreters import Kind
from ramuda.runtime.provision import clients

OLDEST = (2, 7)
BOOTSTRAP = "/var/runtime/bootstrap.rb"


class RubyFamily:
    """Implements `Family`."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def provide(self, entry: Entry) -> Provision:
        selected = self._select(entry)
        folder = self._workshop.store.ensure(f"ruby-{clients.content('ruby')}", lambda new: clients.copy("ruby", new))
        program, mounts = selection.placed(selected.interpreter)
        spec = RuntimeSpec(
            name=entry.identifier,
            boot=Boot.WAIT,
            argv=(program, BOOTSTRAP, "--wait"),
            exec_argv=(program, BOOTSTRAP),
            runtime_dir=folder,
            mounts=mounts,
            environment=tuple(entry.environment.items()),
        )
        return Provision(runtime=selected.provided(entry, spec, selection.runtime_version(selected.interpreter, 2)))

    def status(self, entry: Entry) -> RuntimeStatus:
        return selection.status(entry, lambda: self._select(entry), client="Ramuda's own")

    def _select(self, entry: Entry) -> selection.Selection:
        return selection.select(
            entry,
            self._workshop.finder.find(Kind.RUBY),
            oldest=OLDEST,
            strict=self._workshop.options.strict_runtimes,
            advice=f"install it with `rbenv install {entry.version}`, or `apt install ruby` for the system's version",
        )
