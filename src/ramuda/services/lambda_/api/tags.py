"""Tags of functions. https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html"""

from collections.abc import Callable
from dataclasses import replace

from ramuda.kernel.arn import Arn
from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import names, refusals, tagging


async def list_tags(room: Room, call: Call) -> Result:
    named = _resource(call)
    function = await room.database.read(lambda tx: reading.function(tx, named))
    return {"Tags": function.tags}


async def tag_resource(room: Room, call: Call) -> Result:
    if not call.params["Tags"]:
        raise refusals.nothing_to_tag()
    await _change(room, call, lambda tags: tagging.merged(tags, call.params["Tags"]))
    return {}


async def untag_resource(room: Room, call: Call) -> Result:
    if not call.params["TagKeys"]:
        raise refusals.nothing_to_tag()
    await _change(room, call, lambda tags: tagging.without(tags, call.params["TagKeys"]))
    return {}


async def _change(room: Room, call: Call, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    named = _resource(call)

    def write(tx: Transaction) -> None:
        function = reading.function(tx, named)
        store.put_function(tx, replace(function, tags=change(function.tags)))

    await room.database.write(write)


def _resource(call: Call) -> names.Named:
    text = call.params["Resource"]
    try:
        kind = Arn.parse(text).resource.partition(":")[0]
    except ValueError:
        kind = ""
    if kind != "function":
        raise refusals.unsupported("Tagging of anything but functions")
    named = names.parse(text, call.account, call.region)
    if named.qualifier is not None:
        raise refusals.tags_need_a_function()
    return named


OPERATIONS = {
    "ListTags": list_tags,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
