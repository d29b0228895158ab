"""What can be invoked, in memory: the hot path of Invoke reads here and nowhere else.

A function is loaded when it is first invoked, and dropped whenever it changes: `forget` comes after the commit of the
change, and a load that was under way meanwhile is used once and not kept. So nothing here is older than the last
answered change. What a resource policy denies to somebody is not remembered at all: `api.access` is to be asked.

An alias of two versions gives one of them to each invocation, at random by weight
(https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html).
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ramuda.kernel import function as kernel
from ramuda.kernel.errors import ApiError
from ramuda.kernel.function import FunctionRef, FunctionSnapshot
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.code import CodeStore
from ramuda.services.lambda_.data_keys import DataKeys
from ramuda.services.lambda_.images import FunctionImages
from ramuda.services.lambda_.model import Deployment, Function, Logging, Version
from ramuda.services.lambda_.rules import names, policies, refusals, snap_start
from ramuda.services.lambda_.store import tables

TARGETS_MAX = 100_000
"""Remembered ways of naming functions: enough for all there are, and a bound on what a caller can make us remember."""

FunctionKey: TypeAlias = tuple[str, str, str]
TargetKey: TypeAlias = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a FunctionName and a Qualifier lead to: for an alias of two versions, the one that this invocation runs
    (`is_weighted`). `invoked_arn` and `qualifier` are as the caller named the function."""

    snapshot: FunctionSnapshot
    invoked_arn: str
    qualifier: str | None
    is_weighted: bool = False


@dataclass(frozen=True, slots=True)
class _Split:
    """An alias of two versions; `weight` is the share of the second."""

    first: Target
    second: Target
    weight: float

    def pick(self, uniform: float) -> Target:
        """`uniform` is in [0, 1)."""
        return self.second if uniform < self.weight else self.first


_Route: TypeAlias = Target | _Split


@dataclass(slots=True)
class _Known:
    snapshots: dict[str, FunctionSnapshot] = field(default_factory=dict)
    targets: list[TargetKey] = field(default_factory=list)


