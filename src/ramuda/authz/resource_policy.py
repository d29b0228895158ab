"""Evaluation of resource policies: whether the policy of a function or a layer lets somebody do something.

A statement that denies wins over every one that allows; where none speaks, the decision is silent and the caller of
this module decides (for a caller of another account, and for an anonymous one, silence is a refusal). A statement that
cannot be understood allows nothing, and denies what it may mean to deny.

Limits: a statement that names an account (its number or its `:root`) speaks for everybody in it. On AWS the account's
own IAM policies must allow the call as well, and those are not evaluated here.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ramuda.authz import conditions, wildcards
from ramuda.authz.wildcards import Keys
from ramuda.kernel.call import Principal

Value: TypeAlias = str | bool | int | float | Sequence[str]

_IsNamed: TypeAlias = Callable[[Any], bool | None]

_ROOT = re.compile(r"arn:[a-zA-Z-]+:iam::(\d{12}):root")
_ROLE = re.compile(r"arn:[a-zA-Z-]+:iam::(\d{12}):role/(?:.*/)?([^/]+)")
_SESSION = re.compile(r"arn:([a-zA-Z-]+):sts::(\d{12}):assumed-role/([^/]+)/(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be decided.

    `action` as IAM writes it (`lambda:InvokeFunction`), `resource` an ARN. `principal` is who calls, a service's name
    (`s3.amazonaws.com`), or None for an anonymous caller. `context` are condition keys in any spelling of case
    (`lambda:FunctionUrlAuthType`, `aws:SourceArn`); `aws:PrincipalArn`, `aws:PrincipalAccount`, `aws:userid` and
    `aws:PrincipalIsAWSService` come from the principal where `context` does not have them."""

    action: str
    resource: str
    principal: Principal | str | None
    context: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`effect` None: no statement speaks of the request. Else `statement` is the one that decided."""

    effect: Literal["Allow", "Deny"] | None
    statement: Mapping[str, Any] | None = None

    @property
    def is_allowed(self) -> bool:
        return self.effect == "Allow"


def evaluate(document: Mapping[str, Any], request: Request) -> Decision:
    """What `document`, a parsed policy (`{"Statement": [...]}`), says of `request`."""
    keys = _keys(request)
    allowed: Mapping[str, Any] | None = None
    for statement in statements(document):
        applies = _applies(statement, request, keys)
        if statement.get("Effect") == "Allow":
            if applies and allowed is None:
                allowed = statement
        elif applies is not False:
            return Decision(effect="Deny", statement=statement)
    return Decision(effect=None if allowed is None else "Allow", statement=allowed)


def statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The Statement of a policy, which may be one or a list."""
    found = document.get("Statement", [])
    listed = found if isinstance(found, list | tuple) else [found]
    return [statement for statement in listed if isinstance(statement, Mapping)]


def _applies(statement: Mapping[str, Any], request: Request, keys: Keys) -> bool | None:
    """Whether `statement` speaks of the request; None when it cannot be understood."""
    parts = [
        _names(statement, "Principal", lambda wanted: _is_principal(wanted, request.principal)),
        _names(statement, "Action", lambda wanted: _is_action(wanted, request.action)),
        _names(statement, "Resource", lambda wanted: _is_resource(wanted, request.resource, keys)),
        conditions.holds(statement["Condition"], keys) if "Condition" in statement else True,
    ]
    if False in parts:
        return False
    return None if None in parts else True


def _names(statement: Mapping[str, Any], element: str, is_named: _IsNamed) -> bool | None:
    """By `element` or its opposite (`NotAction`)."""
    if element in statement:
        return is_named(statement[element])
    if f"Not{element}" in statement:
        found = is_named(statement[f"Not{element}"])
        return None if found is None else not found
    return None


def _is_action(wanted: Any, action: str) -> bool | None:
    listed = conditions.texts(wanted)
    if listed is None:
        return None
    return any(wildcards.like(action.lower(), one.lower()) for one in listed)


def _is_resource(wanted: Any, resource: str, keys: Keys) -> bool | None:
    listed = conditions.texts(wanted)
    return None if listed is None else any(wildcards.like(resource, one, keys) for one in listed)


def _is_principal(wanted: Any, principal: Principal | str | None) -> bool | None:
    if wanted == "*":
        return True
    if not isinstance(wanted, Mapping):
        return None
    aws, services = conditions.texts(wanted.get("AWS", [])), conditions.texts(wanted.get("Service", []))
    if aws is None or services is None:
        return None
    if "*" in aws:
        return True
    if isinstance(principal, str):
        return principal in services
    return principal is not None and any(is_identity(one, principal) for one in aws)


def is_identity(wanted: str, principal: Principal) -> bool:
    """Whether `wanted`, a value of `"Principal": {"AWS": ...}`, names `principal`: its account, its user or role, the
    session of the role, or its unique id."""
    if wanted in (principal.account, principal.arn, principal.user_id.partition(":")[0]):
        return True
    root, role, session = _ROOT.fullmatch(wanted), _ROLE.fullmatch(wanted), _SESSION.fullmatch(principal.arn)
    if root:
        return root[1] == principal.account
    return bool(role and session and (role[1], role[2]) == (session[2], session[3]))


def _keys(request: Request) -> Keys:
    """The context of a request with what the principal brings; lower case."""
    keys: dict[str, Value] = {"aws:principalisawsservice": isinstance(request.principal, str)}
    if isinstance(request.principal, str):
        keys["aws:principalservicename"] = request.principal
    elif request.principal is not None:
        keys["aws:principalaccount"] = request.principal.account
        keys["aws:principalarn"] = _SESSION.sub(r"arn:\1:iam::\2:role/\3", request.principal.arn)
        keys["aws:userid"] = request.principal.user_id
    keys |= {key.lower(): value for key, value in request.context.items()}
    return {key: conditions.texts(value) or () for key, value in keys.items()}
