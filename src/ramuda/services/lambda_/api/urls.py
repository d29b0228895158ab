"""Function URL configurations. https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html"""

from dataclasses import replace
from datetime import UTC, datetime

from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.model import FunctionUrl
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import names, paging, url_configs
from ramuda.services.lambda_.store import tables


async def create_function_url_config(room: Room, call: Call) -> Result:
    named = reading.named(call)
    params, now = call.params, _now(room)
    url = FunctionUrl(
        account=named.account,
        region=named.region,
        name=named.name,
        qualifier=named.qualifier or "",
        url_id=_new_id(room),
        auth_type=params["AuthType"],
        invoke_mode=params.get("InvokeMode"),
        cors=url_configs.cors(params.get("Cors")),
        creation_time=now,
        last_modified_time=now,
    )

    def write(tx: Transaction) -> None:
        _check_function(tx, named)
        if _get(tx, named) is not None:
            raise url_configs.exists(named.arn)
        _put(tx, url)

    await room.database.write(write)
    room.urls.add(url)
    return url_configs.configuration(url, call.endpoint)


async def get_function_url_config(room: Room, call: Call) -> Result:
    named = reading.named(call)
    url = await room.database.read(lambda tx: _existing(tx, named))
    return url_configs.described(url, call.endpoint)


async def update_function_url_config(room: Room, call: Call) -> Result:
    named = reading.named(call)
    params = call.params

    def write(tx: Transaction) -> FunctionUrl:
        _check_function(tx, named)
        url = _existing(tx, named)
        url = replace(
            url,
            auth_type=params.get("AuthType", url.auth_type),
            invoke_mode=params.get("InvokeMode", url.invoke_mode),
            cors=url_configs.cors(params["Cors"]) if "Cors" in params else url.cors,
            last_modified_time=_now(room),
        )
        _put(tx, url)
        return url

    return url_configs.updated(await room.database.write(write), call.endpoint)


async def delete_function_url_config(room: Room, call: Call) -> Result:
    named = reading.named(call)

    def write(tx: Transaction) -> FunctionUrl:
        url = _existing(tx, named)
        tables.urls.delete(tx, named.account, named.region, named.name, named.qualifier or "")
        return url

    room.urls.drop(await room.database.write(write))
    return {}


async def list_function_url_configs(room: Room, call: Call) -> Result:
    """Those of the function and of its aliases, whichever the name says."""
    named = reading.named(call)
    (after,) = paging.key(call.params.get("Marker"), ("",))
    limit = paging.size(call.params.get("MaxItems"))

    def read(tx: Transaction) -> list[FunctionUrl]:
        if store.function(tx, named.account, named.region, named.name) is None:
            raise url_configs.no_function()
        return tables.urls.of(tx, named.account, named.region, named.name)

    urls = await room.database.read(read)
    # The marker is the last qualifier shown, with a mark of its own: the function's own URL has none.
    found = [url for url in urls if f"-{url.qualifier}" > after]
    shown, more = paging.page(found, limit)
    result: Result = {"FunctionUrlConfigs": [url_configs.described(url, call.endpoint) for url in shown]}
    if more:
        result["NextMarker"] = paging.marker((f"-{shown[-1].qualifier}",))
    return result


def _check_function(tx: Transaction, named: names.Named) -> None:
    """Raises unless the function, and the alias that was named, are there."""
    account, region, name = named.account, named.region, named.name
    if store.function(tx, account, region, name) is None:
        raise url_configs.no_function()
    if named.qualifier and tables.aliases.get(tx, account, region, name, named.qualifier) is None:
        raise url_configs.no_function()


def _existing(tx: Transaction, named: names.Named) -> FunctionUrl:
    url = _get(tx, named)
    if url is None:
        raise url_configs.no_configuration()
    return url


def _get(tx: Transaction, named: names.Named) -> FunctionUrl | None:
    return tables.urls.get(tx, named.account, named.region, named.name, named.qualifier or "")


def _put(tx: Transaction, url: FunctionUrl) -> None:
    tables.urls.put(tx, url.account, url.region, url.name, url.qualifier, url)


def _new_id(room: Room) -> str:
    """Two UUIDs have 244 random bits; a URL's id is never given out twice, not even after the URL was deleted."""
    while True:
        url_id = url_configs.url_id(int((room.ids.uuid() + room.ids.uuid()).replace("-", ""), 16))
        if not room.urls.has(url_id):
            return url_id


def _now(room: Room) -> str:
    """`2026-11-21T05:24:00.123456Z`."""
    return datetime.fromtimestamp(room.clock.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


OPERATIONS = {
    "CreateFunctionUrlConfig": create_function_url_config,
    "GetFunctionUrlConfig": get_function_url_config,
    "UpdateFunctionUrlConfig": update_function_url_config,
    "DeleteFunctionUrlConfig": delete_function_url_config,
    "ListFunctionUrlConfigs": list_function_url_configs,
}
