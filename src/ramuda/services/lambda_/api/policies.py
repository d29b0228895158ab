"""Resource policies. None can be added yet, so every function and version has none: the answer AWS gives then
(recorded)."""

from ramuda.kernel.call import Call, Result
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import refusals


async def get_policy(room: Room, call: Call) -> Result:
    reading.named(call)
    raise refusals.not_found("The resource you requested does not exist.")


OPERATIONS = {"GetPolicy": get_policy}
