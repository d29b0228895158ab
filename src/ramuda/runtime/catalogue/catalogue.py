"""`Catalogue`: gives the sandbox what it must know to start a runtime, and installs what is missing."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.runtime.catalogue.entry import Entry, entries, retired
from ramuda.runtime.catalogue.families.java import JavaFamily
from ramuda.runtime.catalogue.families.node import NodeFamily
from ramuda.runtime.catalogue.families.provided import ProvidedFamily
from ramuda.runtime.catalogue.families.python import PythonFamily
from ramuda.runtime.catalogue.families.ruby import RubyFamily
from ramuda.runtime.catalogue.families.unsupported import UnsupportedFamily
from ramuda.runtime.catalogue.images import RuntimeImages
from ramuda.runtime.catalogue.options import Options
from ramuda.runtime.catalogue.workshop import Family, Provision, RuntimeStatus, Workshop
from ramuda.runtime.interpreters import Finder
from ramuda.runtime.provision import Background, Store, Tools

THREADS = 4  # each mostly waits for pip, npm or Maven

_log = logging.getLogger("ramuda.runtime")


class Catalogue:
    """Implements `ports.RuntimeCatalogue`. `log` is given an event's name and its fields, from any thread. A runtime
    that is a container image (`images`) goes before what this machine has, where the sandbox `runs_images`."""

    def __init__(self, options: Options, log: Callable[..., None] | None = None, *, runs_images: bool = True) -> None:
        self._images = RuntimeImages(options.cache_dir) if runs_images else None
        self._tools = Tools(options.install_timeout_s)
        self._store = Store(options.cache_dir)
        self._background = Background(log or _log_event)
        workshop = Workshop(
            options=options,
            store=self._store,
            tools=self._tools,
            finder=Finder(options.cache_dir / "interpreters.json"),
            background=self._background,
            log=log or _log_event,
        )
        self._families: dict[str, Family] = {
            "python": PythonFamily(workshop),
            "nodejs": NodeFamily(workshop),
            "ruby": RubyFamily(workshop),
            "java": JavaFamily(workshop),
            "provided": ProvidedFamily(workshop),
            "dotnet": UnsupportedFamily(),
        }
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ramuda-runtimes")
        self._settled: dict[str, ProvidedRuntime] = {}
        self._under_way: dict[str, asyncio.Task[Provision]] = {}

    async def provide(self, identifier: str) -> ProvidedRuntime:
        """As `ports.RuntimeCatalogue`. A cancelled caller leaves the work to the others that wait for it."""
        image = self._images.provide(identifier) if self._images is not None else None
        if image is not None:
            return image
        settled = self._settled.get(identifier)
        if settled is not None:
            return settled
        task = self._under_way.get(identifier)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._provide(_entry(identifier)))
            self._under_way[identifier] = task
        return (await asyncio.shield(task)).runtime

    async def survey(self) -> list[RuntimeStatus]:
        """Every runtime of the catalogue, families together, older versions first. Installs nothing."""

        def ask() -> list[RuntimeStatus]:
            return [self._status(entry) for entry in entries().values()]

        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    def _status(self, entry: Entry) -> RuntimeStatus:
        image = self._images.status(entry.identifier) if self._images is not None else None
        return image or self._families[entry.family].status(entry)

    async def finish(self) -> None:
        """Waits for what is being installed in the background."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._background.finish)

    async def close(self) -> None:
        """Ends installations and compilations that still run."""
        self._background.stop()
        self._store.stop()
        self._tools.stop()
        await asyncio.gather(*self._under_way.values(), self.finish(), return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._images is not None:
            self._images.close()

    async def _provide(self, entry: Entry) -> Provision:
        family = self._families[entry.family]
        try:
            provision = await asyncio.get_running_loop().run_in_executor(self._threads, family.provide, entry)
        finally:
            del self._under_way[entry.identifier]
        if provision.is_settled:
            self._settled[entry.identifier] = provision.runtime
        return provision


def _entry(identifier: str) -> Entry:
    entry = entries().get(identifier)
    if entry is not None:
        return entry
    advice = retired().get(identifier)
    raise PortError(f"{identifier} cannot run here: {advice}" if advice else f"{identifier} is not a runtime")


def _log_event(event: str, **fields: object) -> None:
    _log.info("%s %s", event, " ".join(f"{name}={value}" for name, value in fields.items()))
