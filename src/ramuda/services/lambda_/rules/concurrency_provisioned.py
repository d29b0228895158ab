"""Provisioned concurrency: for which qualifiers, how it is divided over the versions of an alias, how it is shown.

Sources: recorded answers (provisioned_concurrency_exceptions, lambda_provisioned_lifecycle);
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html (DG)."""

from collections.abc import Iterable, Sequence
from typing import Any

from ramuda.kernel.errors import ApiError
from ramuda.kernel.ports.invoker import Provisioned
from ramuda.services.lambda_.model import LATEST, Alias, ProvisionedConcurrency, Version
from ramuda.services.lambda_.rules import refusals

Shape = dict[str, Any]


def versions(alias: Alias) -> list[str]:
    """That an alias points at."""
    return [alias.version, *alias.routing]


def divided(requested: int, alias: Alias) -> dict[str, int]:
    """Environments by version: an alias of two versions gives each its share, and each at least one where there are
    two."""
    for second, weight in alias.routing.items():
        share = round(requested * weight)
        if requested > 1 and 0 < weight < 1:
            share = min(max(share, 1), requested - 1)
        return {alias.version: requested - share, second: share}
    return {alias.version: requested}


def check_alias(alias: Alias) -> None:
    """Whether an alias may be given provisioned concurrency; one that has it may become weighted later."""
    if alias.version == LATEST:
        raise unpublished()
    if alias.routing:
        # As AWS's users quote it.
        raise refusals.invalid("Alias with weights can not be used with Provisioned Concurrency")


def check_version(version: Version) -> None:
    """DG snapstart: SnapStart and provisioned concurrency exclude each other."""
    if version.deployment.settings.shown.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions":
        raise refusals.invalid("Provisioned Concurrency is not supported for functions with SnapStart.")  # ours


def check_free(qualifier: str, aliases: Iterable[Alias], provisioned: Iterable[str]) -> None:
    """Whether a version or alias may be provisioned beside the qualifiers that are `provisioned` already: no version
    twice. `aliases` are all of the function."""
    others = {other for other in provisioned if other != qualifier}
    by_name = {alias.alias: alias for alias in aliases}
    of_others = {version for other in others if other in by_name for version in versions(by_name[other])}
    if qualifier in by_name:
        if not (others | of_others).isdisjoint(versions(by_name[qualifier])):
            raise refusals.conflict(
                "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
            )
    elif qualifier in of_others:
        raise refusals.conflict("Version is pointed by a Provisioned Concurrency alias")


def shape(config: ProvisionedConcurrency, states: Sequence[Provisioned]) -> Shape:
    """As Get and List show it; `states` are those of the function."""
    mine = [state for state in states if state.qualifier == config.qualifier]
    shown = {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": sum(state.available for state in mine),
        "AllocatedProvisionedConcurrentExecutions": sum(state.allocated for state in mine),
        "Status": "IN_PROGRESS",
        "LastModified": config.last_modified,
    }
    failures = [state.failure for state in mine if state.failure]
    if failures:
        return {**shown, "Status": "FAILED", "StatusReason": failures[0]}
    if sum(state.wanted for state in mine) == config.requested and all(state.is_complete for state in mine):
        return {**shown, "Status": "READY"}
    return shown


def unpublished() -> ApiError:
    return refusals.invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")


def not_provisionable() -> ApiError:
    """To a reader, and to one who deletes."""
    return refusals.invalid("The function resource provided must be an alias or a published version.")


def not_configured() -> ApiError:
    return ApiError(
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
        members=refusals.USER,
    )
