"""Resource policies of functions and layers: what AddPermission and AddLayerVersionPermission make, and AWS's refusals.

A policy has at most 20 KB; its statements have unique ids. Nothing here looks up whether a role or user that is named
exists, as AWS does. The service model has no setting that blocks public access, so PublicPolicyException is never
answered.

Sources: recorded answers; https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.model import LATEST, ResourcePolicy
from ramuda.services.lambda_.rules import refusals

POLICY_BYTES = 20_480  # SM: ResourcePolicy; DG: 20 KB

Statement: TypeAlias = dict[str, Any]

_ACCOUNT = re.compile(r"\d{12}")
_IDENTITY = re.compile(
    r"arn:aws[a-z-]*:(?:iam::\d{12}:(?:root|(?:user|role)/[\x21-\x7e]+)"
    r"|sts::\d{12}:(?:assumed-role/[^/\s]+/[^/\s]+|federated-user/[^/\s]+))"
)
_SERVICE = re.compile(r"(?:[a-z0-9-]+\.)+(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|amazon\.com|aws\.internal)")


def statement(params: Mapping[str, Any], resource: str) -> Statement:
    """What AddPermission with `params` adds to the policy of `resource`, members in AWS's order."""
    action = params["Action"]
    if "FunctionUrlAuthType" in params and action != "lambda:InvokeFunctionUrl":
        # As AWS's users quote it.
        raise refusals.invalid("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    if params.get("InvokedViaFunctionUrl") and action != "lambda:InvokeFunction":
        raise refusals.invalid("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")  # ours
    return _statement(params["StatementId"], params["Principal"], action, resource, _conditions(params))


def layer_statement(params: Mapping[str, Any], resource: str) -> Statement:
    """What AddLayerVersionPermission adds to the policy of the layer version `resource`."""
    organization = params.get("OrganizationId")
    if organization and params["Principal"] != "*":
        raise refusals.invalid("OrganizationId can only be given when the principal is *.")  # ours
    condition = {"StringEquals": {"aws:PrincipalOrgID": organization}} if organization else {}
    return _statement(params["StatementId"], params["Principal"], params["Action"], resource, condition)


def _statement(sid: str, principal: str, action: str, resource: str, condition: Mapping[str, Any]) -> Statement:
    result: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": _principal(principal),
        "Action": action,
        "Resource": resource,
    }
    return {**result, "Condition": condition} if condition else result


def _principal(text: str) -> str | dict[str, str]:
    """A Principal as a policy writes it; raises for what is none."""
    if text == "*":
        return text
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if is_identity(text):
        return {"AWS": text}
    if is_service(text):
        return {"Service": text}
    raise invalid_principal()


def is_identity(text: str) -> bool:
    """Whether a policy may name it under "AWS": an account, a role, a user, a session, or everybody."""
    return text == "*" or bool(_ACCOUNT.fullmatch(text) or _IDENTITY.fullmatch(text))


def is_service(text: str) -> bool:
    """Whether it has the form of a service principal."""
    return bool(_SERVICE.fullmatch(text))


def _conditions(params: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    equal = {
        "AWS:SourceAccount": params.get("SourceAccount"),
        "lambda:FunctionUrlAuthType": params.get("FunctionUrlAuthType"),
        "aws:PrincipalOrgID": params.get("PrincipalOrgID"),
        "lambda:EventSourceToken": params.get("EventSourceToken"),
    }
    conditions = {
        "StringEquals": {key: value for key, value in equal.items() if value},
        "Bool": {"lambda:InvokedViaFunctionUrl": "true"} if params.get("InvokedViaFunctionUrl") else {},
        "ArnLike": {"AWS:SourceArn": params["SourceArn"]} if params.get("SourceArn") else {},
    }
    return {operator: keys for operator, keys in conditions.items() if keys}


def has_denials(statements: Sequence[Statement]) -> bool:
    """Whether the policy can take from the principals of its own account what they may do."""
    return any(one["Effect"] == "Deny" for one in statements)


def added(statements: Sequence[Statement], new: Statement) -> tuple[Statement, ...]:
    """`statements` and one more. Raises when its id is taken."""
    if any(one.get("Sid") == new["Sid"] for one in statements):
        raise refusals.conflict(
            f"The statement id ({new['Sid']}) provided already exists. "
            "Please provide a new statement id, or remove the existing statement."
        )
    return (*statements, new)


def without(statements: Sequence[Statement], sid: str) -> tuple[Statement, ...]:
    """`statements` but one. Raises when it is not there."""
    left = tuple(one for one in statements if one.get("Sid") != sid)
    if len(left) == len(statements):
        raise refusals.not_found(f"Statement {sid} is not found in resource policy.")
    return left


def after_removal(
    policy: ResourcePolicy | None, params: Mapping[str, Any], *, api: str = "GetPolicy"
) -> ResourcePolicy:
    """What RemovePermission and RemoveLayerVersionPermission leave of a policy: perhaps no statement. Raises AWS's
    refusals; `api` as in `check_revision`."""
    if policy is None:
        raise no_policy()
    check_revision(params.get("RevisionId"), policy.revision_id, api=api)
    return replace(policy, statements=without(policy.statements, params["StatementId"]))


def text(document: Mapping[str, Any]) -> str:
    """A policy or a statement as AWS sends it: JSON without spaces."""
    return encode_json(document).decode()


def check_length(document: Mapping[str, Any]) -> None:
    size = len(encode_json(document))
    if size > POLICY_BYTES:
        message = (
            f"The final policy size ({size}) is bigger than the limit ({POLICY_BYTES})."  # as AWS's users quote it
        )
        raise ApiError("PolicyLengthExceededException", message, members=refusals.USER)


def check_revision(wanted: str | None, current: str | None, *, api: str = "GetPolicy") -> None:
    """`wanted` None: the caller does not mind. `api` is where AWS tells to look."""
    if wanted is not None and wanted != current:
        message = (
            "The Revision Id provided does not match the latest Revision Id. "
            f"Call the {api} API to retrieve the latest Revision Id"
        )
        raise ApiError("PreconditionFailedException", message, members=refusals.USER)


def check_qualifier(qualifier: str | None) -> None:
    if qualifier == LATEST:
        raise refusals.invalid("We currently do not support adding policies for $LATEST.")


def is_alias(qualifier: str) -> bool:
    """Whether a qualifier can be an alias's name; a version's number and `a$b` cannot."""
    return not qualifier.isdecimal() and re.fullmatch(r"[a-zA-Z0-9_-]+", qualifier) is not None


def alias_not_found(arn: str) -> ApiError:
    return refusals.not_found(f"Cannot find alias arn: {arn}")


def no_policy() -> ApiError:
    return refusals.not_found("No policy is associated with the given resource.")


def no_policy_found(arn: str) -> ApiError:
    """When what a permission is taken from is not there."""
    return refusals.not_found(f"No policy found for: {arn}")


def nothing_there() -> ApiError:
    """GetPolicy, whether it is the policy or the function that is missing."""
    return refusals.not_found("The resource you requested does not exist.")


def denied(caller: str, action: str, arn: str) -> ApiError:
    # As AWS's users quote it.
    message = (
        f"User: {caller} is not authorized to perform: {action} on resource: {arn} "
        "with an explicit deny in a resource-based policy"
    )
    return ApiError("AccessDeniedException", message, status=403)


def invalid_principal() -> ApiError:
    return refusals.invalid("The provided principal was invalid. Please check the principal and try again.")
