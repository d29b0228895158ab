"""Tags of functions, code signing configurations and event source mappings.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
"""

from collections.abc import Callable
from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import refusals, tagging


async def list_tags(room: Room, call: Call) -> Result:
    resource = tagging.taggable(call.params["Resource"], call.account, call.region)

    def read(tx: Transaction) -> dict[str, str]:
        if not isinstance(resource, str):
            return reading.function(tx, resource).tags
        _check_is_there(tx, call, resource)
        return store.tags_of(tx, call.account, call.region, resource)

    return {"Tags": await room.database.read(read)}


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
    resource = tagging.taggable(call.params["Resource"], call.account, call.region)

    def write(tx: Transaction) -> None:
        if not isinstance(resource, str):
            function = reading.function(tx, resource)
            store.put_function(tx, replace(function, tags=change(function.tags)))
            return
        _check_is_there(tx, call, resource)
        tags = store.tags_of(tx, call.account, call.region, resource)
        store.put_tags(tx, call.account, call.region, resource, change(tags))

    await room.database.write(write)


def _check_is_there(tx: Transaction, call: Call, resource: str) -> None:
    if not store.is_there(tx, call.account, call.region, resource):
        raise tagging.not_found(call.params["Resource"])


OPERATIONS = {
    "ListTags": list_tags,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
