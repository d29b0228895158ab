"""Snapshots of initialised versions (SnapStart), and the environments that are restored from them.

A snapshot is an environment of its own: a sandbox in which the version's Init ran and whose runtime waits, frozen, to
be copied. It lives as long as the version and this process; it is made again when it is wanted and not there: after a
restart, when it was dropped because there are too many (`Options.snapshots_max`), or when its process died. An
environment is a copy. A copy is made ahead of the next one that will be wanted (`Options.restored_ahead`): its hooks
run and its credentials are issued when it is taken.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Protocol

from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import PortError, RamudaError
from ramuda.kernel.function import FunctionSnapshot, RestoreFailed
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.catalog import ProvidedRuntime, RuntimeCatalogue
from ramuda.kernel.ports.credentials import Credentials
from ramuda.kernel.ports.sandbox import NotCopyable, Origin, Sandbox, SandboxBackend
from ramuda.kernel.ports.snapshots import Snapshotted
from ramuda.runtime.api.restore import SnapStart
from ramuda.runtime.environment import Environment, Observer
from ramuda.runtime.options import Options
from ramuda.runtime.prepared import Attachment, Plumbing
from ramuda.runtime.states import InitFailure

log = logging.getLogger("ramuda.runtime")

AHEAD_DELAY_S = 0.25
"""Copying ahead waits until the one that was taken has got going."""
INIT_CREDENTIALS_S = 12 * 60
"""Less than the quarter of an hour before their end in which AWS's SDKs fetch new credentials: a client made in Init
fetches its own again in every environment."""
TOKEN_CHARACTERS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Furnishing:
    """What makes an environment of a sandbox."""

    function: FunctionSnapshot
    runtime: ProvidedRuntime
    sandbox: Sandbox
    attachment: Attachment
    observer: Observer
    born_s: float
    snap_start: SnapStart


class Furnisher(Protocol):
    """`runtime.birth`, as far as it is needed here."""

    async def furnish(self, furnishing: Furnishing) -> Environment:
        """An environment that is open. Raises PortError; then the sandbox was killed."""
        ...

    def credentials(self, function: FunctionSnapshot, duration_s: int | None = None) -> Credentials:
        """Of the function's role; by default for as long as an environment lives."""
        ...


class InitFailed(RamudaError):  # noqa: N818 - the function's code failed; nothing of ours did
    """The version's Init failed, so that there is no snapshot."""

    def __init__(self, failure: InitFailure) -> None:
        super().__init__(failure.error_type)
        self.failure = failure


@dataclass(slots=True, kw_only=True, eq=False)
class _Snapshot:
    function: FunctionSnapshot
    runtime: ProvidedRuntime
    origin: Origin
    environment: Environment
    used_s: float
    ahead: deque[tuple[Sandbox, Attachment]] = field(default_factory=deque)
    refill: asyncio.Task[None] | None = None


