"""Reserved concurrency. https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""

from dataclasses import replace

from ramuda.kernel import limits
from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.model import Function
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import lifecycle, names, refusals


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
        others = [
            other.reserved_concurrency or 0
            for other in store.functions(tx, named.account, named.region)
            if other.name != named.name
        ]
        lifecycle.check_reserved(reserved, others, room.options.account_concurrency, limits.UNRESERVED_CONCURRENCY_MIN)
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
