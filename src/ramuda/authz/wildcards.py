"""Patterns of IAM policies: `*`, `?` and policy variables.

`*` stands for any characters, also none, `?` for one. `${aws:username}` stands for a key of the request's context,
`${aws:username, 'anyone'}` for a default where the request has no such key, and `${*}`, `${?}`, `${$}` for the
characters themselves. What a variable brings in is literal. Matching takes time proportional to the product of both
lengths at most, whatever the pattern: policies are written by users.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeAlias


class Wildcard(Enum):
    ANY = "*"
    ONE = "?"


Token: TypeAlias = str | Wildcard
Pattern: TypeAlias = Sequence[Token]
"""Single characters and wildcards."""

Keys: TypeAlias = Mapping[str, tuple[str, ...]]
"""The context of a request: keys in lower case, values as texts."""

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_DEFAULT = re.compile(r"([^,\s]+)\s*,\s*'(.*)'\s*")


def pattern(text: str, keys: Keys | None = None) -> Pattern | None:
    """`text` as a pattern, its variables replaced from `keys`. None where one has no value, or more than one: then
    nothing matches."""
    tokens: list[Token] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        value = _value(found[1], keys or {})
        if value is None:
            return None
        tokens += _tokens(text[at : found.start()])
        tokens += value
        at = found.end()
    return tokens + _tokens(text[at:])


def literal(text: str, keys: Keys) -> str | None:
    """`text` with its variables replaced, where wildcards mean nothing (StringEquals); None as in `pattern`."""
    if "${" not in text:
        return text
    found = pattern(text, keys)
    return None if found is None else "".join(t.value if isinstance(t, Wildcard) else t for t in found)


def matches(wanted: Pattern, text: str) -> bool:
    """Whether the whole of `text` is of the form `wanted`."""
    at = position = 0
    star = resume = -1  # the last `*` seen, and where the text went on after what it stands for so far
    while position < len(text):
        token = wanted[at] if at < len(wanted) else None
        if token is Wildcard.ANY:
            star, resume = at, position
            at += 1
        elif token is Wildcard.ONE or token == text[position]:
            at += 1
            position += 1
        elif star >= 0:
            resume += 1
            at, position = star + 1, resume
        else:
            return False
    return all(token is Wildcard.ANY for token in wanted[at:])


def like(text: str, wanted: str, keys: Keys | None = None) -> bool:
    """Whether `text` is of the form that `wanted` writes."""
    if wanted == text and "${" not in wanted:
        return True
    found = pattern(wanted, keys)
    return found is not None and matches(found, text)


def _tokens(text: str) -> list[Token]:
    return [Wildcard.ANY if c == "*" else Wildcard.ONE if c == "?" else c for c in text]


def _value(variable: str, keys: Keys) -> list[Token] | None:
    if variable in ("*", "?", "$"):
        return [variable]
    default = _DEFAULT.fullmatch(variable)
    values = keys.get((default[1] if default else variable).strip().lower(), ())
    if len(values) == 1:
        return list(values[0])
    return list(default[2]) if default and not values else None
