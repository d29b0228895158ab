"""Log levels of functions that log JSON: what a function prints itself is filtered as AWS filters it (pure).

A JSON object with a `level` is dropped below the function's application log level. Without a `timestamp` in RFC 3339
form its level counts as INFO, and it is given one. What is not a JSON object is passed on as it is.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html"""

from datetime import datetime
from typing import Any

from ramuda.kernel.codec import decode_json, encode_json

APPLICATION_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
ALIASES = {"WARNING": "WARN", "CRITICAL": "FATAL"}


def passed(line: str, least: str, now: str) -> str | None:
    """The line as it is to be logged, None when it is not. `now` is a timestamp in RFC 3339 form."""
    if not line.startswith("{"):
        return line
    try:
        told = decode_json(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(told, dict) or "level" not in told:
        return line
    if _is_timestamp(told.get("timestamp")):
        return line if _rank(told["level"]) >= APPLICATION_LEVELS.index(least) else None
    if APPLICATION_LEVELS.index("INFO") < APPLICATION_LEVELS.index(least):
        return None
    ending = "\n" if line.endswith("\n") else ""
    return encode_json({**told, "timestamp": now}).decode() + ending


def _rank(level: Any) -> int:
    """An unknown level counts as INFO."""
    name = level.upper() if isinstance(level, str) else "INFO"
    name = ALIASES.get(name, name)
    return APPLICATION_LEVELS.index(name if name in APPLICATION_LEVELS else "INFO")


def _is_timestamp(value: Any) -> bool:
    if not isinstance(value, str) or len(value) < len("2026-11-21T05:24:00Z") or value[10] not in "Tt":
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
