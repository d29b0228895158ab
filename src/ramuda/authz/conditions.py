"""The Condition element of a policy statement.

All operators must hold, and all keys of each; of the values of a key one is enough, and for a negated operator none may
match. A key that the request does not have fails the test, but passes a negated one, one with `IfExists` and
`ForAllValues`.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import ipaddress
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from ramuda.authz import wildcards
from ramuda.authz.wildcards import Keys

_Test: TypeAlias = Callable[[str, str, Keys], bool]
"""(the request's value, the statement's value, the request's keys)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operator:
    test: _Test
    negated: bool = False


def holds(condition: Any, keys: Keys) -> bool | None:
    """Whether the request whose context is `keys` meets `condition`; None when it cannot be understood."""
    if not isinstance(condition, Mapping):
        return None
    results = [
        _key_holds(name, key, wanted, keys)
        for name, block in condition.items()
        for key, wanted in (block.items() if isinstance(block, Mapping) else [("", None)])
    ]
    if False in results:
        return False
    return None if None in results else True


def is_operator(name: str) -> bool:
    """Whether a Condition may use `name`."""
    _, plain, if_exists = _parts(name)
    return plain in _OPERATORS or (plain == "null" and not if_exists)


def texts(values: Any) -> tuple[str, ...] | None:
    """One value or a list of them, of strings, numbers and Booleans, as texts; None when it is neither."""
    listed = values if isinstance(values, list | tuple | set | frozenset) else [values]
    if not all(isinstance(value, str | bool | int | float) for value in listed):
        return None
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in listed)


def _key_holds(name: str, key: str, values: Any, keys: Keys) -> bool | None:
    wanted = texts(values)
    quantifier, plain, if_exists = _parts(name)
    given = keys.get(key.lower(), ())
    if wanted is None or not is_operator(name):
        return None
    if plain == "null":
        return ("false" if given else "true") in [value.lower() for value in wanted]
    how = _OPERATORS[plain]
    if not given:
        return if_exists or quantifier == "forallvalues" or (how.negated and quantifier != "foranyvalue")

    def passes(value: str) -> bool:
        return how.negated != any(how.test(value, one, keys) for one in wanted)

    if quantifier == "forallvalues" or (how.negated and not quantifier):
        return all(map(passes, given))
    return any(map(passes, given))


def _parts(name: str) -> tuple[str, str, bool]:
    """`ForAnyValue:StringLikeIfExists` -> (`foranyvalue`, `stringlike`, True)."""
    quantifier, colon, plain = name.lower().rpartition(":")
    if colon and quantifier not in ("forallvalues", "foranyvalue"):
        return "", "", False
    return quantifier, plain.removesuffix("ifexists"), plain.endswith("ifexists")


def _string_equals(given: str, wanted: str, keys: Keys) -> bool:
    return given == wildcards.literal(wanted, keys)


def _string_equals_ignoring_case(given: str, wanted: str, keys: Keys) -> bool:
    found = wildcards.literal(wanted, keys)
    return found is not None and given.casefold() == found.casefold()


def _string_like(given: str, wanted: str, keys: Keys) -> bool:
    return wildcards.like(given, wanted, keys)


def _arn_like(given: str, wanted: str, keys: Keys) -> bool:
    """Each of the six parts by itself: a wildcard does not reach over a colon, but in the last."""
    wanted_parts, given_parts = _arn_parts(wanted), given.split(":", 5)
    return len(wanted_parts) == len(given_parts) == 6 and all(
        wildcards.like(given_part, wanted_part, keys)
        for given_part, wanted_part in zip(given_parts, wanted_parts, strict=True)
    )


def _arn_parts(wanted: str) -> list[str]:
    """Split at colons outside of `${...}`."""
    parts, depth = [""], 0
    for character in wanted:
        depth += (character == "{") - (character == "}")
        if character == ":" and depth == 0 and len(parts) < 6:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _bool(given: str, wanted: str, keys: Keys) -> bool:
    return given.lower() == wanted.lower()


def _ip(given: str, wanted: str, keys: Keys) -> bool:
    try:
        return ipaddress.ip_address(given) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _number(compare: Callable[[float, float], bool]) -> _Test:
    def test(given: str, wanted: str, keys: Keys) -> bool:
        try:
            return compare(float(given), float(wanted))
        except ValueError:
            return False

    return test


def _date(compare: Callable[[datetime, datetime], bool]) -> _Test:
    def test(given: str, wanted: str, keys: Keys) -> bool:
        try:
            return compare(_instant(given), _instant(wanted))
        except (ValueError, OverflowError, OSError):
            return False

    return test


def _instant(text: str) -> datetime:
    """ISO 8601, or seconds since the epoch."""
    if text.removeprefix("-").replace(".", "", 1).isdecimal() and len(text) > 4:
        return datetime.fromtimestamp(float(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_OPERATORS = {
    "stringequals": _Operator(test=_string_equals),
    "stringnotequals": _Operator(test=_string_equals, negated=True),
    "stringequalsignorecase": _Operator(test=_string_equals_ignoring_case),
    "stringnotequalsignorecase": _Operator(test=_string_equals_ignoring_case, negated=True),
    "stringlike": _Operator(test=_string_like),
    "stringnotlike": _Operator(test=_string_like, negated=True),
    "arnequals": _Operator(test=_arn_like),
    "arnlike": _Operator(test=_arn_like),
    "arnnotequals": _Operator(test=_arn_like, negated=True),
    "arnnotlike": _Operator(test=_arn_like, negated=True),
    "bool": _Operator(test=_bool),
    "binaryequals": _Operator(test=_string_equals),
    "ipaddress": _Operator(test=_ip),
    "notipaddress": _Operator(test=_ip, negated=True),
    "numericequals": _Operator(test=_number(operator.eq)),
    "numericnotequals": _Operator(test=_number(operator.eq), negated=True),
    "numericlessthan": _Operator(test=_number(operator.lt)),
    "numericlessthanequals": _Operator(test=_number(operator.le)),
    "numericgreaterthan": _Operator(test=_number(operator.gt)),
    "numericgreaterthanequals": _Operator(test=_number(operator.ge)),
    "dateequals": _Operator(test=_date(operator.eq)),
    "datenotequals": _Operator(test=_date(operator.eq), negated=True),
    "datelessthan": _Operator(test=_date(operator.lt)),
    "datelessthanequals": _Operator(test=_date(operator.le)),
    "dategreaterthan": _Operator(test=_date(operator.gt)),
    "dategreaterthanequals": _Operator(test=_date(operator.ge)),
}
