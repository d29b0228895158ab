"""Code signing. No function has a configuration yet: the answer AWS gives then is empty (recorded)."""

from ramuda.kernel.call import Call, Result
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.room import Room


async def get_function_code_signing_config(room: Room, call: Call) -> Result:
    named = reading.unqualified(call)
    await room.database.read(lambda tx: reading.function(tx, named))
    return {}


OPERATIONS = {"GetFunctionCodeSigningConfig": get_function_code_signing_config}
