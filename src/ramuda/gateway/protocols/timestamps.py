"""Timestamps on the wire: three formats to write, and a reader for whatever a client may send for them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, TypeAlias

from botocore.model import Shape

from ramuda.gateway.protocols.malformed import wrong_type

Writer: TypeAlias = Callable[[Any], Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,2})?")


def read_timestamp(value: Any) -> datetime:
    """Epoch seconds as a number or text, ISO 8601 or an HTTP date. Raises ApiError SerializationException."""
    try:
        if value.__class__ is str:
            return _read_text(value)
        if value.__class__ is int or value.__class__ is float:
            return _EPOCH + timedelta(seconds=value)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        pass
    raise wrong_type(value, "timestamp")


def _read_text(text: str) -> datetime:
    if _NUMBER.fullmatch(text):
        return _EPOCH + timedelta(seconds=float(text))
    instant = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return _EPOCH + timedelta(seconds=value)


def epoch_seconds(value: Any) -> int | float:
    """A datetime or number as epoch seconds, whole where it is whole."""
    seconds = (_instant(value) - _EPOCH).total_seconds() if isinstance(value, datetime) else value
    return int(seconds) if seconds == int(seconds) else seconds


def iso8601(value: Any) -> str:
    """`2026-11-21T05:24:00Z`, with milliseconds when there are any."""
    instant = _instant(value)
    text = instant.replace(tzinfo=None, microsecond=0).isoformat()
    milliseconds = instant.microsecond // 1000
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def rfc822(value: Any) -> str:
    """`Sat, 21 Nov 2026 05:24:00 GMT`."""
    return format_datetime(_instant(value), usegmt=True)


_WRITERS: dict[str, Writer] = {
    "unixtimestamp": epoch_seconds,
    "iso8601": iso8601,
    "rfc822": rfc822,
}


def timestamp_writer(shape: Shape, default_format: str) -> Writer:
    """The writer for the format that the model gives to `shape`, else for `default_format`."""
    return _WRITERS[shape.serialization.get("timestampFormat", default_format).lower()]
