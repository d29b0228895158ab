"""Markers of lists: opaque to clients, the key after which the next page begins."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from ramuda.kernel.codec import decode_json, encode_json
from ramuda.services.lambda_.rules import refusals

PAGE_MAX = 50  # SM: "ListFunctions returns a maximum of 50 items in each response"

T = TypeVar("T")
Key = TypeVar("Key", bound=tuple[Any, ...])


def size(max_items: int | None) -> int:
    return min(max_items or PAGE_MAX, PAGE_MAX)


def marker(key: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(encode_json(list(key))).decode()


def key(text: str | None, start: Key) -> Key:
    """What `marker` was made of; `start` when there is none. Raises for what was never made here."""
    if not text:
        return start
    try:
        decoded = decode_json(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError) as e:
        raise refusals.invalid_marker() from e
    if not isinstance(decoded, list) or [type(part) for part in decoded] != [type(part) for part in start]:
        raise refusals.invalid_marker()
    return type(start)(decoded)


def page(found: Sequence[T], limit: int) -> tuple[Sequence[T], bool]:
    """Of `limit` + 1 items looked up, those to show, and whether more follow."""
    return found[:limit], len(found) > limit
