"""Code signing configurations, which functions have one, and what that means when code is deployed.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
"""

from dataclasses import replace

from ramuda.kernel.arn import Arn
from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import iso_milliseconds
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.model import CodeSigningConfig, Function
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import code_signing, names, paging, tagging
from ramuda.services.lambda_.store import tables


async def create_code_signing_config(room: Room, call: Call) -> Result:
    params = call.params
    now = iso_milliseconds(room.clock.time())
    fresh = CodeSigningConfig(
        account=call.account,
        region=call.region,
        config_id="csc-" + room.ids.uuid().replace("-", "")[-code_signing.ID_DIGITS :],
        profile_arns=(),
        last_modified=now,
    )
    config = code_signing.updated(fresh, params, now)
    tags = tagging.merged({}, params.get("Tags", {}))

    def write(tx: Transaction) -> None:
        put(tx, config)
        store.put_tags(tx, config.account, config.region, _tagged(config), tags)

    await room.database.write(write)
    return {"CodeSigningConfig": code_signing.shape(config)}


async def get_code_signing_config(room: Room, call: Call) -> Result:
    return {"CodeSigningConfig": code_signing.shape(await room.database.read(lambda tx: named(tx, call)))}


async def update_code_signing_config(room: Room, call: Call) -> Result:
    """Of interest to a function when code is deployed to it the next time."""

    def write(tx: Transaction) -> CodeSigningConfig:
        config = code_signing.updated(named(tx, call), call.params, iso_milliseconds(room.clock.time()))
        put(tx, config)
        return config

    return {"CodeSigningConfig": code_signing.shape(await room.database.write(write))}


async def delete_code_signing_config(room: Room, call: Call) -> Result:
    def write(tx: Transaction) -> None:
        config = named(tx, call)
        if _users(tx, config):
            raise code_signing.in_use(config.arn)
        tables.code_signing_configs.delete(tx, config.account, config.region, config.config_id)
        store.put_tags(tx, config.account, config.region, _tagged(config), {})

    await room.database.write(write)
    return {}


async def list_code_signing_configs(room: Room, call: Call) -> Result:
    (after,) = paging.key(call.params.get("Marker"), ("",))
    found = await room.database.read(lambda tx: tables.code_signing_configs.all(tx, call.account, call.region))
    limit = paging.size(call.params.get("MaxItems"))
    shown, more = paging.page([config for config in found if config.config_id > after][: limit + 1], limit)
    result: Result = {"CodeSigningConfigs": [code_signing.shape(config) for config in shown]}
    if more:
        result["NextMarker"] = paging.marker((shown[-1].config_id,))
    return result


async def list_functions_by_code_signing_config(room: Room, call: Call) -> Result:
    (after,) = paging.key(call.params.get("Marker"), ("",))
    found = await room.database.read(lambda tx: _users(tx, named(tx, call)))
    limit = paging.size(call.params.get("MaxItems"))
    shown, more = paging.page([function for function in found if function.name > after][: limit + 1], limit)
    result: Result = {"FunctionArns": [function.arn for function in shown]}
    if more:
        result["NextMarker"] = paging.marker((shown[-1].name,))
    return result


async def put_function_code_signing_config(room: Room, call: Call) -> Result:
    """Code that runs already is not looked at again."""
    function_name, arn = reading.unqualified(call), call.params["CodeSigningConfigArn"]

    def write(tx: Transaction) -> None:
        if _at(tx, call, arn) is None:  # missed before the function is (recorded)
            raise code_signing.not_found_for_function(arn)
        store.put_function(tx, replace(_of_archive(tx, function_name), code_signing_config_arn=arn))

    await room.database.write(write)
    return {"CodeSigningConfigArn": arn, "FunctionName": function_name.name}


