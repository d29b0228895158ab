"""Reserved concurrency. https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""

from collections import defaultdict
from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.model import Function
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import concurrency as rules
from ramuda.services.lambda_.rules import names, refusals
from ramuda.services.lambda_.store import tables


async def get_function_concurrency(room: Room, call: Call) -> Result:
    named = reading.unqualified(call)
    function = await room.database.read(lambda tx: reading.function(tx, named))
    if function.reserved_concurrency is None:
        return {}
    return {"ReservedConcurrentExecutions": function.reserved_concurrency}


async def put_function_concurrency(room: Room, call: Call) -> Result:
    named = reading.unqualified(call)
    reserved = call.params["ReservedConcurrentExecutions"]

    def write(tx: Transaction) -> None:
        function = _function(tx, named)
        others = uses(tx, named.account, named.region)
        own = others.pop(named.name)
        taken = sum(use.taken for use in others.values())
        rules.check_reserved(reserved, own.provisioned, taken, room.options.account_concurrency)
        store.put_function(tx, replace(function, reserved_concurrency=reserved))

    await room.database.write(write)
    _announce(room, named, reserved)
    return {"ReservedConcurrentExecutions": reserved}


async def delete_function_concurrency(room: Room, call: Call) -> Result:
    named = reading.unqualified(call)

    def write(tx: Transaction) -> None:
        store.put_function(tx, replace(_function(tx, named), reserved_concurrency=None))

    await room.database.write(write)
    _announce(room, named, None)
    return {}


def uses(tx: Transaction, account: str, region: str, *, but: tuple[str, str] | None = None) -> dict[str, rules.Use]:
    """What every function takes of the account's concurrency, by name; `but` leaves out what is provisioned for one
    (function, qualifier)."""
    provisioned: defaultdict[str, int] = defaultdict(int)
    for config in tables.provisioned.all(tx, account, region):
        if (config.name, config.qualifier) != but:
            provisioned[config.name] += config.requested
    return {
        function.name: rules.Use(reserved=function.reserved_concurrency, provisioned=provisioned[function.name])
        for function in store.functions(tx, account, region)
    }


def _announce(room: Room, named: names.Named, reserved: int | None) -> None:
    room.catalog.forget(named.account, named.region, named.name)
    room.reserve(named.account, named.region, named.name, reserved)


def _function(tx: Transaction, named: names.Named) -> Function:
    found = store.function(tx, named.account, named.region, named.name)
    if found is None:
        raise refusals.function_not_found(f"{named.function_arn}:{named.version}")  # qualified, as recorded
    return found


OPERATIONS = {
    "GetFunctionConcurrency": get_function_concurrency,
    "PutFunctionConcurrency": put_function_concurrency,
    "DeleteFunctionConcurrency": delete_function_concurrency,
}
