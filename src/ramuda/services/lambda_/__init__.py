"""AWS Lambda: functions, versions, layers, invocation.

Covered: functions (create, read, list, update of code and configuration, delete), versions, weighted aliases, Invoke
(RequestResponse, Event, DryRun), InvokeWithResponseStream, InvokeAsync, layers, tags, reserved and provisioned
concurrency, account settings, runtime management and recursion settings, resource policies of functions and layers
(invoking functions and using layers of other accounts), event invoke configuration, code
signing, function URLs (BUFFERED and RESPONSE_STREAM), container images (registries and this machine's files; in the
isolated sandbox).
Not yet: event source mappings, durable functions.

What a setting does here. In force: Runtime, Handler, Role, Code, Layers (with extensions), Environment, MemorySize,
Timeout, EphemeralStorage, LoggingConfig, reserved and provisioned concurrency, the caps on requests a second and on new
environments (`[invoke]` options), ImageConfig; of an image Architectures too. Passed on to the runtime: TracingConfig,
Architectures.
SnapStart is in force for Python 3.12 and later where the sandbox can copy processes (`OptimizationStatus` tells); Java
and .NET may have it, stay Off and start cold.
Checked, kept and shown without effect: VpcConfig, FileSystemConfigs, KMSKeyArn,
RuntimeManagementConfig. RecursionConfig is in force for invocations that carry `Lineage` in their trace header.
CodeSigningConfigArn is in force, but there is no AWS Signer here: no code is ever signed by an allowed profile, so
Enforce refuses every deployment and Warn counts each (SignatureValidationErrors).

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