async def get_function_code_signing_config(room: Room, call: Call) -> Result:
    """Empty for a function that has none (recorded)."""
    function_name = reading.unqualified(call)
    function = await room.database.read(lambda tx: _of_archive(tx, function_name))
    if function.code_signing_config_arn is None:
        return {}
    return {"CodeSigningConfigArn": function.code_signing_config_arn, "FunctionName": function.name}


async def delete_function_code_signing_config(room: Room, call: Call) -> Result:
    """A function that has none is no error (recorded)."""
    function_name = reading.unqualified(call)

    def write(tx: Transaction) -> None:
        store.put_function(tx, replace(_of_archive(tx, function_name), code_signing_config_arn=None))

    await room.database.write(write)
    return {}


def requested(call: Call) -> str | None:
    """The configuration that CreateFunction asks for. Raises AWS's error for a container image."""
    return code_signing.requested(call.params)


def check_deployment(tx: Transaction, function: Function) -> None:
    """Whether code, which nobody signed, may be deployed to `function`. Raises AWS's error when it may not, or when
    the configuration is not there."""
    arn = function.code_signing_config_arn
    if arn is None:
        return
    config = tables.code_signing_configs.get(tx, function.account, function.region, arn.rpartition(":")[2])
    if config is None or config.arn != arn:
        raise code_signing.not_found_for_function(arn)
    code_signing.check_deployment(config, function.arn)


async def deployed(room: Room, function_name: names.Named) -> None:
    """Code was deployed: under Warn that is counted as SignatureValidationErrors."""
    function = await room.database.read(
        lambda tx: store.function(tx, function_name.account, function_name.region, function_name.name)
    )
    if function is None or function.code_signing_config_arn is None:
        return
    for dimensions in ((("FunctionName", function.name),), ()):
        room.recorder.series(
            function.account, function.region, "AWS/Lambda", "SignatureValidationErrors", dimensions, "Count"
        ).add(1.0, room.clock.time())


def _of_archive(tx: Transaction, function_name: names.Named) -> Function:
    """The function; raises AWS's error when it is not there, or is a container image."""
    function = reading.function(tx, function_name)
    if reading.version(tx, function_name).deployment.code.image is not None:
        raise code_signing.not_for_images()
    return function


def named(tx: Transaction, call: Call) -> CodeSigningConfig:
    """The CodeSigningConfigArn of a call. Raises AWS's error when it is not there, or of another account or region."""
    arn = call.params["CodeSigningConfigArn"]
    config = _at(tx, call, arn)
    if config is None:
        raise code_signing.not_found(arn)
    return config


def put(tx: Transaction, config: CodeSigningConfig) -> None:
    tables.code_signing_configs.put(tx, config.account, config.region, config.config_id, "", config)


def _tagged(config: CodeSigningConfig) -> str:
    """What its tags are kept under."""
    return f"code-signing-config:{config.config_id}"


def _at(tx: Transaction, call: Call, arn: str) -> CodeSigningConfig | None:
    place = Arn.parse(arn)
    if (place.account, place.region) != (call.account, call.region):
        return None
    return tables.code_signing_configs.get(tx, call.account, call.region, arn.rpartition(":")[2])


def _users(tx: Transaction, config: CodeSigningConfig) -> list[Function]:
    """The functions that have it, by name."""
    every = store.functions(tx, config.account, config.region)
    return [function for function in every if function.code_signing_config_arn == config.arn]


OPERATIONS = {
    "CreateCodeSigningConfig": create_code_signing_config,
    "GetCodeSigningConfig": get_code_signing_config,
    "UpdateCodeSigningConfig": update_code_signing_config,
    "DeleteCodeSigningConfig": delete_code_signing_config,
    "ListCodeSigningConfigs": list_code_signing_configs,
    "ListFunctionsByCodeSigningConfig": list_functions_by_code_signing_config,
    "PutFunctionCodeSigningConfig": put_function_code_signing_config,
    "GetFunctionCodeSigningConfig": get_function_code_signing_config,
    "DeleteFunctionCodeSigningConfig": delete_function_code_signing_config,
}
