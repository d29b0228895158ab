"""Event patterns as EventBridge defines them, which event source mappings use as well (pure).

A pattern is a JSON object shaped like the event. A leaf is a list of what is allowed: scalars, or one-key objects such
as `{"prefix": "a"}`. Every key of the pattern must match; of a list one entry must. An array in the event matches when
one of its elements does.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
"""

import fnmatch
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

MISSING = object()
LEVELS_MAX = 100
"""Ours: a pattern that nests deeper could not be matched within Python's own limit."""
_NUMERIC = {"=", "!=", "<", "<=", ">", ">="}
_LITERAL = re.compile(r"\\([*\\])|([?\[])")
"""In a wildcard: an escaped `*` or `\\`, and what only fnmatch takes for special."""
_TEXT = {"prefix", "suffix", "equals-ignore-case", "wildcard"}


class InvalidPattern(ValueError):  # noqa: N818 - told to the caller in the service's own words
    """Not a pattern."""


def check(pattern: Any, *, levels: int = LEVELS_MAX) -> None:
    """Raises InvalidPattern."""
    if not levels:
        raise InvalidPattern(f"more than {LEVELS_MAX} objects within one another")
    if not isinstance(pattern, dict) or not pattern:
        raise InvalidPattern("a pattern is a JSON object with keys")
    for key, wanted in pattern.items():
        if key == "$or":
            if not isinstance(wanted, list) or len(wanted) < 2:
                raise InvalidPattern("$or has two patterns at least")
            for alternative in wanted:
                check(alternative, levels=levels - 1)
        elif isinstance(wanted, dict):
            check(wanted, levels=levels - 1)
        elif isinstance(wanted, list) and wanted:
            for entry in wanted:
                _check_entry(entry)
        else:
            raise InvalidPattern(f"{key}: neither a list nor an object")


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether an event (decoded JSON) fits a checked pattern."""
    if isinstance(event, list):
        return any(matches(pattern, element) for element in event)
    if not isinstance(event, dict):
        event = {}
    return all(_key_matches(key, wanted, event) for key, wanted in pattern.items())


def _key_matches(key: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if key == "$or":
        return any(matches(alternative, event) for alternative in wanted)
    value = event.get(key, MISSING)
    if isinstance(wanted, dict):
        return matches(wanted, None if value is MISSING else value)
    values = value if isinstance(value, list) else [value]
    return any(_entry_matches(entry, each) for entry in wanted for each in (values or [MISSING]))


def _check_entry(entry: Any) -> None:
    if isinstance(entry, list):
        raise InvalidPattern("a list within a list")
    if not isinstance(entry, dict):
        return
    if len(entry) != 1:
        raise InvalidPattern("a matcher has one key")
    ((kind, wanted),) = entry.items()
    if kind in _TEXT:
        is_ignoring_case = kind in ("prefix", "suffix") and isinstance(wanted, dict) and set(wanted) == {_IGNORE_CASE}
        is_good = isinstance(wanted, str) or is_ignoring_case
    elif kind == "exists":
        is_good = isinstance(wanted, bool)
    elif kind == "numeric":
        is_good = _is_numeric(wanted)
    elif kind == "cidr":
        is_good = isinstance(wanted, str) and _network(wanted) is not None
    elif kind == "anything-but":
        is_good = _is_excluding(wanted)
    else:
        is_good = False
    if not is_good:
        raise InvalidPattern(f"not a matcher: {kind}")


_IGNORE_CASE = "equals-ignore-case"


def _is_excluding(wanted: Any) -> bool:
    """What anything-but takes: scalars, or one way of comparing texts with one or more of them."""
    if isinstance(wanted, dict):
        ((kind, texts),) = wanted.items() if len(wanted) == 1 else (("", None),)
        every = texts if isinstance(texts, list) else [texts]
        return kind in _TEXT and bool(every) and all(isinstance(text, str) for text in every)
    every = wanted if isinstance(wanted, list) else [wanted]
    return bool(every) and all(isinstance(each, str | int | float) and not isinstance(each, bool) for each in every)


def _is_numeric(wanted: Any) -> bool:
    if not isinstance(wanted, list) or len(wanted) not in (2, 4):
        return False
    return all(operator in _NUMERIC for operator in wanted[::2]) and all(_is_number(n) for n in wanted[1::2])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _entry_matches(entry: Any, value: Any) -> bool:
    if not isinstance(entry, dict):
        return value is not MISSING and _equal(entry, value)
    ((kind, wanted),) = entry.items()
    if kind == "exists":
        return (value is not MISSING) is wanted
    if value is MISSING:
        return False
    if kind == "anything-but":
        return _is_other(wanted, value)
    if kind == "numeric":
        return _is_number(value) and _compares(wanted, value)
    if kind == "cidr":
        return _is_within(wanted, value)
    return isinstance(value, str) and _text_matches(kind, wanted, value)


def _equal(wanted: Any, value: Any) -> bool:
    """AWS compares numbers as they are written: 300 is not 300.0, nor is 1 true."""
    return wanted == value and type(wanted) is type(value)


def _is_other(wanted: Any, value: Any) -> bool:
    """An object is no value, so neither another one."""
    if isinstance(value, dict):
        return False
    if isinstance(wanted, dict):
        ((kind, texts),) = wanted.items()
        every = texts if isinstance(texts, list) else [texts]
        return not (isinstance(value, str) and any(_text_matches(kind, text, value) for text in every))
    return not any(_equal(each, value) for each in (wanted if isinstance(wanted, list) else [wanted]))


def _text_matches(kind: str, wanted: Any, value: str) -> bool:
    if isinstance(wanted, dict):
        wanted, value = wanted[_IGNORE_CASE].casefold(), value.casefold()
    if kind == "prefix":
        return value.startswith(wanted)
    if kind == "suffix":
        return value.endswith(wanted)
    if kind == "wildcard":
        return fnmatch.fnmatchcase(value, _LITERAL.sub(lambda found: f"[{found[1] or found[2]}]", wanted))
    return bool(value.casefold() == wanted.casefold())


def _compares(wanted: Sequence[Any], value: float) -> bool:
    return all(_holds(value, operator, bound) for operator, bound in zip(wanted[::2], wanted[1::2], strict=True))


def _holds(value: float, operator: str, bound: float) -> bool:
    return {
        "=": value == bound,
        "!=": value != bound,
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
    }[operator]


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _is_within(wanted: str, value: Any) -> bool:
    network = _network(wanted)
    try:
        return network is not None and isinstance(value, str) and ipaddress.ip_address(value) in network
    except ValueError:
        return False
