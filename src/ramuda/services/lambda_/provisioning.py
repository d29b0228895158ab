"""Has provisioned concurrency started where it is configured, and ended where it is not any more.

The configurations are on disk; `resume` begins again after a restart. Whenever a function changes that has some (its
aliases move, a version becomes active, it is deleted), what the invoker shall keep is worked out anew."""

import asyncio
import logging
from typing import TypeAlias

from ramuda.kernel.arn import function_arn
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.ports.database import Database, Transaction
from ramuda.kernel.ports.invoker import Invoker, Provision
from ramuda.services.lambda_.catalog import Catalog
from ramuda.services.lambda_.model import LATEST, Alias, ProvisionedConcurrency
from ramuda.services.lambda_.rules import concurrency_provisioned as rules
from ramuda.services.lambda_.store import tables

log = logging.getLogger(__name__)

READ_AGAIN_S = 5.0

FunctionKey: TypeAlias = tuple[str, str, str]
"""Account, region, name."""


class Provisioning:
    """Owns one task for each function that is being looked at."""

    def __init__(self, database: Database, catalog: Catalog, invoker: Invoker, clock: Clock) -> None:
        self._database = database
        self._catalog = catalog
        self._invoker = invoker
        self._clock = clock
        self._known: set[FunctionKey] = set()
        self._tasks: dict[FunctionKey, asyncio.Task[None]] = {}
        self._again: set[FunctionKey] = set()
        self._is_stopped = False

    def begin(self, account: str, region: str, name: str) -> None:
        """The function's configurations changed."""
        if self._is_stopped:  # the next start looks at every function
            return
        key = (account, region, name)
        self._known.add(key)
        if key in self._tasks:
            self._again.add(key)
        else:
            self._tasks[key] = asyncio.create_task(self._carry_out(key), name=f"lambda-provisioning {name}")

    def changed(self, account: str, region: str, name: str) -> None:
        """Something of the function changed: it is looked at if it has configurations."""
        if (account, region, name) in self._known:
            self.begin(account, region, name)

    async def resume(self) -> None:
        for config in await self._database.read(tables.provisioned.all):
            self.begin(config.account, config.region, config.name)

    async def settled(self) -> None:
        """Waits until nothing is being looked at. What the invoker then does takes longer."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values())

    async def stop(self) -> None:
        self._is_stopped = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry_out(self, key: FunctionKey) -> None:
        try:
            while True:
                self._again.discard(key)
                try:
                    is_done = await self._provision(key)
                except PortError as e:
                    log.warning("lambda.provisioning.not_read function=%s error=%s", key[2], e)
                    is_done = False
                if not is_done:
                    await self._clock.sleep(READ_AGAIN_S)
                    continue
                if key not in self._again:
                    return
        except Exception:  # boundary: one function
            log.exception("lambda.provisioning.broken", extra={"function": key[2]})
        finally:
            del self._tasks[key]

    async def _provision(self, key: FunctionKey) -> bool:
        """False when some version could not be looked at now, and nobody will tell when it can."""
        configs, aliases = await self._database.read(lambda tx: _read(tx, key))
        if configs:
            self._known.add(key)
        else:
            self._known.discard(key)
        wanted: dict[str, Provision] = {}
        is_done = True
        for config in configs:
            for version, environments in _versions(config, aliases).items():
                if environments and version != LATEST and version not in wanted:
                    provision = await self._resolved(config, version, environments)
                    if isinstance(provision, Provision):
                        wanted[version] = provision
                    elif provision.code.startswith("KMS") or provision.fault == "Server":
                        is_done = False
        self._invoker.provision(function_arn(*key), list(wanted.values()))
        return is_done

    async def _resolved(self, config: ProvisionedConcurrency, version: str, environments: int) -> Provision | ApiError:
        """The error while the version cannot be run: `changed` is called when that changes, but for KMS."""
        try:
            target = await self._catalog.resolve(config.account, config.region, config.name, version)
        except ApiError as e:
            log.info("lambda.provisioning.waits function=%s version=%s reason=%s", config.name, version, e)
            return e
        return Provision(function=target.snapshot, qualifier=config.qualifier, environments=environments)


def _read(tx: Transaction, key: FunctionKey) -> tuple[list[ProvisionedConcurrency], dict[str, Alias]]:
    aliases = {alias.alias: alias for alias in tables.aliases.of(tx, *key)}
    return tables.provisioned.of(tx, *key), aliases


def _versions(config: ProvisionedConcurrency, aliases: dict[str, Alias]) -> dict[str, int]:
    alias = aliases.get(config.qualifier)
    return {config.qualifier: config.requested} if alias is None else rules.divided(config.requested, alias)
