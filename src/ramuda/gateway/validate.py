"""The checks that AWS's service framework makes before a service sees a call, from the constraints in the model.

    1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater
    ...

A shape is compiled into one function that returns None for a valid value, so that a valid call costs a few
comparisons; the sentence is put together only when something is wrong. Sentences, their order and the way lists and
maps are spoken of are those of answers recorded from AWS; so are the exceptions named in the constants.

`gateway.constraints` has the single constraints.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from botocore.model import OperationModel, Shape

from ramuda.gateway.constraints import (
    NOT_NULL,
    Check,
    Violation,
    enum_check,
    pattern_check,
    range_check,
    sentences,
    shown,
    size_check,
)
from ramuda.gateway.protocols.contract import Plans
from ramuda.gateway.protocols.malformed import too_deep
from ramuda.kernel.errors import ApiError

_LEFT_TO_SERVICE = frozenset({("lambda", "Runtime")})
"""Shapes that the service checks itself, with sentences of its own (recorded: `... or be a valid ARN`)."""

_ENUM_ORDER = {("lambda", "EventSourcePosition"): ["LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"]}
"""Enums that AWS lists in another order than the model (recorded)."""

_SILENT_ABOUT_NULL = frozenset({("lambda", "SubnetIds"), ("lambda", "SecurityGroupIds")})
"""Lists of whose members AWS's sentence does not say that they must not be null (recorded)."""

CodeFor: TypeAlias = Callable[[str, str, str, str], str]
"""(service, operation, path, constraint) of the first violation to the error's code."""


def code_for(service: str, operation: str, path: str, constraint: str) -> str:
    """The code of framework errors. Services that have their own code for one pass their own function."""
    return "ValidationException"


def validate(operation: OperationModel, params: Mapping[str, Any], codes: CodeFor = code_for) -> None:
    """Raises ApiError with every violated constraint; services of the query protocol call it ValidationError."""
    try:
        violations = _checks[operation](params)
    except RecursionError:
        raise too_deep() from None
    if violations:
        raise _error(operation, violations, codes)


def _error(operation: OperationModel, violations: list[Violation], codes: CodeFor) -> ApiError:
    service = operation.service_model
    first = violations[0]
    code = codes(service.service_name, operation.name, first.path, first.constraint)
    if code == "ValidationException" and _speaks_query(service.metadata):
        code = "ValidationError"
    spelled = "; ".join(map(_sentence, violations))
    plural = "" if len(violations) == 1 else "s"
    return ApiError(code, f"{len(violations)} validation error{plural} detected: {spelled}", status=400)


def _speaks_query(metadata: Mapping[str, Any]) -> bool:
    return "query" in metadata.get("protocols", ()) or metadata["protocol"] == "query"


def _sentence(violation: Violation) -> str:
    value = f" {violation.value}" if violation.value is not None else ""
    return f"Value{value} at '{violation.path}' failed to satisfy constraint: {violation.constraint}"


# --- compilation ------------------------------------------------------------------------------------------------------


def _valid(value: Any) -> None:
    """The check of an operation or shape without constraints."""


def compile_input(operation: OperationModel) -> Check:
    """The check of the operation's whole input."""
    shape = operation.input_shape
    return (_Compiler(operation).check(shape) if shape is not None else None) or _valid


_checks = Plans(compile_input)


