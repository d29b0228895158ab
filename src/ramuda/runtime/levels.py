"""Functions that log JSON: what they print themselves is filtered by level, and made JSON where it is not (pure).

A JSON object is dropped when its `level` is below the function's application log level. Without a known `level`, or
without a `timestamp` in RFC 3339 form, it counts as INFO, and gets a timestamp. Other text becomes the message of an
INFO record. Metrics in the embedded metric format are no log records and pass.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html; what becomes of plain
text and of a missing level: aws/aws-lambda-go#533, aws/aws-lambda-python-runtime-interface-client#202."""

from datetime import datetime
from typing import Any

from ramuda.kernel.codec import decode_json, encode_json

APPLICATION_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
ALIASES = {"WARNING": "WARN", "CRITICAL": "FATAL"}
DEFAULT = APPLICATION_LEVELS.index("INFO")
METRICS_KEY = "_aws"


def passed(line: str, least: str, now: str, request_id: str | None) -> str | None:
    """The line as it is to be logged, None when it is not. `now` is a timestamp in RFC 3339 form, `request_id` that of
    the invocation under way."""
    lowest = APPLICATION_LEVELS.index(least)
    told = _object(line)
    if told is None:
        return _reshaped(line, now, request_id) if lowest <= DEFAULT and line.strip() else None
    if METRICS_KEY in told:
        return line
    if _is_timestamp(told.get("timestamp")):
        return line if _rank(told.get("level")) >= lowest else None
    if lowest > DEFAULT:
        return None
    ending = "\n" if line.endswith("\n") else ""
    return encode_json({**told, "timestamp": now}).decode() + ending


def _object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        told = decode_json(line)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _reshaped(line: str, now: str, request_id: str | None) -> str:
    record = {"timestamp": now, "level": "INFO", "message": line.rstrip("\n")}
    if request_id is not None:
        record["requestId"] = request_id
    return encode_json(record).decode() + "\n"


def _rank(level: Any) -> int:
    name = level.upper() if isinstance(level, str) else ""
    name = ALIASES.get(name, name)
    return APPLICATION_LEVELS.index(name) if name in APPLICATION_LEVELS else DEFAULT


def _is_timestamp(value: Any) -> bool:
    if not isinstance(value, str) or len(value) < len("2026-11-21T05:24:00Z") or value[10] not in "Tt":
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
