"""What the operations of Lambda work with, wired together once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ramuda.invoke import destinations
from ramuda.invoke.queue import EventQueue
from ramuda.kernel.call import Service
from ramuda.kernel.clock import Clock
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.blobs import BlobStore
from ramuda.kernel.ports.catalog import RuntimeCatalogue
from ramuda.kernel.ports.database import Database
from ramuda.kernel.ports.function_urls import FunctionUrls
from ramuda.kernel.ports.images import Images
from ramuda.kernel.ports.invoker import Invoker
from ramuda.kernel.ports.keyring import Keyring
from ramuda.kernel.ports.recorder import Recorder
from ramuda.kernel.ports.snapshots import Snapshotter
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.catalog import Catalog
from ramuda.services.lambda_.code import CodeStore
from ramuda.services.lambda_.data_keys import DataKeys
from ramuda.services.lambda_.downloads import Downloads
from ramuda.services.lambda_.events import EventFunctions, RecordEvents
from ramuda.services.lambda_.images import FunctionImages
from ramuda.services.lambda_.mappings import Mappings
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.provisioning import Provisioning
from ramuda.services.lambda_.roles import Roles
from ramuda.services.lambda_.url_directory import UrlDirectory
from ramuda.services.lambda_.vpcs import Vpcs
from ramuda.services.lambda_.worker import Transitions


class Delegates(Protocol):
    """Which services that Ramuda does not serve itself are in use here (`gateway.upstream.Upstream`)."""

    def is_running(self, service: str) -> bool:
        """Whether somebody may have made something in it."""
        ...

    def has_endpoint(self, service: str) -> bool:
        """Whether it is at an endpoint of its own, and not played by a stand-in."""
        ...


Reserve: TypeAlias = Callable[[str, str, str, int | None], None]


class Room:
    """Everything an operation may use. One per server."""

    def __init__(
        self,
        *,
        database: Database,
        blobs: BlobStore,
        api: Api,
        invoker: Invoker,
        catalogue: RuntimeCatalogue,
        clock: Clock,
        ids: Ids,
        options: Options,
        reserve: Reserve,
        delegates: Delegates,
        keyring: Keyring,
        recorder: Recorder,
        images: Images | None,
        snapshots: Snapshotter,
    ) -> None:
        self.database = database
        self.api = api
        self.recorder = recorder
        self.reserve = reserve
        self.invoker = invoker
        self.clock = clock
        self.ids = ids
        self.options = options
        self.code = CodeStore(database, blobs, api, options)
        self.images = FunctionImages(database, images)
        self.data_keys = DataKeys(
            database,
            api,
            keyring,
            is_known=lambda: delegates.is_running("kms"),
            has_endpoint=lambda: delegates.has_endpoint("kms"),
        )
        self.catalog = Catalog(database, self.code, self.images, self.data_keys)
        self.urls = UrlDirectory(database)
        self.downloads = Downloads(self.code, clock, ids, options)
        self.roles = Roles(api, clock, options, lambda: delegates.is_running("iam"))
        self.vpcs = Vpcs(api, options, lambda: delegates.is_running("ec2"))
        self.snapshots = snapshots
        self.transitions = Transitions(
            database, self.code, self.images, catalogue, ids, self.catalog, invoker, clock, snapshots
        )
        self.mappings = Mappings(database, api, self.catalog, invoker, clock, ids, options)
        self.provisioning = Provisioning(database, self.catalog, invoker, clock)
        self.catalog.listeners.append(self.provisioning.changed)
        record_events = RecordEvents(self.catalog)
        self.events = record_events.queue = EventQueue(
            database=database,
            functions=EventFunctions(self.catalog, database, options.events),
            invoker=invoker,
            targets=destinations.targets(api, record_events, of_other_accounts=options.other_accounts is not False),
            clock=clock,
            ids=ids,
            recorder=recorder,
            options=options.events,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaService(Service):
    """A `kernel.call.Service` with a life: `start` before the first call, `stop` after the last."""

    room: Room
    function_urls: FunctionUrls
    """Serves requests to function URLs."""

    @property
    def downloads(self) -> Downloads:
        """Serves what Code.Location and Content.Location point at."""
        return self.room.downloads

    async def start(self) -> None:
        """Operations can be called; begins to collect blobs that nothing refers to. Runs no function yet."""
        for function in await self.room.database.read(store.functions_with_reservation):
            self.room.reserve(function.account, function.region, function.name, function.reserved_concurrency)
        await self.room.events.start()
        await self.room.data_keys.start()
        await self.room.urls.load()
        await self.room.code.start_collecting()
        await self.room.images.start_collecting()

    async def listening(self) -> None:
        """The server can be reached now, also from inside functions: those may run that nobody asks for just now.
        Resumes what a crash interrupted."""
        await self.room.transitions.resume()
        await self.room.provisioning.resume()
        await self.room.mappings.resume()

    async def resume_events(self) -> None:
        """Runs the events that an earlier process accepted and did not finish. Functions must be able to run."""
        await self.room.events.resume()

    async def quiet(self) -> None:
        """Runs no function any more that nobody waits for; what was under way is run again by the next start.
        Operations can still be called, and what they accept is kept. Idempotent."""
        await self.room.events.stop()
        await self.room.mappings.stop()
        await self.room.provisioning.stop()

    async def stop(self) -> None:
        """Ends background work. Transitions and events not finished are resumed by the next start."""
        await self.quiet()
        await self.room.transitions.stop()
        await self.room.code.stop()
        await self.room.images.stop()