class _Compiler:
    """Compiles the input of one operation. `_structures` closes the circle of recursive shapes."""

    def __init__(self, operation: OperationModel) -> None:
        self._service = operation.service_model.service_name
        self._structures: dict[str, Check] = {}

    def check(self, shape: Shape) -> Check | None:
        """None when nothing about the shape can be wrong."""
        if (self._service, shape.name) in _LEFT_TO_SERVICE:
            return None
        match shape.type_name:
            case "structure":
                return self._structure(shape)
            case "list":
                return _both(size_check(shape), self._list_items(shape))
            case "map":
                return _both(size_check(shape), self._map_entries(shape))
            case _:
                return self._scalar(shape)

    def _structure(self, shape: Shape) -> Check | None:
        if shape.is_document_type:
            return None
        if shape.name in self._structures:
            return self._structures[shape.name]
        members: list[tuple[str, str, bool, Check | None]] = []
        self._structures[shape.name] = check = _structure_check(members)
        required = set(shape.required_members)
        for name, member in shape.members.items():
            check_member = self.check(member)
            if check_member is not None or name in required:
                members.append((name, _camel(name), name in required, check_member))
        return check

    def _list_items(self, shape: Shape) -> Check:
        item = shape.member
        if item.type_name in ("structure", "list", "map"):
            check_item = self.check(item)
            return _indexed_check(check_item or _valid)
        said = sentences(item, self._enum(item))
        if (self._service, shape.name) not in _SILENT_ABOUT_NULL:
            said.append(NOT_NULL)
        constraint = f"Member must satisfy constraint: [{', '.join(said)}]"
        return _all_items_check(shape, self._scalar(item), constraint)

    def _map_entries(self, shape: Shape) -> Check | None:
        keys = self._entry_check(shape, shape.key, "Map keys must satisfy constraint", lambda value: value.keys())
        if shape.value.type_name in ("structure", "list", "map"):
            check_value = self.check(shape.value)
            return _both(keys, _keyed_check(check_value) if check_value is not None else None)
        values = self._entry_check(
            shape, shape.value, "Map value must satisfy constraint", lambda value: value.values()
        )
        return _both(keys, values)

    def _entry_check(self, shape: Shape, part: Shape, says: str, parts: Callable[[Any], Any]) -> Check | None:
        check = self._scalar(part)
        if check is None:
            return None
        constraint = f"{says}: [{', '.join(sentences(part, self._enum(part)))}]"

        def check_entries(value: Any) -> list[Violation] | None:
            if any(part is not None and check(part) for part in parts(value)):
                return [Violation("", shown(shape, value), constraint)]
            return None

        return check_entries

    def _enum(self, shape: Shape) -> list[str]:
        return _ENUM_ORDER.get((self._service, shape.name)) or list(shape.metadata.get("enum", ()))

    def _scalar(self, shape: Shape) -> Check | None:
        if (self._service, shape.name) in _LEFT_TO_SERVICE:
            return None
        if shape.type_name in ("integer", "long", "float", "double"):
            return range_check(shape)
        if shape.type_name not in ("string", "blob"):
            return None
        return _both(enum_check(shape, self._enum(shape)), _both(pattern_check(shape), size_check(shape)))


def _camel(name: str) -> str:
    """`FunctionName` as AWS's sentences spell it."""
    return name[:1].lower() + name[1:]


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second

    def check(value: Any) -> list[Violation] | None:
        found, more = first(value), second(value)
        return found + more if found and more else found or more

    return check


def _structure_check(members: list[tuple[str, str, bool, Check | None]]) -> Check:
    def check(value: Any) -> list[Violation] | None:
        found: list[Violation] | None = None
        for name, spelled, required, check_member in members:
            item = value.get(name)
            if item is None:
                if required:
                    found = [*(found or ()), Violation(spelled, "null", NOT_NULL)]
            elif check_member is not None and (wrong := check_member(item)):
                found = [*(found or ()), *_below(spelled, wrong)]
        return found

    return check


def _below(parent: str, violations: list[Violation]) -> Iterator[Violation]:
    for path, value, constraint in violations:
        yield Violation(f"{parent}.{path}" if path else parent, value, constraint)


def _indexed_check(check_item: Check) -> Check:
    """Lists of structures name the member: `targets.1.member.id`."""

    def check(value: Any) -> list[Violation] | None:
        found: list[Violation] = []
        for number, item in enumerate(value, 1):
            wrong = [Violation("", "null", NOT_NULL)] if item is None else check_item(item)
            if wrong:
                found.extend(_below(f"{number}.member", wrong))
        return found or None

    return check


def _all_items_check(shape: Shape, check_item: Check | None, constraint: str) -> Check:
    """Lists of plain values are named as a whole, with every constraint that their members have."""

    def check(value: Any) -> list[Violation] | None:
        for item in value:
            if item is None or (check_item is not None and check_item(item)):
                return [Violation("", shown(shape, value), constraint)]
        return None

    return check


def _keyed_check(check_value: Check) -> Check:
    def check(value: Any) -> list[Violation] | None:
        found: list[Violation] = []
        for key, item in value.items():
            if item is not None and (wrong := check_value(item)):
                found.extend(_below(f"{key}.member", wrong))
        return found or None

    return check
