"""What `invoke.queue` needs to know of Lambda's functions: what an event runs, with which settings, and which function
a destination's ARN names."""

from ramuda.invoke import queue
from ramuda.invoke.queue import Event, Options, Runnable
from ramuda.kernel import limits
from ramuda.kernel.arn import Arn
from ramuda.kernel.errors import ApiError
from ramuda.kernel.function import FunctionRef, FunctionSnapshot, Invocation
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.catalog import Catalog, Target
from ramuda.services.lambda_.model import LATEST, EventInvokeConfig
from ramuda.services.lambda_.rules import event_invoke, refusals
from ramuda.services.lambda_.store import tables

SETTINGS_MAX = 10_000
"""Remembered settings, one for each version and way of naming a function."""


class EventFunctions:
    """Implements `invoke.queue.Functions`: everything as it is at each attempt.

    Settings are read once for each snapshot of the catalog, which drops a snapshot whenever anything of its function
    changes (`Catalog.forget`)."""

    def __init__(self, catalog: Catalog, database: Database, options: Options) -> None:
        self._catalog = catalog
        self._database = database
        self._options = options
        self._settings: dict[tuple[FunctionRef, str], tuple[FunctionSnapshot, _Settings]] = {}

    async def find(self, event: Event) -> Runnable:
        ref = event.function
        target = await self._catalog.resolve(ref.account, ref.region, ref.name, ref.qualifier)
        config, dead_letter = await self._settings_of(ref, target)
        return Runnable(
            invocation=Invocation(
                request_id=event.request_id,
                function=target.snapshot,
                payload=event.payload,
                invoked_arn=target.invoked_arn,
                qualifier=target.qualifier,
                trace=event.trace,
                is_weighted=target.is_weighted,
                is_async=True,
            ),
            policy=queue.policy(
                self._options,
                retries=None if config is None else config.retries,
                age_s=None if config is None else config.age_s,
            ),
            on_success=None if config is None else config.on_success,
            on_failure=None if config is None else config.on_failure,
            dead_letter=dead_letter,
        )

    async def _settings_of(self, ref: FunctionRef, target: Target) -> "_Settings":
        snapshot = target.snapshot
        key = ref, snapshot.version
        known = self._settings.get(key)
        if known is not None and known[0] is snapshot:
            return known[1]
        settings = await self._database.read(lambda tx: _read(tx, ref, snapshot.version))
        if len(self._settings) >= SETTINGS_MAX:
            self._settings.clear()
        self._settings[key] = (snapshot, settings)
        return settings


class RecordEvents:
    """Implements `invoke.destinations.lambda_.Enqueue`. `queue` is set when there is one."""

    queue: queue.EventQueue

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def __call__(self, arn: Arn, *, payload: bytes, request_id: str, trace: str | None) -> None:
        if len(payload) > limits.ASYNC_PAYLOAD_BYTES:
            raise refusals.request_too_large(limits.ASYNC_PAYLOAD_BYTES)
        try:
            target = await self._catalog.resolve(arn.account, arn.region, str(arn), None)
            ref = ref_of(target)
        except ApiError as e:
            if e.code == "ResourceNotFoundException":
                raise
            name, _, qualifier = event_invoke.function_of(arn)
            ref = FunctionRef(account=arn.account, region=arn.region, name=name, qualifier=qualifier or None)
        await self.queue.accept(ref, request_id=request_id, payload=payload, trace=trace)


def ref_of(target: Target) -> FunctionRef:
    """The function, with the qualifier that the caller named."""
    ref = target.snapshot.ref
    if target.qualifier is None:
        return ref
    return FunctionRef(account=ref.account, region=ref.region, name=ref.name, qualifier=target.qualifier)


_Settings = tuple[EventInvokeConfig | None, str | None]
"""The event invoke config, and the ARN of the dead-letter queue."""


def _read(tx: Transaction, ref: FunctionRef, version: str) -> _Settings:
    qualifier = ref.qualifier or LATEST
    config = tables.event_invoke_configs.get(tx, ref.account, ref.region, ref.name, qualifier)
    found = store.version(tx, ref.account, ref.region, ref.name, version)
    deployment = None if found is None else found.serving or found.deployment
    shown = {} if deployment is None else deployment.settings.shown
    return config, shown.get("DeadLetterConfig", {}).get("TargetArn")