class Catalog:
    """Snapshots of functions, by how callers name them. `uniform` picks between the versions of a weighted alias: a
    random number in [0, 1)."""

    def __init__(
        self,
        database: Database,
        code: CodeStore,
        images: FunctionImages,
        data_keys: DataKeys,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._images = images
        self._database = database
        self._code = code
        self._data_keys = data_keys
        self._uniform = uniform
        self._routes: dict[TargetKey, _Route] = {}
        self._known: dict[FunctionKey, _Known] = {}
        self._live: dict[FunctionKey, dict[str, str]] = {}
        self._generation = 0
        self.listeners: list[Callable[[str, str, str], None]] = []
        """Told of every function that changed, files of a live folder included, or is gone: account, region, name."""

    def known(self, account: str, region: str, text: str, qualifier: str | None) -> Target | None:
        """What `resolve` found before, unless it changed since."""
        route = self._routes.get((account, region, text, qualifier))
        return route.pick(self._uniform()) if isinstance(route, _Split) else route

    async def resolve(self, account: str, region: str, text: str, qualifier: str | None) -> Target:
        """Raises AWS's error when there is no such function, version or alias, or it cannot be invoked now."""
        target = self.known(account, region, text, qualifier)
        if target is not None:
            return target
        named = names.parse(text, account, region, qualifier)
        generation = self._generation
        is_guarded = await self._database.read(lambda tx: _is_guarded(tx, named))
        try:
            route = await self._route(named)
        except ApiError:
            if generation == self._generation:
                raise
            # An alias may have moved, and its version been deleted, between two reads.
            route = await self._route(named)
        function = (named.account, named.region, named.name)
        if generation == self._generation and _is_live(route):
            self._look_for_edits(function, route)
        elif generation == self._generation and not is_guarded:
            self._remember((account, region, text, qualifier), function, route)
        return route.pick(self._uniform()) if isinstance(route, _Split) else route

    def forget(self, account: str, region: str, name: str) -> None:
        """The function changed or is gone."""
        self._generation += 1
        self._live.pop((account, region, name), None)
        known = self._known.pop((account, region, name), None)
        if known is not None:
            for key in known.targets:
                self._routes.pop(key, None)
        self._tell((account, region, name))

    async def _route(self, named: names.Named) -> _Route:
        version, second, weight = await self._versions(named)
        snapshot = await self._snapshot(named, version)
        if second is None:
            return Target(snapshot=snapshot, invoked_arn=named.arn, qualifier=named.qualifier)
        first, other = (
            Target(snapshot=chosen, invoked_arn=named.arn, qualifier=named.qualifier, is_weighted=True)
            for chosen in (snapshot, await self._snapshot(named, second))
        )
        return _Split(first, other, weight)

    async def _versions(self, named: names.Named) -> tuple[str, str | None, float]:
        """The version that was named, or those of the alias: the first, the second if any, and the second's share."""
        if names.is_version(named.version):
            return named.version, None, 0.0
        alias = await self._database.read(
            lambda tx: tables.aliases.get(tx, named.account, named.region, named.name, named.version)
        )
        if alias is None:
            raise refusals.function_not_found(named.arn)
        second, weight = next(iter(alias.routing.items()), (None, 0.0))
        return alias.version, second, weight

    async def _snapshot(self, named: names.Named, number: str) -> FunctionSnapshot:
        known = self._known.get((named.account, named.region, named.name))
        if known is not None and number in known.snapshots:
            return known.snapshots[number]
        function, version = await self._database.read(lambda tx: _read(tx, named, number))
        deployment = version.serving
        if deployment is None:
            raise snap_start.not_ready() if snap_start.is_pending(version) else refusals.not_active(version.state)
        settings = deployment.settings
        if settings.sealed_environment is not None:
            await self._data_keys.load(settings.shown.get("KMSKeyArn", ""), named.account, named.region)
            return await self._snapshot(named, number)
        return await self._describe(function, version, deployment)

    async def describe_pending(self, version: Version) -> FunctionSnapshot | None:
        """What invocations of a version that is not Active yet will run; None when it is gone."""
        function, current = await self._database.read(
            lambda tx: (
                store.function(tx, version.account, version.region, version.name),
                store.version(tx, version.account, version.region, version.name, version.version),
            )
        )
        if function is None or current is None:
            return None
        settings = current.deployment.settings
        if settings.sealed_environment is not None:
            await self._data_keys.load(settings.shown.get("KMSKeyArn", ""), version.account, version.region)
            return await self.describe_pending(version)
        return await self._describe(function, current, current.deployment)

    async def _describe(self, function: Function, version: Version, deployment: Deployment) -> FunctionSnapshot:
        settings = deployment.settings
        image = await self._images.to_run(deployment) if deployment.code.image is not None else None
        if image is not None:
            task_dir = image.root / "var" / "task"
        else:
            task_dir = await self._code.task_dir(deployment.code)
        opt_dir = await self._code.opt_dir(settings.layers)
        is_live = any(code.folder is not None for code in (deployment.code, *(use.code for use in settings.layers)))
        return FunctionSnapshot(
            ref=FunctionRef(account=function.account, region=function.region, name=function.name),
            version=version.version,
            revision_id=f"{deployment.revision_id} {task_dir} {opt_dir}" if is_live else deployment.revision_id,
            runtime=settings.runtime,
            handler=settings.handler,
            role=settings.role,
            memory_mib=settings.memory_mib,
            timeout_s=settings.timeout_s,
            tmp_mib=settings.tmp_mib,
            environment=settings.environment or {},
            task_dir=task_dir,
            opt_dir=opt_dir,
            is_live=is_live,
            logging=_logging(settings.logging),
            architecture=settings.architecture,
            tracing_active=settings.tracing == "Active",
            reserved_concurrency=function.reserved_concurrency,
            recursive_loop=function.recursive_loop,
            has_way_out=settings.has_way_out,
            snap_start=version.is_optimized,
            image=image,
        )

    def _look_for_edits(self, function: FunctionKey, route: _Route) -> None:
        revisions = self._live.setdefault(function, {})
        before = dict(revisions)
        for target in _targets(route):
            revisions[target.snapshot.version] = target.snapshot.revision_id
        if any(revisions[version] != revision for version, revision in before.items()):
            self._tell(function)

    def _tell(self, function: FunctionKey) -> None:
        for tell in self.listeners:
            tell(*function)

    def _remember(self, key: TargetKey, function: FunctionKey, route: _Route) -> None:
        if len(self._routes) >= TARGETS_MAX:
            self._routes.clear()
            self._known.clear()
        known = self._known.setdefault(function, _Known())
        for target in _targets(route):
            known.snapshots[target.snapshot.version] = target.snapshot
        known.targets.append(key)
        self._routes[key] = route


def _targets(route: _Route) -> tuple[Target, ...]:
    return (route.first, route.second) if isinstance(route, _Split) else (route,)


def _is_live(route: _Route) -> bool:
    """Whether the code is a folder that has to be looked at for every invocation."""
    return any(target.snapshot.is_live for target in _targets(route))


def _is_guarded(tx: Transaction, named: names.Named) -> bool:
    """Whether its policy has to be asked every time, because it denies something to somebody."""
    policy = tables.policies.get(tx, named.account, named.region, named.name, named.qualifier or "")
    return policy is not None and policies.has_denials(policy.statements)


def _read(tx: Transaction, named: names.Named, number: str) -> tuple[Function, Version]:
    function = store.function(tx, named.account, named.region, named.name)
    version = store.version(tx, named.account, named.region, named.name, number)
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
