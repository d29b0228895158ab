"""Functions: create, read, list, change, delete.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and its neighbours
"""

from collections.abc import Callable
from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import iso_milliseconds
from ramuda.kernel.ports.database import Conflict, Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import code_signing, layers, reading, surroundings, versions
from ramuda.services.lambda_.model import LATEST, Function, FunctionUrl, Version
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import (
    aliases,
    configuration,
    images,
    lifecycle,
    names,
    paging,
    refusals,
    requests,
    shapes,
    tagging,
)
from ramuda.services.lambda_.store import tables

_CODE_MEMBERS = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "ImageUri")


async def create_function(room: Room, call: Call) -> Result:
    params = call.params
    requests.check_upload(call.headers, call.operation)
    named = names.parse(params["FunctionName"], call.account, call.region)
    names.check_new(named, params["FunctionName"])
    configuration.refuse_unsupported(params)
    configuration.check_source(params["Code"], is_image=images.is_image(params))
    function = Function(
        account=named.account,
        region=named.region,
        name=named.name,
        code_signing_config_arn=code_signing.requested(call),
        tags=tagging.merged({}, params.get("Tags", {})),
    )
    uses = await room.database.read(lambda tx: layers.uses(tx, room, call, params.get("Layers", [])))
    settings = configuration.created(named.name, params, uses)
    settings = (await surroundings.examine(room, call))(settings)
    await room.roles.check(settings.role, call.account)
    if images.is_image(params):
        code = await room.images.accept(params["Code"]["ImageUri"], settings.architecture)
    else:
        code = await room.code.accept(params["Code"], call.account, call.region)
    configuration.check_size(code.unzipped_bytes, uses)
    latest = lifecycle.created(
        function,
        settings=settings,
        code=code,
        description=params.get("Description", ""),
        now=iso_milliseconds(room.clock.time()),
        revision_id=room.ids.uuid(),
    )
    publish = params.get("Publish", False)
    changed = await room.database.write(lambda tx: _add(tx, room, function, latest, publish=publish))
    _begin(room, changed)
    await code_signing.deployed(room, named)
    # With Publish, AWS answers with the new version under the unqualified ARN (recorded).
    return shapes.configuration(changed[-1], arn=function.arn)


def _add(tx: Transaction, room: Room, function: Function, latest: Version, *, publish: bool) -> list[Version]:
    """Stores a new function; the versions that it has then. Raises AWS's refusals for a name that is taken and for
    code beyond the account's storage."""
    code_signing.check_deployment(tx, function)
    stored_bytes = store.code_bytes(tx, function.account, function.region)
    lifecycle.check_storage(stored_bytes, latest.deployment.code.size, room.options.code_storage_bytes)
    try:
        store.add_function(tx, function)
    except Conflict as e:
        raise refusals.function_exists(function.name) from e
    store.put_version(tx, latest)
    if not publish:
        return [latest]
    return [latest, versions.publish(tx, room, function, latest, description=None)]


