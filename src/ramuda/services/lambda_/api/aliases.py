"""Aliases. https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html"""

from dataclasses import replace

from ramuda.kernel.arn import function_arn
from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import provisioned_concurrency, reading
from ramuda.services.lambda_.model import Alias, Version
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import aliases as rules
from ramuda.services.lambda_.rules import names, paging, refusals
from ramuda.services.lambda_.store import tables


async def create_alias(room: Room, call: Call) -> Result:
    params = call.params
    named = reading.unqualified(call)
    alias = Alias(
        account=named.account,
        region=named.region,
        name=named.name,
        alias=params["Name"],
        version=params["FunctionVersion"],
        description=params.get("Description", ""),
        routing=rules.routing(params.get("RoutingConfig")),
        revision_id=room.ids.uuid(),
    )

    def write(tx: Transaction) -> None:
        reading.function(tx, named)
        _check(tx, alias)
        if _find(tx, named, alias.alias) is not None:
            raise rules.exists(alias.arn)
        _put(tx, alias)

    await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return rules.shape(alias)


async def get_alias(room: Room, call: Call) -> Result:
    named, name = reading.unqualified(call), call.params["Name"]
    alias = await room.database.read(lambda tx: _find(tx, named, name))
    if alias is None:
        raise rules.not_found(_arn(named, name))
    return rules.shape(alias)


async def list_aliases(room: Room, call: Call) -> Result:
    params = call.params
    named, version = reading.unqualified(call), params.get("FunctionVersion")
    limit = paging.size(params.get("MaxItems"))
    (after,) = paging.key(params.get("Marker"), ("",))

    def read(tx: Transaction) -> list[Alias]:
        reading.function(tx, named)
        return tables.aliases.of(tx, named.account, named.region, named.name)

    found = [
        alias
        for alias in await room.database.read(read)
        if alias.alias > after and (version is None or rules.points_at(alias, version))
    ]
    shown, more = paging.page(found, limit)
    result: Result = {"Aliases": [rules.shape(alias) for alias in shown]}
    if more:
        result["NextMarker"] = paging.marker((shown[-1].alias,))
    return result


async def update_alias(room: Room, call: Call) -> Result:
    params = call.params
    named = reading.unqualified(call)

    def write(tx: Transaction) -> Alias:
        before = _find(tx, named, params["Name"])
        if before is None:
            raise rules.not_updatable(_arn(named, params["Name"]))
        if params.get("RevisionId", before.revision_id) != before.revision_id:
            raise refusals.stale_revision()
        alias = replace(
            before,
            version=params.get("FunctionVersion", before.version),
            description=params.get("Description", before.description),
            routing=rules.routing(params["RoutingConfig"]) if "RoutingConfig" in params else before.routing,
            revision_id=room.ids.uuid(),
        )
        _check(tx, alias)
        _put(tx, alias)
        provisioned_concurrency.check_moved(tx, alias)
        return alias

    alias = await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return rules.shape(alias)


async def delete_alias(room: Room, call: Call) -> Result:
    named, name = reading.unqualified(call), call.params["Name"]

    def write(tx: Transaction) -> None:
        reading.function(tx, named)
        if tables.aliases.delete(tx, named.account, named.region, named.name, name):
            store.delete_of_qualifier(tx, named.account, named.region, named.name, name)

    await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return {}


def _check(tx: Transaction, alias: Alias) -> None:
    rules.check(alias)
    first = _version(tx, alias, alias.version)
    for number in alias.routing:
        rules.check_alike(first, _version(tx, alias, number))


def _version(tx: Transaction, alias: Alias, number: str) -> Version:
    found = store.version(tx, alias.account, alias.region, alias.name, number)
    if found is None:
        raise refusals.function_not_found(function_arn(alias.account, alias.region, alias.name, number))
    return found


def _find(tx: Transaction, named: names.Named, alias: str) -> Alias | None:
    return tables.aliases.get(tx, named.account, named.region, named.name, alias)


def _put(tx: Transaction, alias: Alias) -> None:
    tables.aliases.put(tx, alias.account, alias.region, alias.name, alias.alias, alias)


def _arn(named: names.Named, alias: str) -> str:
    return function_arn(named.account, named.region, named.name, alias)


OPERATIONS = {
    "CreateAlias": create_alias,
    "GetAlias": get_alias,
    "ListAliases": list_aliases,
    "UpdateAlias": update_alias,
    "DeleteAlias": delete_alias,
}