class Snapshots:
    """Implements `ports.Snapshotter`; `restore` is for `runtime.birth`."""

    def __init__(
        self,
        *,
        backend: SandboxBackend,
        plumbing: Plumbing,
        catalogue: RuntimeCatalogue,
        furnisher: Furnisher,
        clock: Clock,
        ids: Ids,
        options: Options,
    ) -> None:
        self._backend = backend
        self._plumbing = plumbing
        self._catalogue = catalogue
        self._furnisher = furnisher
        self._clock = clock
        self._ids = ids
        self._options = options
        self._making: dict[tuple[str, str], asyncio.Task[_Snapshot]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def count(self) -> int:
        return len(self._making)

    async def snapshot(self, function: FunctionSnapshot) -> Snapshotted:
        try:
            await self._of(function)
        except InitFailed as e:
            return Snapshotted(failure=(e.failure.error_type, _sentence(e.failure)))
        except NotCopyable as e:
            log.warning("snapshot.not_possible function=%s reason=%s", function.arn, e.reason)
            return Snapshotted()
        return Snapshotted(is_optimized=True)

    def forget(self, function_arn: str, version: str | None = None) -> None:
        prefix = f"{function_arn}:"
        for key in [key for key in self._making if key[0].startswith(prefix)]:
            if version is None or key[0] == prefix + version:
                self._drop(key)

    async def restore(self, function: FunctionSnapshot, observer: Observer) -> Environment:
        """An environment whose first Init is the after-restore hooks. Raises NotCopyable when environments of this
        version start cold after all, RestoreFailed when its snapshot could not be made again, PortError."""
        try:
            snapshot = await self._of(function)
            born_s = self._clock.monotonic()
            try:
                sandbox, attachment = await self._copy_of(snapshot)
            except PortError as e:  # its process was killed, frozen as it was: nobody could notice
                log.warning("snapshot.lost function=%s error=%s", function.arn, e)
                snapshot = await self._of(function)
                sandbox, attachment = await self._copy_of(snapshot)
        except InitFailed as e:
            raise RestoreFailed("snapshot", _sentence(e.failure)) from e
        snapshot.used_s = born_s
        self._copy_ahead(snapshot)
        return await self._furnisher.furnish(
            Furnishing(
                function=function,
                runtime=snapshot.runtime,
                sandbox=sandbox,
                attachment=attachment,
                observer=observer,
                born_s=born_s,
                snap_start=SnapStart(
                    token=self._ids.hex(TOKEN_CHARACTERS),
                    issue=lambda: self._furnisher.credentials(function),
                    is_restored=True,
                ),
            )
        )

    async def close(self) -> None:
        for key in list(self._making):
            self._drop(key)
        while self._ending:
            await asyncio.gather(*self._ending, return_exceptions=True)

    # Making one

    async def _of(self, function: FunctionSnapshot) -> _Snapshot:
        """The version's snapshot, there or made now. Raises InitFailed, NotCopyable, PortError."""
        key = (function.arn, function.revision_id)
        making = self._making.get(key)
        if making is None:
            self._make_room()
            making = self._making[key] = asyncio.get_running_loop().create_task(self._make(function, key))
        try:
            await asyncio.wait([making])  # whoever waits may give up: the others want it too
            if making.cancelled():
                raise PortError(f"the snapshot of {function.arn} was dropped while it was made")
            return making.result()
        except Exception:  # whatever it was, the next one tries anew
            if self._making.get(key) is making:
                del self._making[key]
            raise

    async def _make(self, function: FunctionSnapshot, key: tuple[str, str]) -> _Snapshot:
        born_s = self._clock.monotonic()
        runtime = await self._catalogue.provide(function.runtime)
        origin = await self._backend.prepare_origin(runtime.spec)
        attachment = await self._attached(origin)
        environment = await self._furnisher.furnish(
            Furnishing(
                function=function,
                runtime=runtime,
                sandbox=origin,
                attachment=attachment,
                observer=self._observer(key),
                born_s=born_s,
                snap_start=SnapStart(
                    token=self._ids.hex(TOKEN_CHARACTERS),
                    issue=lambda: self._furnisher.credentials(function, INIT_CREDENTIALS_S),
                    is_restored=False,
                ),
            )
        )
        try:
            failure = await environment.initialize()
            if failure is not None:
                raise InitFailed(failure)
            await origin.settle()
            first = await self._first_copy(origin)
        except NotCopyable as e:
            environment.warn(f"SnapStart: no snapshot can be made of this function, which starts cold: {e.reason}.")
            await environment.close()
            raise
        except BaseException:
            await asyncio.shield(environment.close())
            raise
        return _Snapshot(
            function=function,
            runtime=runtime,
            origin=origin,
            environment=environment,
            used_s=self._clock.monotonic(),
            ahead=deque([first]),
        )

    async def _first_copy(self, origin: Origin) -> tuple[Sandbox, Attachment]:
        """For the first restore, and for knowing that copies can be made here."""
        try:
            copy = await origin.copy()
        except PortError as e:
            raise NotCopyable(f"copying failed: {e}") from e
        return copy, await self._attached(copy)

    def _observer(self, key: tuple[str, str]) -> Observer:
        """Of the environment that is the snapshot: whatever happens to it once it is initialised is its end."""
        return Observer(
            answered=lambda _: None,
            idle=lambda _: self._drop(key),
            lost=lambda _: self._drop(key),
            concluded=lambda _: None,
        )

    async def _attached(self, sandbox: Sandbox) -> Attachment:
        try:
            return await self._plumbing.attach(sandbox)
        except BaseException:
            await sandbox.kill()
            raise

    # Copies

    async def _copy_of(self, snapshot: _Snapshot) -> tuple[Sandbox, Attachment]:
        if snapshot.ahead:
            return snapshot.ahead.popleft()
        try:
            copy = await snapshot.origin.copy()
        except PortError:
            self._drop((snapshot.function.arn, snapshot.function.revision_id))  # the next one gets a new snapshot
            raise
        return copy, await self._attached(copy)

    def _copy_ahead(self, snapshot: _Snapshot) -> None:
        if self._options.restored_ahead and snapshot.refill is None:
            snapshot.refill = asyncio.get_running_loop().create_task(self._fill_later(snapshot))

    async def _fill_later(self, snapshot: _Snapshot) -> None:
        try:
            await self._clock.sleep(AHEAD_DELAY_S)
            await self._fill(snapshot)
        finally:
            snapshot.refill = None

    async def _fill(self, snapshot: _Snapshot) -> None:
        try:
            while len(snapshot.ahead) < self._options.restored_ahead:
                copy = await snapshot.origin.copy()
                snapshot.ahead.append((copy, await self._attached(copy)))
        except PortError as e:
            log.warning("snapshot.not_copied function=%s error=%s", snapshot.function.arn, e)

    # The end

    def _make_room(self) -> None:
        """Drops what was not used for longest."""
        made = [(key, task.result()) for key, task in self._making.items() if _is_made(task)]
        while made and len(self._making) >= self._options.snapshots_max:
            key, _ = oldest = min(made, key=lambda entry: entry[1].used_s)
            made.remove(oldest)
            self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        making = self._making.pop(key, None)
        if making is not None:
            self._own(self._end(making))

    def _own(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, making: asyncio.Task[_Snapshot]) -> None:
        if not making.done():
            making.cancel()
        await asyncio.wait([making])
        if not _is_made(making):
            return
        snapshot = making.result()
        if snapshot.refill is not None:
            snapshot.refill.cancel()
            await asyncio.wait([snapshot.refill])
        while snapshot.ahead:
            copy, attachment = snapshot.ahead.popleft()
            attachment.stop()
            with contextlib.suppress(PortError):
                await copy.kill()
        await snapshot.environment.close()


def _is_made(making: "asyncio.Task[_Snapshot]") -> bool:
    return making.done() and not making.cancelled() and making.exception() is None


def _sentence(failure: InitFailure) -> str:
    """What a version's StateReason says."""
    if failure.status == "timeout":
        return "Function initialization timed out while its snapshot was made."
    return f"Function initialization failed while its snapshot was made: {failure.error_type}"