async def get_function(room: Room, call: Call) -> Result:
    named = reading.named(call)

    def read(tx: Transaction) -> tuple[Version, Function]:
        return reading.version(tx, named), reading.function(tx, named)

    version, function = await room.database.read(read)
    code = version.deployment.code
    result: Result = {
        "Configuration": shapes.configuration(version, arn=named.arn),
        "Code": images.location(code) or {"RepositoryType": "S3", "Location": room.downloads.link(call.endpoint, code)},
    }
    if function.tags:
        result["Tags"] = function.tags
    if function.reserved_concurrency is not None:
        result["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
    return result


async def get_function_configuration(room: Room, call: Call) -> Result:
    named = reading.named(call)
    version = await room.database.read(lambda tx: reading.version(tx, named))
    return shapes.configuration(version, arn=named.arn)


async def list_functions(room: Room, call: Call) -> Result:
    params = call.params
    every_version = params.get("FunctionVersion") == "ALL"
    if "MasterRegion" in params:
        if not every_version:
            raise refusals.invalid("FunctionVersion must be set to ALL when MasterRegion is given.")  # ours
        return {"Functions": []}  # replicas of Lambda@Edge functions: there are none
    limit = paging.size(params.get("MaxItems"))
    after = paging.key(params.get("Marker"), ("", 0))
    found = await room.database.read(
        lambda tx: store.page_of_versions(
            tx,
            call.account,
            call.region,
            after=after,
            limit=limit + 1,
            only_latest=not every_version,
        )
    )
    shown, more = paging.page(found, limit)
    result: Result = {
        "Functions": [shapes.listed(v, arn=shapes.qualified_arn(v) if every_version else None) for v in shown]
    }
    if more:
        result["NextMarker"] = paging.marker((shown[-1].name, shown[-1].number))
    return result


async def update_function_code(room: Room, call: Call) -> Result:
    params = call.params
    requests.check_upload(call.headers, call.operation)
    named = reading.unqualified_or_latest(call)
    configuration.refuse_unsupported(params)
    source = {member: params[member] for member in _CODE_MEMBERS if member in params}
    latest = await room.database.read(lambda tx: _changeable(tx, named, params.get("RevisionId")))
    is_image = latest.deployment.code.image is not None
    configuration.check_source(source, is_image=is_image, verb="updating")
    if is_image:
        architecture = params.get("Architectures", [latest.deployment.settings.architecture])[0]
        code = await room.images.accept(source["ImageUri"], architecture)
    else:
        take = room.code.inspect if params.get("DryRun") else room.code.accept
        code = await take(source, call.account, call.region)

    def change(tx: Transaction, latest: Version) -> Version:
        code_signing.check_deployment(tx, reading.function(tx, named))
        settings = latest.deployment.settings
        if "Architectures" in params:
            settings = replace(settings, architecture=params["Architectures"][0])
        configuration.check_size(code.unzipped_bytes, settings.layers)
        return replace(latest, deployment=replace(latest.deployment, settings=settings, code=code))

    if params.get("DryRun"):
        return shapes.configuration(await room.database.read(lambda tx: change(tx, latest)))
    updated = await _update(room, call, named, change)
    await code_signing.deployed(room, named)
    return updated


async def update_function_configuration(room: Room, call: Call) -> Result:
    params = call.params
    named = reading.unqualified_or_latest(call)
    configuration.refuse_unsupported(params)
    if "Role" in params:
        await room.roles.check(params["Role"], call.account)
    examined = await surroundings.examine(room, call)

    def change(tx: Transaction, latest: Version) -> Version:
        deployment = latest.deployment
        images.check_settings(params, is_image=deployment.code.image is not None)
        uses = layers.uses(tx, room, call, params["Layers"]) if "Layers" in params else None
        if uses:
            code_signing.check_deployment(tx, reading.function(tx, named))
        settings = examined(configuration.updated(deployment.settings, params, uses))
        configuration.check_size(deployment.code.unzipped_bytes, settings.layers)
        description = params.get("Description", latest.description)
        return replace(latest, description=description, deployment=replace(deployment, settings=settings))

    answer = await _update(room, call, named, change)
    if params.get("Layers"):
        await code_signing.deployed(room, named)
    return answer


async def delete_function(room: Room, call: Call) -> Result:
    named = reading.named(call)
    if named.qualifier == LATEST:
        raise refusals.latest_not_deletable()

    def delete(tx: Transaction) -> list[FunctionUrl]:
        reading.function(tx, named)
        urls: list[FunctionUrl] = []
        if named.qualifier is None:
            urls = tables.urls.of(tx, named.account, named.region, named.name)
            store.delete_function(tx, named.account, named.region, named.name)
        elif names.is_version(named.qualifier):
            pointing = tables.aliases.of(tx, named.account, named.region, named.name)
            aliases.check_deletable(named.qualifier, pointing)
            store.delete_version(tx, named.account, named.region, named.name, named.qualifier)
            store.delete_of_qualifier(tx, named.account, named.region, named.name, named.qualifier)
        else:
            raise refusals.invalid("Deletion of aliases is not currently supported.")
        return urls

    for url in await room.database.write(delete):
        room.urls.drop(url)
    room.catalog.forget(named.account, named.region, named.name)
    room.invoker.forget(named.function_arn)
    room.snapshots.forget(named.function_arn, named.qualifier)
    if named.qualifier is None:
        room.reserve(named.account, named.region, named.name, None)
    return {"StatusCode": 204}


async def _update(
    room: Room, call: Call, named: names.Named, change: Callable[[Transaction, Version], Version]
) -> Result:
    """Begins an update of `$LATEST` to what `change` makes of it, and publishes it when the call says so."""

    def write(tx: Transaction) -> list[Version]:
        latest = _changeable(tx, named, call.params.get("RevisionId"))
        wanted = change(tx, latest)
        code = wanted.deployment.code
        lifecycle.check_storage(
            store.code_bytes(tx, named.account, named.region),
            code.size - latest.deployment.code.size,
            room.options.code_storage_bytes,
        )
        updated = lifecycle.updated(
            latest,
            settings=wanted.deployment.settings,
            code=code,
            description=wanted.description,
            now=iso_milliseconds(room.clock.time()),
            revision_id=room.ids.uuid(),
        )
        store.put_version(tx, updated)
        if not call.params.get("Publish"):
            return [updated]
        return [updated, versions.publish(tx, room, reading.function(tx, named), updated, description=None)]

    changed = await room.database.write(write)
    _begin(room, changed)
    return shapes.configuration(changed[-1])


def _changeable(tx: Transaction, named: names.Named, revision_id: str | None) -> Version:
    latest = reading.version(tx, named)
    lifecycle.check_changeable(latest, revision_id)
    return latest


def _begin(room: Room, changed: list[Version]) -> None:
    for version in changed:
        if version.unsettled:
            room.transitions.begin(version)
    room.catalog.forget(changed[0].account, changed[0].region, changed[0].name)


OPERATIONS = {
    "CreateFunction": create_function,
    "GetFunction": get_function,
    "GetFunctionConfiguration": get_function_configuration,
    "ListFunctions": list_functions,
    "UpdateFunctionCode": update_function_code,
    "UpdateFunctionConfiguration": update_function_configuration,
    "DeleteFunction": delete_function,
}
