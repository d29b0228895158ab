"""When a function's runtime is updated: kept and shown. There is one release of each runtime here, so nothing ever is.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html
"""

from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import refusals, shapes


async def get_runtime_management_config(room: Room, call: Call) -> Result:
    named = reading.named(call)

    def read(tx: Transaction) -> Result:
        version = reading.version(tx, named)
        chosen = reading.function(tx, named).runtime_management.get(version.version, {"UpdateRuntimeOn": "Auto"})
        return {**chosen, "FunctionArn": shapes.qualified_arn(version)}

    return await room.database.read(read)


async def put_runtime_management_config(room: Room, call: Call) -> Result:
    named = reading.named(call)
    members = ("UpdateRuntimeOn", "RuntimeVersionArn")
    chosen = {member: call.params[member] for member in members if call.params.get(member)}
    if (chosen["UpdateRuntimeOn"] == "Manual") != ("RuntimeVersionArn" in chosen):
        raise refusals.invalid("RuntimeVersionArn is required for, and only for, runtime update mode Manual.")  # ours

    def write(tx: Transaction) -> Result:
        version, function = reading.version(tx, named), reading.function(tx, named)
        modes = {**function.runtime_management, version.version: chosen}
        store.put_function(tx, replace(function, runtime_management=modes))
        return {**chosen, "FunctionArn": shapes.qualified_arn(version)}

    return await room.database.write(write)


OPERATIONS = {
    "GetRuntimeManagementConfig": get_runtime_management_config,
    "PutRuntimeManagementConfig": put_runtime_management_config,
}
