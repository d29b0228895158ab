"""Code signing: which configurations there are, and what one means for code that is deployed.

There is no AWS Signer here, so no code ever carries a signature of an allowed profile: under Enforce nothing can be
deployed, under Warn everything, with a warning. Container images have no code signing, as on AWS.

Sources: recorded answers; https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.model import CodeSigningConfig
from ramuda.services.lambda_.rules import refusals

ID_DIGITS = 17  # SM: `csc-[a-z0-9]{17}`


def requested(params: Mapping[str, Any]) -> str | None:
    """The configuration that CreateFunction asks for."""
    arn: str | None = params.get("CodeSigningConfigArn")
    if arn is not None and params.get("PackageType") == "Image":
        raise not_for_images()
    return arn


def updated(config: CodeSigningConfig, params: Mapping[str, Any], now: str) -> CodeSigningConfig:
    """With the members that `params` has; the others stay."""
    publishers, policies = params.get("AllowedPublishers"), params.get("CodeSigningPolicies", {})
    return replace(
        config,
        description=params.get("Description", config.description),
        profile_arns=tuple(publishers["SigningProfileVersionArns"]) if publishers else config.profile_arns,
        on_untrusted=policies.get("UntrustedArtifactOnDeployment", config.on_untrusted),
        last_modified=now,
    )


def check_deployment(config: CodeSigningConfig, function_arn: str) -> None:
    """Whether unsigned code may be deployed to the function. Raises AWS's refusal under Enforce."""
    if config.on_untrusted == "Enforce":
        message = (  # as AWS's users quote it
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the "
            f"client is not configured to accept. Check the provided signature for {function_arn}."
        )
        raise ApiError("CodeVerificationFailedException", message, members=refusals.USER)


def shape(config: CodeSigningConfig) -> dict[str, Any]:
    """CodeSigningConfig, as every operation shows it."""
    described = {} if config.description is None else {"Description": config.description}
    return {
        "CodeSigningConfigId": config.config_id,
        "CodeSigningConfigArn": config.arn,
        **described,
        "AllowedPublishers": {"SigningProfileVersionArns": list(config.profile_arns)},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": config.on_untrusted},
        "LastModified": config.last_modified,
    }


def not_found(arn: str) -> ApiError:
    """For operations on configurations. This one has no `Type` (recorded)."""
    message = f"The Lambda code signing configuration {arn} can not be found."
    return ApiError("ResourceNotFoundException", message, members=refusals.NO_TYPE)


def not_found_for_function(arn: str) -> ApiError:
    """For operations on functions."""
    message = (
        f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
    )
    return ApiError("CodeSigningConfigNotFoundException", message, members=refusals.USER)


def not_for_images() -> ApiError:
    # As AWS's users quote it.
    return refusals.invalid("Code signing is not supported for functions created with container images.")


def in_use(arn: str) -> ApiError:
    return refusals.conflict(f"The code signing configuration {arn} is used by functions and stays.")  # ours
