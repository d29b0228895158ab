"""The answers to requests whose bytes cannot be read as the model says. Sentences as AWS's own request parser words
them."""

from typing import Any

from ramuda.kernel.errors import ApiError

WHOLE_NUMBERS = {"integer": range(-(2**31), 2**31), "long": range(-(2**63), 2**63)}
"""The values of the model's types."""

_WANTED = {
    "string": "a String",
    "character": "a String",
    "integer": "an Integer",
    "long": "a Long",
    "float": "a Float",
    "double": "a Double",
    "boolean": "a Boolean",
    "timestamp": "milliseconds since epoch",
    "blob": "a Blob",
}


def serialization_error(message: str) -> ApiError:
    return ApiError("SerializationException", message, status=400)


def too_deep() -> ApiError:
    """A value nests deeper than can be followed."""
    return serialization_error("The request nests too deep")


def wrong_type(value: Any, wanted: str) -> ApiError:
    """`value` stands where a value of the model type `wanted` belongs."""
    if wanted == "list":
        return serialization_error("Expected list or null")
    if wanted in ("map", "structure"):
        return serialization_error("Expected structure or map, or null")
    if isinstance(value, dict):
        return serialization_error("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return serialization_error("Start of list found where not expected")
    return serialization_error(f"{_token(value)} can not be converted to {_WANTED[wanted]}")


def _token(value: Any) -> str:
    match value:
        case bool():
            return "TRUE_VALUE" if value else "FALSE_VALUE"
        case int():
            return "NUMBER_VALUE"
        case float():
            return "DECIMAL_VALUE"
        case bytes():
            return "BINARY_VALUE"
        case None:
            return "NULL_VALUE"
        case _:
            return "STRING_VALUE"
