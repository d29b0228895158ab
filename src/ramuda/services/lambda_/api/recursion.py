"""Whether recursive loops of a function are stopped. https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html"""

from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.room import Room


async def get_function_recursion_config(room: Room, call: Call) -> Result:
    named = reading.unqualified(call)
    function = await room.database.read(lambda tx: reading.function(tx, named))
    return {"RecursiveLoop": function.recursive_loop}


async def put_function_recursion_config(room: Room, call: Call) -> Result:
    named = reading.unqualified(call)
    setting = call.params["RecursiveLoop"]

    def write(tx: Transaction) -> None:
        store.put_function(tx, replace(reading.function(tx, named), recursive_loop=setting))

    await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return {"RecursiveLoop": setting}


OPERATIONS = {
    "GetFunctionRecursionConfig": get_function_recursion_config,
    "PutFunctionRecursionConfig": put_function_recursion_config,
}
