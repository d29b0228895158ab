"""What other services say of a function's settings, asked before they are stored: EC2 of its VPC, KMS of its key."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from ramuda.kernel.call import Call
from ramuda.services.lambda_.model import Settings
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.vpcs import Surroundings

Examined: TypeAlias = Callable[[Settings], Settings]


async def examine(room: Room, call: Call) -> Examined:
    """Asks about the members of CreateFunction or UpdateFunctionConfiguration; the answer puts into the settings what
    was found. Raises Lambda's refusals."""
    params = call.params
    if params.get("KMSKeyArn"):
        await room.data_keys.prepare(params["KMSKeyArn"], call.account, call.region)
    if "VpcConfig" not in params:
        return lambda settings: settings
    found = await room.vpcs.examine(params["VpcConfig"], call.account, call.region)
    return lambda settings: _in_vpc(settings, found)


def _in_vpc(settings: Settings, found: Surroundings) -> Settings:
    shown = {**settings.shown, "VpcConfig": {**settings.shown["VpcConfig"], "VpcId": found.vpc_id}}
    return replace(settings, shown=shown, has_way_out=found.has_way_out)
