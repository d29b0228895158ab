"""AWS Lambda: functions, versions, layers, invocation.

Covered: every operation but those of capacity providers, function scaling and durable executions. What each setting of
a function does here is in `effects`, and shown in docs/coverage.md.

Event source mappings read queues (SQS); those of streams, Kafka, MQ and DocumentDB are kept and say that nobody reads
them yet. Resource policies are evaluated where functions are invoked, their URLs called and layers used; identity
policies are not.

Asynchronous invocations (`Event`) are durable: answered after their commit, run at least once, tried again and
reported to destinations and dead-letter queues (`invoke.queue`; settings by qualifier: `api.event_invoke_configs`).
Not looked at: whether the execution role may send to a destination.

The way of a change: `api` asks `rules` what the new state is and has `store` write it, in one transaction; then
`catalog`, the memory of what can be invoked, drops what it knew, and `worker` carries the change out. Nothing is in
memory that is not on disk.

https://docs.aws.amazon.com/lambda/latest/api/welcome.html
"""

from ramuda.kernel.clock import Clock
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.api import Api
from ramuda.kernel.ports.blobs import BlobStore
from ramuda.kernel.ports.catalog import RuntimeCatalogue
from ramuda.kernel.ports.database import Database
from ramuda.kernel.ports.images import Images
from ramuda.kernel.ports.invoker import Invoker
from ramuda.kernel.ports.keyring import Keyring
from ramuda.kernel.ports.recorder import Recorder
from ramuda.kernel.ports.snapshots import NoSnapshots, Snapshotter
from ramuda.services.lambda_ import api as operations
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.room import Delegates, LambdaService, Reserve, Room
from ramuda.services.lambda_.url_requests import UrlServer

__all__ = ["LambdaService", "Options", "service"]


def service(
    *,
    database: Database,
    blobs: BlobStore,
    api: Api,
    invoker: Invoker,
    catalogue: RuntimeCatalogue,
    clock: Clock,
    ids: Ids,
    options: Options,
    delegates: Delegates,
    keyring: Keyring,
    recorder: Recorder,
    reserve: Reserve = lambda *_: None,
    images: Images | None = None,
    snapshots: Snapshotter | None = None,
) -> LambdaService:
    """The Lambda API. `delegates` says which other services are in use here; `keyring` is the database's;
    `reserve(account, region, name, reserved)` is told of every function's reserved concurrency, at start and when it
    changes (None: it has none any more). Without `images` there are no functions of PackageType Image."""
    room = Room(
        database=database,
        blobs=blobs,
        api=api,
        invoker=invoker,
        catalogue=catalogue,
        clock=clock,
        ids=ids,
        options=options,
        delegates=delegates,
        keyring=keyring,
        recorder=recorder,
        reserve=reserve,
        images=images,
        snapshots=snapshots or NoSnapshots(),
    )
    return LambdaService(
        name="lambda", operations=operations.bind(room), room=room, function_urls=UrlServer(room, recorder)
    )
