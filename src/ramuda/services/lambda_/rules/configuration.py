"""From the members of CreateFunction and UpdateFunctionConfiguration to `Settings`, with AWS's checks.

Lengths, patterns and enumerations were checked against the service model before; here is what the model does not say.
Sources: recorded answers; https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html for reserved
variables; https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html for log levels.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ramuda.kernel import limits
from ramuda.services.lambda_.model import LayerUse, Logging, Settings
from ramuda.services.lambda_.rules import images, refusals, runtimes, snap_start

RESERVED_VARIABLES = frozenset(
    [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
    ]
)

_NOT_HERE = {
    "CapacityProviderConfig": "A capacity provider",
    "DurableConfig": "A durable function",
    "AcceleratorConfig": "An accelerator",
    "RuntimeConfig": "A custom runtime",
    "TenancyConfig": "Tenant isolation",
    "PublishTo": "Publishing to $LATEST.PUBLISHED",
}


def refuse_unsupported(params: Mapping[str, Any]) -> None:
    """Raises for members that are valid on AWS and not served here: silence would be a lie."""
    for member, what in _NOT_HERE.items():
        if params.get(member):
            raise refusals.unsupported(what)


def created(name: str, params: Mapping[str, Any], layers: Sequence[LayerUse]) -> Settings:
    """The settings of a new function."""
    is_image = images.is_image(params)
    images.check_settings(params, is_image=is_image)
    if not is_image and (not params.get("Runtime") or not params.get("Handler")):
        raise refusals.invalid(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    fresh = Settings(
        runtime=params.get("Runtime", ""),
        handler=params.get("Handler", ""),
        role=params["Role"],
        architecture=params.get("Architectures", ["x86_64"])[0],
        logging=Logging(group=f"/aws/lambda/{name}"),
        shown={"SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}},
    )
    return updated(fresh, params, layers)


def updated(settings: Settings, params: Mapping[str, Any], layers: Sequence[LayerUse] | None) -> Settings:
    """The settings with the members that `params` has; the others stay. `layers` None: they stay too."""
    if "Runtime" in params:
        runtimes.check(params["Runtime"])
    environment = settings.environment
    if "Environment" in params:
        environment = _environment(params["Environment"].get("Variables", {}))
    runtime = params.get("Runtime", settings.runtime)
    changed = replace(
        settings,
        runtime=runtime,
        handler=params.get("Handler", settings.handler),
        role=params.get("Role", settings.role),
        timeout_s=_at_most("Timeout", params.get("Timeout", settings.timeout_s), limits.TIMEOUT_S_MAX),
        memory_mib=_at_most("MemorySize", params.get("MemorySize", settings.memory_mib), limits.MEMORY_MIB_MAX),
        tmp_mib=_at_most("Size", params.get("EphemeralStorage", {}).get("Size", settings.tmp_mib), limits.TMP_MIB_MAX),
        environment=environment,
        sealed_environment=None if "Environment" in params else settings.sealed_environment,
        layers=settings.layers if layers is None else tuple(layers),
        logging=_logging(settings.logging, params.get("LoggingConfig", {})),
        tracing=params.get("TracingConfig", {}).get("Mode", settings.tracing),
        image_config=images.config(params["ImageConfig"]) if "ImageConfig" in params else settings.image_config,
        shown=_shown(settings.shown, params),
    )
    snap_start.check(changed)
    return changed


def check_size(unzipped_bytes: int, layers: Sequence[LayerUse]) -> None:
    """Function and layers together must stay below the limit."""
    if unzipped_bytes + sum(layer.code.unzipped_bytes for layer in layers) >= limits.UNZIPPED_BYTES:
        raise refusals.unzipped_too_large()


def check_source(source: Mapping[str, Any], *, is_image: bool = False, verb: str = "creating") -> None:
    """Whether FunctionCode, or UpdateFunctionCode's members, name exactly one archive, or for an image its URI."""
    images.check_source(source, is_image=is_image, verb=verb)
    if is_image:
        return
    if source.get("S3ObjectStorageMode") == "REFERENCE":
        raise refusals.unsupported("Code that stays in S3")
    has_zip, has_s3 = "ZipFile" in source, "S3Bucket" in source or "S3Key" in source
    if has_zip and has_s3:
        raise refusals.invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
    if not has_zip and not ("S3Bucket" in source and "S3Key" in source):
        raise refusals.invalid("Please provide a source for function code.")


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    reserved = [name for name in variables if name in RESERVED_VARIABLES]
    if reserved:
        raise refusals.environment(
            "contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > limits.ENVIRONMENT_BYTES:
        raise refusals.environment(f"exceeded the 4KB limit. String measured: {measured}")
    return dict(variables)


def _at_most(member: str, value: int, most: int) -> int:
    # The model's own maxima are those of managed instances; this is how Lambda words an account's lower ones.
    if value > most:
        raise refusals.invalid(
            f"'{member}' value failed to satisfy constraint: Member must have value less than or equal to {most}"
        )
    return value


def _logging(logging: Logging, given: Mapping[str, str]) -> Logging:
    group = given.get("LogGroup", logging.group)
    if given.get("LogFormat", logging.format) == "Text":
        if "ApplicationLogLevel" in given or "SystemLogLevel" in given:
            raise refusals.invalid(
                'LogLevel is not supported when LogFormat is set to "Text". '
                'Remove LogLevel from your request or change the LogFormat to "JSON" and try again.'
            )
        return Logging(group=group)
    return Logging(
        format="JSON",
        group=group,
        application_level=given.get("ApplicationLogLevel", logging.application_level or "INFO"),
        system_level=given.get("SystemLogLevel", logging.system_level or "INFO"),
    )


def _shown(shown: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are kept for show, as FunctionConfiguration shows them."""
    result = dict(shown)
    for member, form in _SHOWN.items():
        if member in params:
            value = form(params[member])
            if value is None:
                result.pop(member, None)
            else:
                result[member] = value
    if result.get("FileSystemConfigs") and not result.get("VpcConfig", {}).get("SubnetIds"):
        raise refusals.invalid("Function must be configured to execute in a VPC to reference access points.")
    return result


def _vpc(given: Mapping[str, Any]) -> dict[str, Any]:
    subnets, groups = given.get("SubnetIds", []), given.get("SecurityGroupIds", [])
    if bool(subnets) != bool(groups):
        raise refusals.invalid("SubnetIds and SecurityIds must coexist or be both empty list.")
    return {
        "SubnetIds": list(subnets),
        "SecurityGroupIds": list(groups),
        "VpcId": "",
        "Ipv6AllowedForDualStack": given.get("Ipv6AllowedForDualStack", False),
    }


def _snap_start(given: Mapping[str, Any]) -> dict[str, str]:
    return {"ApplyOn": given.get("ApplyOn", "None"), "OptimizationStatus": "Off"}


# An empty value takes the setting away.
_SHOWN: dict[str, Callable[[Any], Any]] = {
    "VpcConfig": _vpc,
    "DeadLetterConfig": lambda given: {"TargetArn": given["TargetArn"]} if given.get("TargetArn") else None,
    "KMSKeyArn": lambda given: given or None,
    "FileSystemConfigs": lambda given: list(given) or None,
    "SnapStart": _snap_start,
}
