"""Records as AWS shows them: FunctionConfiguration, in full and in lists, and layer versions.

Which member is present when: recorded answers. Lists leave out states and the runtime's version.
"""

import base64
from typing import Any

from ramuda.kernel.arn import function_arn
from ramuda.services.lambda_.model import CodeRef, LayerVersion, Logging, Version
from ramuda.services.lambda_.rules import encryption, images, runtimes

Shape = dict[str, Any]


def configuration(version: Version, *, arn: str | None = None) -> Shape:
    """FunctionConfiguration. `arn`: as the caller named the function, where that shows (`...:$LATEST`)."""
    shape = listed(version, arn=arn)
    shape["State"] = version.state
    shape["RuntimeVersionConfig"] = {
        "RuntimeVersionArn": runtimes.version_arn(version.deployment.settings.runtime, version.region)
    }
    if version.deployment.code.image is not None:
        images.show(shape, version.deployment.settings)
    optional = {
        "StateReason": version.state_reason,
        "StateReasonCode": version.state_reason_code,
        "LastUpdateStatus": version.update_status,
        "LastUpdateStatusReason": version.update_reason,
        "LastUpdateStatusReasonCode": version.update_reason_code,
    }
    shape.update((name, value) for name, value in optional.items() if value is not None)
    return shape


def listed(version: Version, *, arn: str | None = None) -> Shape:
    """FunctionConfiguration as ListFunctions and ListVersionsByFunction show it."""
    settings, code = version.deployment.settings, version.deployment.code
    shape: Shape = {
        "FunctionName": version.name,
        "FunctionArn": arn or version.arn,
        "Runtime": settings.runtime,
        "Role": settings.role,
        "Handler": settings.handler,
        "CodeSize": code.size,
        "Description": version.description,
        "Timeout": settings.timeout_s,
        "MemorySize": settings.memory_mib,
        "LastModified": version.last_modified,
        "CodeSha256": code_sha256(code),
        "Version": version.version,
        "TracingConfig": {"Mode": settings.tracing},
        "RevisionId": version.revision_id,
        "PackageType": "Zip",
        "Architectures": [settings.architecture],
        "EphemeralStorage": {"Size": settings.tmp_mib},
        "LoggingConfig": _logging(settings.logging),
        **settings.shown,
    }
    if version.is_optimized:
        shape["SnapStart"] = {**shape["SnapStart"], "OptimizationStatus": "On"}
    if settings.environment is not None:
        shape["Environment"] = {"Variables": settings.environment}
    elif settings.sealed_environment is not None:
        shape["Environment"] = {"Error": encryption.NOT_SHOWN}
    if settings.layers:
        shape["Layers"] = [{"Arn": layer.arn, "CodeSize": layer.code.size} for layer in settings.layers]
    if code.image is not None:
        images.show(shape, settings)
    return shape


def qualified_arn(version: Version) -> str:
    """With `:$LATEST`, where lists of versions show it."""
    return function_arn(version.account, version.region, version.name, version.version)


def layer_version(layer: LayerVersion) -> Shape:
    """LayerVersionsListItem; GetLayerVersion adds Content and LayerArn."""
    shape: Shape = {
        "LayerVersionArn": layer.arn,
        "Version": layer.version,
        "Description": layer.description,
        "CreatedDate": layer.created_date,
    }
    if layer.runtimes is not None:
        shape["CompatibleRuntimes"] = list(layer.runtimes)
    if layer.architectures is not None:
        shape["CompatibleArchitectures"] = list(layer.architectures)
    if layer.license is not None:
        shape["LicenseInfo"] = layer.license
    return shape


def layer_content(layer: LayerVersion, location: str) -> Shape:
    """What PublishLayerVersion and GetLayerVersion answer."""
    return {
        "Content": {
            "Location": location,
            "CodeSha256": code_sha256(layer.code),
            "CodeSize": layer.code.size,
        },
        "LayerArn": layer.layer_arn,
        **layer_version(layer),
    }


def code_sha256(code: CodeRef) -> str:
    """CodeSha256: base64 of the archive's digest; of an image the digest as it is (recorded)."""
    if code.image is not None:
        return code.sha256
    return base64.b64encode(bytes.fromhex(code.sha256)).decode()


def _logging(logging: Logging) -> Shape:
    shape: Shape = {"LogFormat": logging.format, "LogGroup": logging.group}
    if logging.application_level is not None:
        shape["ApplicationLogLevel"] = logging.application_level
    if logging.system_level is not None:
        shape["SystemLogLevel"] = logging.system_level
    return shape
