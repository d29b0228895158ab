"""Policy documents that PutResourcePolicy is given: what IAM's grammar asks of one, and that it is about its resource.

The sentences are ours where no other source is named: AWS documents the operation's errors, not their words.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ramuda.authz import conditions, wildcards
from ramuda.kernel.codec import decode_json
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.rules import policies, refusals

LANGUAGES = ("2012-10-17", "2008-10-17")
"""Versions of the policy language."""

_DOCUMENT = {"Version", "Id", "Statement"}
_PAIRS = (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))
_STATEMENT = {"Sid", "Effect", "Condition", *(element for pair in _PAIRS for element in pair)}
_ACTION = re.compile(r"\*|lambda:[a-zA-Z*?]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A policy document that can be kept."""

    language: str
    policy_id: str | None
    statements: tuple[policies.Statement, ...]


def parse(text: str, resource: str) -> Document:
    """The policy that `text` is, for the function, version or alias `resource`. Raises AWS's error when it is none."""
    try:
        document = decode_json(text)
    except ValueError as e:
        raise _invalid("it is not valid JSON") from e
    if not isinstance(document, dict):
        raise _invalid("it is not a JSON object")
    _check_members(document, _DOCUMENT, "The document")
    language, policy_id = document.get("Version", LANGUAGES[1]), document.get("Id")
    if language not in LANGUAGES:
        raise _invalid(f"Version must be one of {', '.join(LANGUAGES)}")
    if policy_id is not None and not isinstance(policy_id, str):
        raise _invalid("Id must be a string")
    found: Any = document.get("Statement")
    statements: list[Any] = found if isinstance(found, list) else [found]
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise _invalid("Statement must be a statement or a list of statements, one at least")
    for statement in statements:
        _check_statement(statement, resource)
    sids = [statement["Sid"] for statement in statements if "Sid" in statement]
    if len(set(sids)) != len(sids):
        raise _invalid("statement ids must be unique")
    return Document(language=language, policy_id=policy_id, statements=tuple(statements))


def _check_statement(statement: Mapping[str, Any], resource: str) -> None:
    _check_members(statement, _STATEMENT, "A statement")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _invalid("Effect must be Allow or Deny")
    for pair in _PAIRS:
        if sum(element in statement for element in pair) != 1:
            raise _invalid(f"a statement must have one of {pair[0]} and {pair[1]}")
    sid = statement.get("Sid", "s")
    if not isinstance(sid, str) or not re.fullmatch(r"[a-zA-Z0-9_-]{1,100}", sid):
        raise _invalid("Sid must match ([a-zA-Z0-9-_]+) and have 100 characters at most")
    _check_principal(statement.get("Principal", statement.get("NotPrincipal")))
    for action in _listed(statement.get("Action", statement.get("NotAction")), "Action"):
        if not _ACTION.fullmatch(action):
            raise _invalid(f"{action} is not an action of Lambda")
    for named in _listed(statement.get("Resource", statement.get("NotResource")), "Resource"):
        if "Resource" in statement and not wildcards.like(resource, named):
            raise _invalid(f"Resource must be {resource}")
    _check_condition(statement.get("Condition", {}))


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal or principal.keys() - {"AWS", "Service"}:
        raise policies.invalid_principal()
    for kind, is_one in (("AWS", policies.is_identity), ("Service", policies.is_service)):
        if kind in principal and not all(is_one(text) for text in _listed(principal[kind], "Principal")):
            raise policies.invalid_principal()


def _check_condition(condition: Any) -> None:
    if not isinstance(condition, dict):
        raise _invalid("Condition must be an object")
    for operator, keys in condition.items():
        if not conditions.is_operator(operator):
            raise _invalid(f"{operator} is not a condition operator")
        if not isinstance(keys, dict) or not keys or any(conditions.texts(value) is None for value in keys.values()):
            raise _invalid(f"{operator} must name keys and their values")


def _check_members(given: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise _invalid(f"{what} may not have {', '.join(unknown)}")


def _listed(value: Any, element: str) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(one, str) for one in listed):
        raise _invalid(f"{element} must be a string or a list of strings")
    return listed


def _invalid(why: str) -> ApiError:
    return refusals.invalid(f"The policy document is invalid: {why}.")
