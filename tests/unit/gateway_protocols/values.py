"""Hypothesis strategies for values of a model's shape, as botocore's clients take and give them.

Values are kept to what survives a round trip by the protocol's own rules: instants have the resolution of their
format, header texts have no outer white space, nothing that a URL or header cannot carry is empty.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.model import Shape
from hypothesis import strategies as st

MAX_DEPTH = 4
_XML_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=12)
_NESTED = ("structure", "list", "map")
_HEADER_TEXT = st.text("abcXYZ019-_:/$.=+", min_size=1, max_size=12)
_WHOLE = {"integer": st.integers(-(2**31), 2**31 - 1), "long": st.integers(-(2**63), 2**63 - 1)}
_INSTANTS = st.integers(0, 4_000_000_000).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Any value of `shape` in a document."""
    match shape.type_name:
        case "structure":
            return structures(shape, depth)
        case "list":
            return st.lists(
                values(shape.member, depth + 1),
                min_size=0 if depth > MAX_DEPTH else 1,
                max_size=0 if depth > MAX_DEPTH else 2,
            )
        case "map":
            return st.dictionaries(values(shape.key), values(shape.value, depth + 1), min_size=1, max_size=2)
        case "string" if shape.metadata.get("enum"):
            return st.sampled_from(shape.metadata["enum"])
        case "string" | "character":
            return _XML_TEXT
        case "integer" | "long":
            return _WHOLE[shape.type_name]
        case "float" | "double":
            return st.floats(allow_nan=False, allow_infinity=False, width=32)
        case "boolean":
            return st.booleans()
        case "timestamp":
            return _INSTANTS
        case _:
            return st.binary(max_size=12)


def structures(shape: Shape, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """A structure with all members that it must have and some others; deep inside, only such as end there."""
    if shape.is_document_type:
        return st.just({"any": ["document", 1]})
    carried = {name: member for name, member in shape.members.items() if not _is_empty(member)}
    members = {name: _member(member, shape, name, depth) for name, member in carried.items()}
    if shape.is_tagged_union:
        return st.sampled_from(sorted(members)).flatmap(lambda name: st.fixed_dictionaries({name: members[name]}))
    always = {name for name, member in carried.items() if _is_always_there(shape, name, member)}
    some = {name for name, member in carried.items() if depth < MAX_DEPTH or member.type_name not in _NESTED}
    made = st.fixed_dictionaries(
        {name: members[name] for name in members if name in always},
        optional={name: members[name] for name in members if name in some - always},
    )
    return made.filter(bool) if depth and some | always else made


def _is_empty(shape: Shape) -> bool:
    """Forms have no way to say that a structure without members is there."""
    return shape.type_name == "structure" and not shape.members and not shape.is_document_type


def _is_always_there(shape: Shape, name: str, member: Shape) -> bool:
    """An absent status, or an absent body, cannot be told from an empty one."""
    is_body = name == shape.serialization.get("payload")
    return name in shape.required_members or is_body or member.serialization.get("location") == "statusCode"


def _member(shape: Shape, parent: Shape, name: str, depth: int) -> st.SearchStrategy[Any]:
    location = shape.serialization.get("location")
    if location == "statusCode":
        return st.integers(200, 299).filter(lambda status: status != 204)
    if location in ("uri", "header", "headers", "querystring") and shape.type_name in ("string", "list", "map"):
        return _in_head(shape)
    if name == parent.serialization.get("payload") and shape.type_name == "blob":
        return st.binary(min_size=1, max_size=12)
    return st.deferred(lambda: values(shape, depth + 1))


def _in_head(shape: Shape) -> st.SearchStrategy[Any]:
    match shape.type_name:
        case "list":
            return st.lists(_in_head(shape.member), min_size=1, max_size=2)
        case "map":
            return st.dictionaries(st.text("abc", min_size=1, max_size=4), _HEADER_TEXT, min_size=1, max_size=2)
        case "string" if shape.serialization.get("jsonvalue"):
            return st.just({"a": [1, None]})
        case "string" if not shape.metadata.get("enum"):
            return _HEADER_TEXT
        case _:
            return values(shape)
