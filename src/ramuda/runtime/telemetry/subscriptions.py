"""What an extension may subscribe to (pure).

Sources: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html,
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html. Two sentences of refusal are in the reference; the
others are ours."""

from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from ramuda.kernel.codec import decode_json
from ramuda.runtime.extensions.roster import Refused

HOSTS = ("sandbox.localdomain", "sandbox", "localhost", "127.0.0.1")
RESERVED_PORTS = (9001,)
TYPES = ("platform", "function", "extension")
PATH_MAX = 2048


class Api(Enum):
    """Which of the two APIs. The value is the name in log lines."""

    TELEMETRY = "TELEMETRY"
    LOGS = "LOGS"


SCHEMA_VERSIONS = {
    Api.TELEMETRY: ("2022-07-01", "2022-12-13", "2025-01-29"),
    Api.LOGS: ("2020-08-15", "2021-03-18"),
}
BUFFERING = {
    "maxBytes": (262_144, 262_144, 1_048_576),
    "maxItems": (10_000, 1_000, 10_000),
    "timeoutMs": (1_000, 25, 30_000),
}
"""Default, least and most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Where the events of which kinds go, in what portions. `path` is empty for TCP."""

    api: Api
    schema_version: str
    types: tuple[str, ...]
    protocol: str
    port: int
    path: str
    max_bytes: int
    max_items: int
    timeout_ms: int


def parse(body: bytes, api: Api) -> Subscription:
    """Raises Refused with everything that is wrong."""
    try:
        told = decode_json(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Refused("ValidationError", "The body of the request is not a JSON object", 400)
    wrong: list[str] = []
    protocol, port, path = _destination(told.get("destination"), wrong)
    types = _types(told.get("types"), wrong)
    versions = SCHEMA_VERSIONS[api]
    schema_version = told.get("schemaVersion", versions[0])
    if schema_version not in versions:
        wrong.append(f"schemaVersion should be one of {', '.join(versions)}")
    buffering = _buffering(told.get("buffering"), wrong)
    if wrong:
        raise Refused("ValidationError", "; ".join(wrong), 400)
    return Subscription(
        api=api,
        schema_version=schema_version,
        types=types,
        protocol=protocol,
        port=port,
        path=path,
        max_bytes=buffering["maxBytes"],
        max_items=buffering["maxItems"],
        timeout_ms=buffering["timeoutMs"],
    )


def _destination(told: Any, wrong: list[str]) -> tuple[str, int, str]:
    if not isinstance(told, dict):
        wrong.append("destination is not provided")
        return "", 0, ""
    protocol = told.get("protocol")
    if protocol not in ("HTTP", "TCP"):
        wrong.append("protocol should be HTTP or TCP")
    if protocol == "TCP" and "port" in told:  # the Logs API's form
        return "TCP", _port(told["port"], wrong), ""
    return str(protocol), *_uri(told.get("URI"), wrong, is_http=protocol == "HTTP")


def _uri(uri: Any, wrong: list[str], *, is_http: bool) -> tuple[int, str]:
    if not isinstance(uri, str) or not uri:
        wrong.append("URI is not provided")
        return 0, ""
    try:
        parts = urlsplit(uri if "//" in uri else f"//{uri}")
        host, port = parts.hostname, parts.port
    except ValueError:
        wrong.append("URI is not valid")
        return 0, ""
    if parts.scheme not in (("http",) if is_http else ("tcp", "http", "")):
        wrong.append("URI scheme should be http")
    if host not in HOSTS:
        wrong.append("URI host should be sandbox.localdomain")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    if len(path) > PATH_MAX or not path.isascii() or not path.isprintable() or " " in path:
        wrong.append("URI is not valid")
    if port is None:
        wrong.append("URI port is not provided")
        return 0, path
    return _port(port, wrong), path if is_http else ""


def _port(port: Any, wrong: list[str]) -> int:
    if not isinstance(port, int) or not 0 < port < 65536:
        wrong.append("URI port is not valid")
    elif port in RESERVED_PORTS:
        wrong.append(f"URI port {port} is reserved")
    else:
        return port
    return 0


def _types(told: Any, wrong: list[str]) -> tuple[str, ...]:
    if not told:
        wrong.append("types should not be empty")
    elif not isinstance(told, list) or any(each not in TYPES for each in told):
        wrong.append(f"types should be of {', '.join(TYPES)}")
    else:
        return tuple(dict.fromkeys(told))
    return ()


def _buffering(told: Any, wrong: list[str]) -> dict[str, int]:
    values = {name: default for name, (default, _, _) in BUFFERING.items()}
    if told is None:
        return values
    if not isinstance(told, dict):
        wrong.append("buffering should be an object")
        return values
    for name, (_, least, most) in BUFFERING.items():
        value = told.get(name, values[name])
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            values[name] = value
        else:
            wrong.append(f"{name} should be between {least} and {most}")
    return values
