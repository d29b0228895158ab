"""What an alias may point at, and what is said when it may not.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html (DG); sentences are recorded from
AWS unless a comment says otherwise.
"""

from collections.abc import Sequence
from typing import Any

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.model import LATEST, Alias, Version
from ramuda.services.lambda_.rules import refusals

Shape = dict[str, Any]

_DLQ = "DeadLetterConfig"


def routing(config: Shape | None) -> dict[str, float]:
    """Of a RoutingConfig: version to weight, one entry at most; empty clears it."""
    weights: dict[str, float] = (config or {}).get("AdditionalVersionWeights") or {}
    if len(weights) > 1:
        raise refusals.invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    return dict(weights)


def check(alias: Alias) -> None:
    """Whether these versions may be named together, whatever they are."""
    if not alias.routing:
        return
    if alias.version == LATEST:
        raise ApiError(
            "InvalidParameterValueException",
            f"{LATEST} is not supported for an alias pointing to more than 1 version",
            members=refusals.NO_TYPE,
        )
    if alias.version in alias.routing:
        raise refusals.invalid(
            f"Invalid function version {alias.version}. "
            f"Function version {alias.version} is already included in routing configuration."
        )


def check_alike(first: Version, second: Version) -> None:
    """DG: both versions have the same execution role, and the same dead-letter queue or none."""
    one, other = first.deployment.settings, second.deployment.settings
    if one.role != other.role:
        raise _unlike("execution role", first, second)
    if one.shown.get(_DLQ) != other.shown.get(_DLQ):
        raise _unlike("dead-letter queue configuration", first, second)


def check_deletable(version: str, aliases: Sequence[Alias]) -> None:
    """Whether a version may be deleted beside these aliases of its function."""
    pointing = [alias.alias for alias in aliases if points_at(alias, version)]
    if pointing:
        # As AWS's users quote it.
        raise refusals.conflict(
            f"Unable to delete version because the following aliases reference it: [{', '.join(pointing)}]"
        )


def points_at(alias: Alias, version: str) -> bool:
    return version == alias.version or version in alias.routing


def shape(alias: Alias) -> Shape:
    """AliasConfiguration."""
    shown: Shape = {
        "AliasArn": alias.arn,
        "Name": alias.alias,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.routing:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": alias.routing}
    return shown


def exists(arn: str) -> ApiError:
    return refusals.conflict(f"Alias already exists: {arn}")


def not_found(arn: str) -> ApiError:
    """To a reader."""
    return refusals.not_found(f"Cannot find alias arn: {arn}")


def not_updatable(arn: str) -> ApiError:
    return refusals.not_found(f"Alias not found: {arn}")


def _unlike(what: str, first: Version, second: Version) -> ApiError:
    return refusals.invalid(
        f"Function versions {first.version} and {second.version} cannot share an alias: "
        f"both must have the same {what}."  # ours; nothing is recorded
    )
