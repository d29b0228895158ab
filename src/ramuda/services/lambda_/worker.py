"""Carries changes of functions out: Pending becomes Active, InProgress becomes Successful, or either fails.

The change itself is on disk before it begins here, so a crash loses nothing: `resume` begins again what was under
way. Each step is idempotent. A transition whose version changed meanwhile writes nothing.
"""

import asyncio
import logging
from dataclasses import replace

from ramuda.kernel.arn import function_arn
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.catalog import RuntimeCatalogue
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.kernel.ports.invoker import Invoker
from ramuda.kernel.ports.snapshots import Snapshotter
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.catalog import Catalog
from ramuda.services.lambda_.code import CodeStore
from ramuda.services.lambda_.images import FunctionImages
from ramuda.services.lambda_.model import Version
from ramuda.services.lambda_.rules import lifecycle, snap_start

log = logging.getLogger(__name__)

WRITE_AGAIN_S = 5.0

Failure = tuple[str, str]
"""Reason and reason code."""


class Transitions:
    """Owns one task per version that is under way."""

    def __init__(
        self,
        database: Database,
        code: CodeStore,
        images: FunctionImages,
        catalogue: RuntimeCatalogue,
        ids: Ids,
        catalog: Catalog,
        invoker: Invoker,
        clock: Clock,
        snapshots: Snapshotter,
    ) -> None:
        self._clock = clock
        self._snapshots = snapshots
        self._database = database
        self._code = code
        self._images = images
        self._catalogue = catalogue
        self._ids = ids
        self._catalog = catalog
        self._invoker = invoker
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, version: Version) -> None:
        """Carries the change of a stored version out in the background."""
        task = asyncio.create_task(self._carry_out(version), name=f"lambda-transition {version.arn}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def resume(self) -> None:
        """Begins again what was under way when the process ended."""
        for version in await self._database.read(store.unsettled_versions):
            self.begin(version)

    async def settled(self) -> None:
        """Waits until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry_out(self, version: Version) -> None:
        is_optimized = False
        try:
            failure = await self._prepare(version)
            if failure is None and snap_start.is_pending(version):
                is_optimized, failure = await self._snapshot(version)
        except Exception:  # boundary: one transition; whatever it is, the function must not stay Pending
            log.exception("lambda.transition.broken", extra={"function": version.arn})
            failure = ("Something went wrong inside the platform; its log says what.", "InternalError")
        settled = await self._settle(version, failure, is_optimized=is_optimized)
        if settled is None:
            return
        self._catalog.forget(version.account, version.region, version.name)
        if version.state != "Pending":  # nothing of it ran before; whatever runs now was started since the commit
            self._invoker.forget(function_arn(version.account, version.region, version.name))
        log.info("lambda.transition.done", extra={"function": version.arn, "state": settled.state, "failure": failure})

    async def _settle(self, version: Version, failure: Failure | None, *, is_optimized: bool) -> Version | None:
        """Writes the outcome; while the database cannot be written, again and again."""
        revision_id = self._ids.uuid()
        while True:
            try:
                return await self._database.write(lambda tx: _settle(tx, version, revision_id, failure, is_optimized))
            except PortError as e:
                log.warning("lambda.transition.not_written function=%s error=%s", version.arn, e)
                await self._clock.sleep(WRITE_AGAIN_S)

    async def _prepare(self, version: Version) -> Failure | None:
        """Makes everything ready that an invocation needs."""
        settings = version.deployment.settings
        if version.deployment.code.image is not None:
            return await self._images.prepare(version.deployment)
        try:
            await self._catalogue.provide(settings.runtime)
        except PortError as e:
            return str(e), "InvalidRuntime"
        await self._code.task_dir(version.deployment.code)
        await self._code.opt_dir(settings.layers)
        return None

    async def _snapshot(self, version: Version) -> tuple[bool, Failure | None]:
        """Initialises a version with SnapStart; whether there is a snapshot of it now, or how its Init failed."""
        function = await self._catalog.describe_pending(version)
        if function is None:
            return False, None
        try:
            made = await self._snapshots.snapshot(function)
        except PortError as e:
            log.warning("lambda.transition.no_snapshot function=%s error=%s", version.arn, e)
            return False, None
        if made.failure is not None:
            error_type, sentence = made.failure
            return False, (sentence, snap_start.reason_code(error_type))
        return made.is_optimized, None


def _settle(
    tx: Transaction, begun: Version, revision_id: str, failure: Failure | None, is_optimized: bool
) -> Version | None:
    current = store.version(tx, begun.account, begun.region, begun.name, begun.version)
    if current is None or not current.unsettled or current.deployment.revision_id != begun.deployment.revision_id:
        return None  # deleted, or made anew under the same name
    if failure is None:
        settled = replace(lifecycle.succeeded(current, revision_id), is_optimized=is_optimized)
    else:
        settled = lifecycle.failed(current, revision_id, *failure)
    store.put_version(tx, settled)
    return settled
