"""What the operations of Lambda work with, wired together once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ramuda.kernel.call import Service
from ramuda.kernel.clock import Clock
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.blobs import BlobStore
from ramuda.kernel.ports.catalog import RuntimeCatalogue
from ramuda.kernel.ports.database import Database
from ramuda.kernel.ports.invoker import Invoker
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.catalog import Catalog
from ramuda.services.lambda_.code import CodeStore
from ramuda.services.lambda_.downloads import Downloads
from ramuda.services.lambda_.events import EventQueue
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.roles import Roles
from ramuda.services.lambda_.worker import Transitions

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
        roles_known: Callable[[], bool],
        reserve: Reserve,
    ) -> None:
        self.database = database
        self.reserve = reserve
        self.invoker = invoker
        self.clock = clock
        self.ids = ids
        self.options = options
        self.code = CodeStore(database, blobs, api, options)
        self.catalog = Catalog(database, self.code)
        self.downloads = Downloads(self.code, clock, ids, options)
        self.roles = Roles(api, clock, options, roles_known)
        self.transitions = Transitions(database, self.code, catalogue, ids, self.catalog, invoker, clock)
        self.events = EventQueue(self.catalog, invoker, clock, options)


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaService(Service):
    """A `kernel.call.Service` with a life: `start` before the first call, `stop` after the last."""

    room: Room

    @property
    def downloads(self) -> Downloads:
        """Serves what Code.Location and Content.Location point at."""
        return self.room.downloads

    async def start(self) -> None:
        """Resumes what a crash interrupted and begins to collect blobs that nothing refers to."""
        for function in await self.room.database.read(store.functions_with_reservation):
            self.room.reserve(function.account, function.region, function.name, function.reserved_concurrency)
        await self.room.transitions.resume()
        await self.room.code.start_collecting()

    async def stop(self) -> None:
        """Ends background work. Transitions not finished are resumed by the next start; queued events are lost."""
        await self.room.events.stop()
        await self.room.transitions.stop()
        await self.room.code.stop()
