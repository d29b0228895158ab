"""What can be invoked, in memory: the hot path of Invoke reads here and nowhere else.

A function is loaded when it is first invoked, and dropped whenever it changes: `forget` comes after the commit of the
change, and a load that was under way meanwhile is used once and not kept. So nothing here is older than the last
answered change.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from ramuda.kernel import function as kernel
from ramuda.kernel.function import FunctionRef, FunctionSnapshot
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.code import CodeStore
from ramuda.services.lambda_.data_keys import DataKeys
from ramuda.services.lambda_.model import LATEST, Function, Logging, Version
from ramuda.services.lambda_.rules import names, refusals

TARGETS_MAX = 100_000
"""Remembered ways of naming functions: enough for all there are, and a bound on what a caller can make us remember."""

FunctionKey: TypeAlias = tuple[str, str, str]
TargetKey: TypeAlias = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a FunctionName and a Qualifier lead to."""

    snapshot: FunctionSnapshot
    invoked_arn: str
    qualifier: str | None
    is_weighted: bool = False


@dataclass(slots=True)
class _Known:
    snapshots: dict[str, FunctionSnapshot] = field(default_factory=dict)
    targets: list[TargetKey] = field(default_factory=list)


class Catalog:
    """Snapshots of functions, by how callers name them."""

    def __init__(self, database: Database, code: CodeStore, data_keys: DataKeys) -> None:
        self._database = database
        self._code = code
        self._data_keys = data_keys
        self._targets: dict[TargetKey, Target] = {}
        self._known: dict[FunctionKey, _Known] = {}
        self._generation = 0

    def known(self, account: str, region: str, text: str, qualifier: str | None) -> Target | None:
        """What `resolve` found before, unless it changed since."""
        return self._targets.get((account, region, text, qualifier))

    async def resolve(self, account: str, region: str, text: str, qualifier: str | None) -> Target:
        """Raises AWS's error when there is no such function or version, or it cannot be invoked now."""
        target = self.known(account, region, text, qualifier)
        if target is not None:
            return target
        named = names.parse(text, account, region, qualifier)
        generation = self._generation
        snapshot = await self._snapshot(named)
        target = Target(snapshot=snapshot, invoked_arn=named.arn, qualifier=named.qualifier)
        if generation == self._generation:
            self._remember((account, region, text, qualifier), (named.account, named.region, named.name), target)
        return target

    def forget(self, account: str, region: str, name: str) -> None:
        """The function changed or is gone."""
        self._generation += 1
        known = self._known.pop((account, region, name), None)
        if known is not None:
            for key in known.targets:
                self._targets.pop(key, None)

    async def _snapshot(self, named: names.Named) -> FunctionSnapshot:
        known = self._known.get((named.account, named.region, named.name))
        if known is not None and named.version in known.snapshots:
            return known.snapshots[named.version]
        function, version = await self._database.read(lambda tx: _read(tx, named))
        deployment = version.serving
        if deployment is None:
            raise refusals.not_active(version.state)
        settings = deployment.settings
        if settings.sealed_environment is not None:
            await self._data_keys.load(settings.shown.get("KMSKeyArn", ""), named.account, named.region)
            return await self._snapshot(named)
        return FunctionSnapshot(
            ref=FunctionRef(account=named.account, region=named.region, name=named.name),
            version=version.version,
            revision_id=deployment.revision_id,
            runtime=settings.runtime,
            handler=settings.handler,
            role=settings.role,
            memory_mib=settings.memory_mib,
            timeout_s=settings.timeout_s,
            tmp_mib=settings.tmp_mib,
            environment=settings.environment or {},
            task_dir=await self._code.task_dir(deployment.code),
            opt_dir=await self._code.opt_dir(settings.layers),
            logging=_logging(settings.logging),
            architecture=settings.architecture,
            tracing_active=settings.tracing == "Active",
            reserved_concurrency=function.reserved_concurrency,
            recursive_loop=function.recursive_loop,
            has_way_out=settings.has_way_out,
        )

    def _remember(self, key: TargetKey, function: FunctionKey, target: Target) -> None:
        if len(self._targets) >= TARGETS_MAX:
            self._targets.clear()
            self._known.clear()
        known = self._known.setdefault(function, _Known())
        known.snapshots[target.qualifier or LATEST] = target.snapshot
        known.targets.append(key)
        self._targets[key] = target


def _read(tx: Transaction, named: names.Named) -> tuple[Function, Version]:
    function = store.function(tx, named.account, named.region, named.name)
    version = store.version(tx, named.account, named.region, named.name, named.version)
    if function is None or version is None:
        # Invoke names the version it looked for, also when the caller did not (recorded).
        raise refusals.function_not_found(f"{named.function_arn}:{named.version}")
    return function, version


def _logging(logging: Logging) -> kernel.LoggingConfig:
    return kernel.LoggingConfig(
        group=logging.group,
        json_format=logging.format == "JSON",
        application_level=logging.application_level,
        system_level=logging.system_level,
    )
