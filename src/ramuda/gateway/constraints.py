"""Single constraints of the service models, as checks and in AWS's words.

A pattern that Python cannot compile is not checked (`uncheckable_patterns` lists them).
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

from botocore.model import Shape

from ramuda.gateway.java_patterns import compile_java

NOT_NULL = "Member must not be null"
PATTERN_TEXT_MAX = 65_536
"""Longer texts are not held against a pattern; no AWS name is that long, and matching costs time."""


class Violation(NamedTuple):
    """`path` is relative to the value that was checked; `value` is its text, None when it may not be shown."""

    path: str
    value: str | None
    constraint: str


Check: TypeAlias = Callable[[Any], list[Violation] | None]
"""None for a valid value."""


def sentences(shape: Shape, enum: list[str]) -> list[str]:
    """All sentences of a plain value's shape, in AWS's order."""
    limits = shape.metadata
    unit = "value" if shape.type_name in ("integer", "long", "float", "double") else "length"
    said = []
    if "max" in limits:
        said.append(f"Member must have {unit} less than or equal to {limits['max']}")
    if "min" in limits:
        said.append(f"Member must have {unit} greater than or equal to {limits['min']}")
    if "pattern" in limits:
        said.append(f"Member must satisfy regular expression pattern: {limits['pattern']}")
    if enum:
        said.append(f"Member must satisfy enum value set: [{', '.join(enum)}]")
    return said


def enum_check(shape: Shape, enum: list[str]) -> Check | None:
    if not enum:
        return None
    allowed, constraint = frozenset(enum), f"Member must satisfy enum value set: [{', '.join(enum)}]"
    return lambda value: None if value in allowed else [Violation("", shown(shape, value), constraint)]


def pattern_check(shape: Shape) -> Check | None:
    """The pattern is compiled when the first value comes, because most never meet one."""
    pattern = shape.metadata.get("pattern")
    if not pattern:
        return None
    constraint = f"Member must satisfy regular expression pattern: {pattern}"

    def check(value: Any) -> list[Violation] | None:
        compiled = compile_java(pattern)
        if compiled is None or len(value) > PATTERN_TEXT_MAX or compiled.fullmatch(value):
            return None
        return [Violation("", shown(shape, value), constraint)]

    return check


def size_check(shape: Shape) -> Check | None:
    limits = shape.metadata
    least, most = limits.get("min", 0), limits.get("max")
    if not least and most is None:
        return None

    def check(value: Any) -> list[Violation] | None:
        if not hasattr(value, "__len__"):
            return None  # a body that is still arriving
        size = len(value)
        if size < least:
            constraint = f"Member must have length greater than or equal to {least}"
        elif most is not None and size > most:
            constraint = f"Member must have length less than or equal to {most}"
        else:
            return None
        return [Violation("", shown(shape, value), constraint)]

    return check


def range_check(shape: Shape) -> Check | None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is None and most is None:
        return None

    def check(value: Any) -> list[Violation] | None:
        if least is not None and value < least:
            constraint = f"Member must have value greater than or equal to {least}"
        elif most is not None and value > most:
            constraint = f"Member must have value less than or equal to {most}"
        else:
            return None
        return [Violation("", shown(shape, value), constraint)]

    return check


def uncheckable_patterns(shapes: Iterable[Shape]) -> list[str]:
    """The patterns among `shapes` that are not checked."""
    patterns = {shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata}
    return sorted(pattern for pattern in patterns if compile_java(pattern) is None)


def shown(shape: Shape, value: Any) -> str | None:
    return None if shape.metadata.get("sensitive") else f"'{_text(value)}'"


def _text(value: Any) -> str:
    """A value as Java's toString, which AWS's sentences show."""
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        case list():
            return f"[{', '.join(map(_text, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}={_text(item)}' for key, item in value.items())}}}"
        case None:
            return "null"
        case _:
            return str(value)
