"""Provisioned concurrency. https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html

What is asked for is stored; `provisioning` has it started, and the invoker says how far that is."""

from collections.abc import Iterable

from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import iso_seconds
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import concurrency, reading
from ramuda.services.lambda_.model import LATEST, Alias, ProvisionedConcurrency
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import aliases as alias_rules
from ramuda.services.lambda_.rules import concurrency as sums
from ramuda.services.lambda_.rules import concurrency_provisioned as rules
from ramuda.services.lambda_.rules import names, paging, refusals
from ramuda.services.lambda_.store import tables


async def put_provisioned_concurrency_config(room: Room, call: Call) -> Result:
    named = reading.named(call)
    config = ProvisionedConcurrency(
        account=named.account,
        region=named.region,
        name=named.name,
        qualifier=named.version,
        requested=call.params["ProvisionedConcurrentExecutions"],
        last_modified=iso_seconds(room.clock.time()),
    )

    def write(tx: Transaction) -> None:
        if named.version == LATEST:
            raise rules.unpublished()
        alias = _named_alias(tx, named)
        if alias is not None:
            rules.check_alias(alias)
        _check_versions(tx, named, rules.versions(alias) if alias is not None else [named.version])
        _check_free(tx, named)
        _check_sums(tx, room, config)
        tables.provisioned.put(tx, named.account, named.region, named.name, config.qualifier, config)

    await room.database.write(write)
    room.provisioning.begin(named.account, named.region, named.name)
    shown = rules.shape(config, room.invoker.provisioned(named.function_arn))
    shown.pop("StatusReason", None)
    return {**shown, "Status": "IN_PROGRESS"}


async def get_provisioned_concurrency_config(room: Room, call: Call) -> Result:
    named = reading.named(call)

    def read(tx: Transaction) -> ProvisionedConcurrency | None:
        _check_provisionable(tx, named)
        return tables.provisioned.get(tx, named.account, named.region, named.name, named.version)

    config = await room.database.read(read)
    if config is None:
        raise rules.not_configured()
    return rules.shape(config, room.invoker.provisioned(named.function_arn))


async def delete_provisioned_concurrency_config(room: Room, call: Call) -> Result:
    named = reading.named(call)

    def write(tx: Transaction) -> bool:
        _check_provisionable(tx, named)
        return tables.provisioned.delete(tx, named.account, named.region, named.name, named.version)

    if await room.database.write(write):
        room.provisioning.begin(named.account, named.region, named.name)
    return {}


async def list_provisioned_concurrency_configs(room: Room, call: Call) -> Result:
    named = reading.unqualified(call)
    limit = paging.size(call.params.get("MaxItems"))
    (after,) = paging.key(call.params.get("Marker"), ("",))

    def read(tx: Transaction) -> list[ProvisionedConcurrency]:
        reading.function(tx, named)
        return tables.provisioned.of(tx, named.account, named.region, named.name)

    found = [config for config in await room.database.read(read) if config.qualifier > after]
    shown, more = paging.page(found, limit)
    states = room.invoker.provisioned(named.function_arn)
    result: Result = {
        "ProvisionedConcurrencyConfigs": [
            {"FunctionArn": config.arn, **rules.shape(config, states)} for config in shown
        ]
    }
    if more:
        result["NextMarker"] = paging.marker((shown[-1].qualifier,))
    return result


def check_moved(tx: Transaction, alias: Alias) -> None:
    """Whether an alias, as it is stored now, may keep the provisioned concurrency that it has, if any."""
    if tables.provisioned.get(tx, alias.account, alias.region, alias.name, alias.alias) is None:
        return
    if alias.version == LATEST:
        raise rules.unpublished()
    named = names.Named(account=alias.account, region=alias.region, name=alias.name, qualifier=alias.alias)
    _check_versions(tx, named, rules.versions(alias))
    _check_free(tx, named)


def _check_versions(tx: Transaction, named: names.Named, versions: Iterable[str]) -> None:
    for number in versions:
        found = store.version(tx, named.account, named.region, named.name, number)
        if found is not None:
            rules.check_version(found)


def _check_free(tx: Transaction, named: names.Named) -> None:
    rules.check_free(
        named.version,
        tables.aliases.of(tx, named.account, named.region, named.name),
        [config.qualifier for config in tables.provisioned.of(tx, named.account, named.region, named.name)],
    )


def _check_sums(tx: Transaction, room: Room, config: ProvisionedConcurrency) -> None:
    uses = concurrency.uses(tx, config.account, config.region, but=(config.name, config.qualifier))
    own = uses.pop(config.name)
    taken = sum(use.taken for use in uses.values())
    sums.check_provisioned(config.requested, own, taken, room.options.account_concurrency)


def _check_provisionable(tx: Transaction, named: names.Named) -> None:
    if named.version == LATEST:
        raise rules.not_provisionable()
    _named_alias(tx, named)


def _named_alias(tx: Transaction, named: names.Named) -> Alias | None:
    """None for a version. Raises AWS's error when the one or the other is not there."""
    if names.is_version(named.version):
        if store.version(tx, named.account, named.region, named.name, named.version) is None:
            raise refusals.function_not_found(named.arn)
        return None
    alias = tables.aliases.get(tx, named.account, named.region, named.name, named.version)
    if alias is None:
        raise alias_rules.not_found(named.arn)
    return alias


OPERATIONS = {
    "PutProvisionedConcurrencyConfig": put_provisioned_concurrency_config,
    "GetProvisionedConcurrencyConfig": get_provisioned_concurrency_config,
    "DeleteProvisionedConcurrencyConfig": delete_provisioned_concurrency_config,
    "ListProvisionedConcurrencyConfigs": list_provisioned_concurrency_configs,
}
