"""States of a version, and when a revision id changes.

Pending -> Active | Failed after CreateFunction. Of an Active one, LastUpdateStatus goes Successful -> InProgress ->
Successful | Failed with every update. `RevisionId` is new with every request that changes something, and once more
when the change is done. Sources: recorded answers (function_revisions_*);
https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from dataclasses import replace

from ramuda.services.lambda_.model import LATEST, CodeRef, Deployment, Function, Settings, Version
from ramuda.services.lambda_.rules import refusals, snap_start

CREATING = ("The function is being created.", "Creating")


def created(
    function: Function,
    *,
    settings: Settings,
    code: CodeRef,
    description: str,
    now: str,
    revision_id: str,
) -> Version:
    """`$LATEST` of a new function."""
    return Version(
        account=function.account,
        region=function.region,
        name=function.name,
        version=LATEST,
        revision_id=revision_id,
        description=description,
        deployment=Deployment(settings=settings, code=code, revision_id=revision_id),
        last_modified=now,
        state_reason=CREATING[0],
        state_reason_code=CREATING[1],
    )


def updated(
    latest: Version,
    *,
    settings: Settings,
    code: CodeRef,
    description: str,
    now: str,
    revision_id: str,
) -> Version:
    """`$LATEST` with an update begun; what served before goes on serving."""
    return replace(
        latest,
        revision_id=revision_id,
        description=description,
        deployment=Deployment(settings=settings, code=code, revision_id=revision_id),
        previous=latest.serving,
        last_modified=now,
        update_status="InProgress",
        update_reason=CREATING[0],
        update_reason_code=CREATING[1],
    )


def check_changeable(latest: Version, revision_id: str | None) -> None:
    """Whether `$LATEST` may be updated or published now, by a caller who saw `revision_id`."""
    if latest.state == "Pending":
        raise refusals.not_active(latest.state)
    if latest.update_status == "InProgress":
        raise refusals.update_in_progress(latest.arn)
    if revision_id is not None and revision_id != latest.revision_id:
        raise refusals.stale_revision()


def succeeded(version: Version, revision_id: str) -> Version:
    """The transition that was under way is done."""
    return replace(
        version,
        revision_id=revision_id,
        previous=None,
        state="Active",
        state_reason=None,
        state_reason_code=None,
        update_status="Successful",
        update_reason=None,
        update_reason_code=None,
    )


def failed(version: Version, revision_id: str, reason: str, reason_code: str) -> Version:
    """The transition that was under way cannot be done. What served before an update goes on serving."""
    if version.state == "Pending":
        return replace(
            version,
            revision_id=revision_id,
            state="Failed",
            state_reason=reason,
            state_reason_code=reason_code,
        )
    return replace(
        version,
        revision_id=revision_id,
        update_status="Failed",
        update_reason=reason,
        update_reason_code=reason_code,
    )


def published(latest: Version, number: int, *, description: str | None, now: str, revision_id: str) -> Version:
    """Version `number`, made of `$LATEST` as it is. Active at once when that already runs, else it has its own
    transition to make."""
    fresh = replace(
        latest,
        version=str(number),
        revision_id=revision_id,
        description=latest.description if description is None else description,
        source_description=latest.description,
        last_modified=now,
        previous=None,
        update_status=None,
        update_reason=None,
        update_reason_code=None,
    )
    if latest.serving is latest.deployment and not snap_start.is_wanted(latest.deployment.settings):
        return succeeded(fresh, revision_id)
    return replace(fresh, state="Pending", state_reason=CREATING[0], state_reason_code=CREATING[1])


def unchanged_since(latest: Version, last: Version | None) -> bool:
    """Whether publishing `$LATEST` would only repeat the version `last`."""
    return (
        last is not None
        and last.deployment.same_as(latest.deployment)
        and last.source_description == latest.description
    )


def check_storage(used_bytes: int, more_bytes: int, limit_bytes: int) -> None:
    if used_bytes + more_bytes > limit_bytes:
        raise refusals.code_storage_full()
