"""Whether Lambda may assume a role: what its trust policy says.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

SERVICE = "lambda.amazonaws.com"
_ACTIONS = ("sts:assumerole", "sts:*", "*")


def lambda_may_assume(document: str | Mapping[str, Any]) -> bool:
    """`document` is AssumeRolePolicyDocument: a mapping, or JSON, URL-encoded as IAM sends it. What cannot be read
    allows nothing."""
    if isinstance(document, str):
        try:
            document = json.loads(unquote(document))
        except ValueError:
            return False
    if not isinstance(document, Mapping):
        return False
    effects = {
        statement.get("Effect")
        for statement in _list(document.get("Statement"))
        if isinstance(statement, Mapping) and _names_lambda(statement.get("Principal")) and _assumes(statement)
    }
    return "Allow" in effects and "Deny" not in effects


def _names_lambda(principal: Any) -> bool:
    if isinstance(principal, Mapping):
        return SERVICE in _list(principal.get("Service")) or "*" in _list(principal.get("AWS"))
    return bool(principal == "*")


def _assumes(statement: Mapping[str, Any]) -> bool:
    return any(str(action).lower() in _ACTIONS for action in _list(statement.get("Action")))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
