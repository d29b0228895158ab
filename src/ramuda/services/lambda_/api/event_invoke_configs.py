"""Settings of asynchronous invocation, for `$LATEST`, a version or an alias.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html and its neighbours. A destination
may be named that the execution role has no permission for: roles' policies are not evaluated.
"""

from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.model import EventInvokeConfig
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import event_invoke, names, paging
from ramuda.services.lambda_.store import tables


async def put_function_event_invoke_config(room: Room, call: Call) -> Result:
    named = reading.named(call)
    event_invoke.check_given(call.params)
    config = event_invoke.made(named, call.params, room.clock.time())

    def write(tx: Transaction) -> None:
        _check_function(tx, named)
        _put(tx, config)

    await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return event_invoke.shape(config)


async def update_function_event_invoke_config(room: Room, call: Call) -> Result:
    named = reading.named(call)
    event_invoke.check_given(call.params)

    def write(tx: Transaction) -> EventInvokeConfig:
        config = event_invoke.changed(_config(tx, named), call.params, room.clock.time())
        _put(tx, config)
        return config

    config = await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return event_invoke.shape(config)


async def get_function_event_invoke_config(room: Room, call: Call) -> Result:
    named = reading.named(call)
    return event_invoke.shape(await room.database.read(lambda tx: _config(tx, named)))


async def delete_function_event_invoke_config(room: Room, call: Call) -> Result:
    named = reading.named(call)

    def write(tx: Transaction) -> None:
        if not tables.event_invoke_configs.delete(tx, named.account, named.region, named.name, named.version):
            raise event_invoke.not_found(named)

    await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return {}


async def list_function_event_invoke_configs(room: Room, call: Call) -> Result:
    named = reading.unqualified(call)
    limit = paging.size(call.params.get("MaxItems"))
    (after,) = paging.key(call.params.get("Marker"), ("",))

    def read(tx: Transaction) -> list[EventInvokeConfig]:
        if store.function(tx, named.account, named.region, named.name) is None:
            raise event_invoke.no_function()
        return tables.event_invoke_configs.of(tx, named.account, named.region, named.name)

    found = [config for config in await room.database.read(read) if config.qualifier > after]
    shown, more = paging.page(found, limit)
    result: Result = {"FunctionEventInvokeConfigs": [event_invoke.shape(config) for config in shown]}
    if more:
        result["NextMarker"] = paging.marker((shown[-1].qualifier,))
    return result


def _check_function(tx: Transaction, named: names.Named) -> None:
    """Whether there is what is to be configured."""
    if not _exists(tx, named):
        raise event_invoke.no_function()


def _put(tx: Transaction, config: EventInvokeConfig) -> None:
    for function in event_invoke.check_destinations(config):
        if not _exists(tx, function):
            raise event_invoke.invalid_destination(function.arn)
    tables.event_invoke_configs.put(tx, config.account, config.region, config.name, config.qualifier, config)


def _exists(tx: Transaction, named: names.Named) -> bool:
    if names.is_version(named.version):
        return store.version(tx, named.account, named.region, named.name, named.version) is not None
    return tables.aliases.get(tx, named.account, named.region, named.name, named.version) is not None


def _config(tx: Transaction, named: names.Named) -> EventInvokeConfig:
    config = tables.event_invoke_configs.get(tx, named.account, named.region, named.name, named.version)
    if config is None:
        raise event_invoke.not_found(named)
    return config


OPERATIONS = {
    "PutFunctionEventInvokeConfig": put_function_event_invoke_config,
    "UpdateFunctionEventInvokeConfig": update_function_event_invoke_config,
    "GetFunctionEventInvokeConfig": get_function_event_invoke_config,
    "DeleteFunctionEventInvokeConfig": delete_function_event_invoke_config,
    "ListFunctionEventInvokeConfigs": list_function_event_invoke_configs,
}
