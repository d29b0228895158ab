"""Published versions. https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html"""

from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import iso_milliseconds
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.model import Function, Version
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import configuration, lifecycle, paging, refusals, shapes


async def publish_version(room: Room, call: Call) -> Result:
    params = call.params
    named = reading.unqualified_or_latest(call)
    configuration.refuse_unsupported(params)

    def write(tx: Transaction) -> Version:
        function, latest = reading.function(tx, named), reading.version(tx, named)
        lifecycle.check_changeable(latest, params.get("RevisionId"))
        current = shapes.code_sha256(latest.deployment.code)
        if params.get("CodeSha256", current) != current:
            raise refusals.other_code(params["CodeSha256"], current)
        return publish(tx, room, function, latest, description=params.get("Description"))

    version = await room.database.write(write)
    if version.unsettled:
        room.transitions.begin(version)
    return shapes.configuration(version)


async def list_versions_by_function(room: Room, call: Call) -> Result:
    named = reading.unqualified_or_latest(call)
    limit = paging.size(call.params.get("MaxItems"))
    (after,) = paging.key(call.params.get("Marker"), (-1,))

    def read(tx: Transaction) -> list[Version]:
        reading.function(tx, named)
        return store.versions_of(tx, named.account, named.region, named.name, after=after, limit=limit + 1)

    shown, more = paging.page(await room.database.read(read), limit)
    result: Result = {"Versions": [shapes.listed(version, arn=shapes.qualified_arn(version)) for version in shown]}
    if more:
        result["NextMarker"] = paging.marker((shown[-1].number,))
    return result


def publish(tx: Transaction, room: Room, function: Function, latest: Version, *, description: str | None) -> Version:
    """Makes a version of `$LATEST` and gives `$LATEST` a new revision; returns the last version again when nothing
    changed since."""
    last = store.last_published(tx, function.account, function.region, function.name)
    if last is not None and lifecycle.unchanged_since(latest, last):
        return last
    lifecycle.check_storage(
        store.code_bytes(tx, function.account, function.region),
        latest.deployment.code.size,
        room.options.code_storage_bytes,
    )
    version = lifecycle.published(
        latest,
        function.last_version + 1,
        description=description,
        now=iso_milliseconds(room.clock.time()),
        revision_id=room.ids.uuid(),
    )
    store.put_version(tx, version)
    store.put_version(tx, replace(latest, revision_id=room.ids.uuid()))
    store.put_function(tx, replace(function, last_version=version.number))
    return version


OPERATIONS = {
    "PublishVersion": publish_version,
    "ListVersionsByFunction": list_versions_by_function,
}
