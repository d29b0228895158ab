"""One server: its parts, and the order in which they start and stop."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import msgspec

from ramuda.authz.credentials import CredentialStore
from ramuda.config import Options, check
from ramuda.gateway import upstream
from ramuda.gateway.http import HttpServer
from ramuda.gateway.model import Models
from ramuda.gateway.stack import Gateway
from ramuda.gateway.upstream import Upstream
from ramuda.invoke.sync import SyncInvoker
from ramuda.kernel.clock import Clock, SystemClock
from ramuda.kernel.errors import ConfigError
from ramuda.kernel.ids import Ids, RandomIds
from ramuda.kernel.ports.sandbox import Capability
from ramuda.runtime.birth import EnvironmentFactory
from ramuda.runtime.catalogue import Catalogue
from ramuda.runtime.images import Library
from ramuda.runtime.prepared import PreparedEnvironments
from ramuda.runtime.snapshots import Snapshots
from ramuda.sandbox.outbound import Outbound
from ramuda.server.data_dir import DataDir
from ramuda.server.examine import choose
from ramuda.server.internal_routes import Sources, internal_routes
from ramuda.server.late_api import LateApi
from ramuda.server.noticing import NoticingCatalogue
from ramuda.server.plumbing import SandboxPlumbing
from ramuda.services import cloudwatch, lambda_, logs, sts
from ramuda.storage.files import FileStore
from ramuda.storage.keyring import AesGcmKeyring
from ramuda.storage.sqlite import SqliteDatabase
from ramuda.telemetry import Telemetry

log = logging.getLogger("ramuda.server")

DRAIN_S = 5.0
BLOBS = "blobs"
IMAGES = "images"

Step: TypeAlias = Callable[[], Awaitable[None]]


class Server:
    """`start`, then it serves; `stop` ends everything that was started. `port` is known after the start."""

    def __init__(self, options: Options, clock: Clock | None = None, ids: Ids | None = None) -> None:
        check(options)
        self.options = options
        self.capabilities: list[Capability] = []
        self.port = 0
        self._clock = clock or SystemClock()
        self._ids = ids or RandomIds()
        self._undo: list[Step] = []

    @property
    def url(self) -> str:
        return f"http://{self.options.host}:{self.port}"

    async def start(self) -> None:
        """Raises ConfigError when the options cannot be served here; then nothing is left running."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends what was started, last first. Idempotent."""
        while self._undo:
            step = self._undo.pop()
            try:
                await step()
            except Exception:
                log.exception("stop.failed step=%r", step)

    async def _start(self) -> None:
        options = self.options
        data_dir = self._take_data_dir()
        keyring = AesGcmKeyring(data_dir.key("environment variables"))
        state, telemetry_database = self._open_databases(keyring)
        self.credentials = CredentialStore(state, data_dir.secret(), self._clock)
        await self.credentials.refresh()
        if options.gateway.auth:
            await self.credentials.ensure_root_key(options.gateway.account)
        self.telemetry = Telemetry(telemetry_database, self._clock, options.telemetry)
        await self._begin(self.telemetry.start, self.telemetry.stop)
        self.upstream = Upstream(_with_log(options.gateway.upstream, options.data_dir))
        self._undo.append(self.upstream.close)

        late = LateApi()
        http = HttpServer(
            late.handle, options.gateway.http, wants_stream=late.wants_stream, refuse=late.refuse, clock=self._clock
        )
        catalogue = await self._start_environments(SandboxPlumbing(http, Outbound(options.sandbox), late.handle_api))
        lambda_options = _guarded_by_auth(options)
        lambda_service = lambda_.service(
            database=state,
            blobs=FileStore(options.data_dir / BLOBS),
            api=late,
            invoker=self.invoker,
            catalogue=catalogue,
            clock=self._clock,
            ids=self._ids,
            options=lambda_options,
            delegates=self.upstream,
            keyring=keyring,
            recorder=self.telemetry.recorder,
            reserve=self.invoker.concurrency.reserve,
            images=await self._open_images(),
            snapshots=self.snapshots,
        )
        late.gateway = Gateway(
            services=[
                lambda_service,
                logs.service(self.telemetry.logs, self._clock),
                cloudwatch.service(self.telemetry.metrics, self._clock),
                sts.service(self.credentials, other_accounts=lambda_options.other_accounts is not False),
            ],
            upstream=self.upstream,
            credentials=self.credentials,
            options=options.gateway,
            clock=self._clock,
            ids=self._ids,
            models=Models(options.data_dir / "cache"),
            function_urls=lambda_service.function_urls,
            internal_routes=internal_routes(self._sources(lambda_service)),
        )
        await self._begin(lambda_service.start, lambda_service.stop)
        await self._listen(http)
        # What is broken off then must not see this server half closed, and take that for the function's own failure.
        self._undo.append(lambda_service.quiet)
        await lambda_service.listening()
        await lambda_service.resume_events()

    def _sources(self, lambda_service: lambda_.LambdaService) -> Sources:
        return Sources(
            backend_name=self.backend_name,
            placement=self.invoker.placement,
            prepared=self.prepared,
            telemetry=self.telemetry,
            downloads=lambda_service.downloads,
        )

    async def _listen(self, http: HttpServer) -> None:
        host, port = self.options.host, self.options.port
        self._undo.append(lambda: http.close(DRAIN_S))
        try:
            self.port = await http.listen(host, port)
        except OSError as e:
            raise ConfigError(f"--host {host} --port {port}: {e.strerror}") from e

    def _take_data_dir(self) -> DataDir:
        data_dir = DataDir(self.options.data_dir)

        async def release() -> None:
            data_dir.release()

        self._undo.append(release)
        return data_dir

    def _open_databases(self, keyring: AesGcmKeyring) -> tuple[SqliteDatabase, SqliteDatabase]:
        path = self.options.data_dir / "state.db"
        state = SqliteDatabase.open(path, schema="state", sync="full", keyring=keyring)
        self._undo.append(state.close)
        telemetry = SqliteDatabase.open(self.options.data_dir / "telemetry.db", schema="telemetry", sync="normal")
        self._undo.append(telemetry.close)
        return state, telemetry

    async def _start_environments(self, plumbing: SandboxPlumbing) -> NoticingCatalogue:
        """What functions run in: backend, prepared environments, catalogue, invoker."""
        options, clock = self.options, self._clock
        work_dir = options.data_dir / "sandbox"
        backend, self.capabilities = await choose(options.sandbox, work_dir, options.data_dir / BLOBS)
        self.backend_name = backend.name
        self._undo.append(backend.close)
        self.catalogue = Catalogue(options.catalogue, _log_runtime, runs_images=backend.name == "isolated")
        self._undo.append(self.catalogue.close)
        self.prepared = PreparedEnvironments(backend, plumbing, options.runtime, clock)
        await self._begin(self.prepared.start, self.prepared.close)
        catalogue = NoticingCatalogue(self.catalogue, self.prepared.notice)
        factory = EnvironmentFactory(
            catalogue=catalogue,
            prepared=self.prepared,
            recorder=self.telemetry.recorder,
            issuer=self.credentials,
            platform_address=lambda: f"127.0.0.1:{self.port}",
            clock=clock,
            ids=self._ids,
            options=options.runtime,
        )
        self.snapshots = factory.snapshots = Snapshots(
            backend=backend,
            plumbing=plumbing,
            catalogue=self.catalogue,
            furnisher=factory,
            clock=clock,
            ids=self._ids,
            options=options.runtime,
        )
        self._undo.append(self.snapshots.close)
        self.invoker = SyncInvoker(
            factory.open,
            self.telemetry.recorder,
            clock,
            options.runtime,
            options.lambda_.account_concurrency,
            options.lambda_.recursion_limit,
            options.invoke,
        )
        await self._begin(self.invoker.start, self.invoker.stop)
        return catalogue

    async def _open_images(self) -> Library | None:
        """Container images, where the sandbox can run them."""
        options = self.options
        if self.backend_name != "isolated":
            return None
        images = options.images
        if images.local_paths is None:
            images = msgspec.structs.replace(images, local_paths=not options.gateway.auth)
        library = Library(options.data_dir / IMAGES, images, self._clock)
        await self._begin(library.open, library.close)
        return library

    async def _begin(self, start: Step, stop: Step) -> None:
        self._undo.append(stop)
        await start()


def _guarded_by_auth(options: Options) -> lambda_.Options:
    """Under --auth no folder of this machine becomes code unless it was named, and accounts are kept apart."""
    found = options.lambda_
    if not options.gateway.auth:
        return found
    return msgspec.structs.replace(
        found,
        live_code_roots=() if found.live_code_roots is None else found.live_code_roots,
        other_accounts=bool(found.other_accounts),
    )


def _with_log(options: upstream.Options, data_dir: Path) -> upstream.Options:
    """moto's output goes to the data directory unless another place was named."""
    return msgspec.structs.replace(options, log_dir=options.log_dir or data_dir)


def _log_runtime(event: str, **fields: object) -> None:
    log.info("%s %s", event, " ".join(f"{name}={value}" for name, value in fields.items()))
