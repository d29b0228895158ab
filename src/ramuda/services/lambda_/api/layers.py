"""Layers. Those of other accounts can be read and used where their policy lets the caller get the version.

https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
"""

from collections.abc import Sequence
from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import iso_milliseconds
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import access
from ramuda.services.lambda_.model import LayerUse, LayerVersion, ResourcePolicy
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import configuration, layers, lifecycle, paging, refusals, runtimes, shapes
from ramuda.services.lambda_.store import tables


async def publish_layer_version(room: Room, call: Call) -> Result:
    params = call.params
    named = _own(call)
    runtimes.check_compatible(params.get("CompatibleRuntimes", []))
    configuration.check_source(params["Content"])
    code = await room.code.accept(params["Content"], call.account, call.region)

    def write(tx: Transaction) -> LayerVersion:
        used_bytes = store.code_bytes(tx, named.account, named.region)
        lifecycle.check_storage(used_bytes, code.size, room.options.code_storage_bytes)
        layer = LayerVersion(
            account=named.account,
            region=named.region,
            name=named.name,
            version=store.next_layer_version(tx, named.account, named.region, named.name),
            code=code,
            description=params.get("Description", ""),
            license=params.get("LicenseInfo"),
            runtimes=_tuple(params.get("CompatibleRuntimes")),
            architectures=_tuple(params.get("CompatibleArchitectures")),
            created_date=iso_milliseconds(room.clock.time()),
        )
        store.add_layer_version(tx, layer)
        return layer

    return _content(room, call, await room.database.write(write))


async def get_layer_version(room: Room, call: Call) -> Result:
    return await _read(room, call, _version(call))


async def get_layer_version_by_arn(room: Room, call: Call) -> Result:
    return await _read(room, call, layers.parse(call.params["Arn"], call.account, call.region))


async def _read(room: Room, call: Call, named: layers.Named) -> Result:
    def read(tx: Transaction) -> LayerVersion | None:
        _check_readable(tx, room, call, named)
        return store.layer_version(tx, named.account, named.region, named.name, named.version or 0)

    found = await room.database.read(read)
    if found is None:
        raise refusals.not_found("The resource you requested does not exist.")
    return _content(room, call, found)


async def list_layer_versions(room: Room, call: Call) -> Result:
    named = _own(call)
    (before,) = paging.key(call.params.get("Marker"), (2**62,))
    found = await room.database.read(lambda tx: store.layer_versions(tx, named.account, named.region, named.name))
    shown, more = _page(call, [layer for layer in _matching(call, found) if layer.version < before])
    result: Result = {"LayerVersions": [shapes.layer_version(layer) for layer in shown]}
    if more:
        result["NextMarker"] = paging.marker((shown[-1].version,))
    return result


async def list_layers(room: Room, call: Call) -> Result:
    (after,) = paging.key(call.params.get("Marker"), ("",))
    found = await room.database.read(lambda tx: store.layer_versions(tx, call.account, call.region))
    shown, more = _page(call, [layer for layer in layers.newest(_matching(call, found)) if layer.name > after])
    result: Result = {
        "Layers": [
            {
                "LayerName": layer.name,
                "LayerArn": layer.layer_arn,
                "LatestMatchingVersion": shapes.layer_version(layer),
            }
            for layer in shown
        ]
    }
    if more:
        result["NextMarker"] = paging.marker((shown[-1].name,))
    return result


async def delete_layer_version(room: Room, call: Call) -> Result:
    """Functions that use the version keep it."""
    named = own_version(call)
    await room.database.write(
        lambda tx: store.delete_layer_version(tx, named.account, named.region, named.name, named.version or 0)
    )
    return {}


def uses(tx: Transaction, room: Room, call: Call, arns: Sequence[str]) -> list[LayerUse]:
    """What a function's Layers name. Raises AWS's error for one that is not there or not the caller's to use."""
    result = []
    for named in layers.check_uses(arns, call.account, call.region):
        _check_readable(tx, room, call, named)
        layer = store.layer_version(tx, named.account, named.region, named.name, named.version or 0)
        if layer is None:
            raise refusals.invalid(f"Layer version {named.arn} does not exist.")
        result.append(LayerUse(arn=layer.arn, code=layer.code))
    return result


def policy_of(tx: Transaction, named: layers.Named) -> ResourcePolicy | None:
    """The policy of a layer version."""
    return tables.layer_policies.get(tx, named.account, named.region, named.name, str(named.version))


def own_version(call: Call) -> layers.Named:
    """The LayerName and VersionNumber of a call, which must be of the caller's account and region."""
    return replace(_own(call), version=_version(call).version)


def _check_readable(tx: Transaction, room: Room, call: Call, named: layers.Named) -> None:
    """Whoever may not read a version of another account is not told whether it is there."""
    if named.region != call.region:
        raise layers.not_authorized(call.principal.arn, call.operation, named.arn)
    if named.account == call.account:
        return
    if not access.is_allowed(room, call, policy_of(tx, named), layers.GET, named.arn):
        raise layers.not_authorized(call.principal.arn, "GetLayerVersion", named.arn)


def _version(call: Call) -> layers.Named:
    """The LayerName and VersionNumber of a call, of whatever account."""
    number = call.params["VersionNumber"]
    if number < 1:
        raise refusals.invalid("Layer Version Cannot be less than 1.")
    return replace(layers.parse(call.params["LayerName"], call.account, call.region), version=number)


def _own(call: Call) -> layers.Named:
    """The LayerName of a call, which must be of the caller's account and region."""
    named = layers.parse(call.params["LayerName"], call.account, call.region)
    if named.account != call.account or named.region != call.region:
        raise layers.not_authorized(call.principal.arn, call.operation, named.arn)
    return named


def _content(room: Room, call: Call, layer: LayerVersion) -> Result:
    return shapes.layer_content(layer, room.downloads.link(call.endpoint, layer.code))


def _matching(call: Call, found: Sequence[LayerVersion]) -> list[LayerVersion]:
    return layers.matching(found, call.params.get("CompatibleRuntime"), call.params.get("CompatibleArchitecture"))


def _page(call: Call, found: Sequence[LayerVersion]) -> tuple[Sequence[LayerVersion], bool]:
    limit = paging.size(call.params.get("MaxItems"))
    return paging.page(found[: limit + 1], limit)


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


OPERATIONS = {
    "PublishLayerVersion": publish_layer_version,
    "GetLayerVersion": get_layer_version,
    "GetLayerVersionByArn": get_layer_version_by_arn,
    "ListLayerVersions": list_layer_versions,
    "ListLayers": list_layers,
    "DeleteLayerVersion": delete_layer_version,
}
