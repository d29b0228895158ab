"""botocore's protocol cases, read for a server: the request of an input case must become its parameters, the result
of an output case must become its response.

What the cases write in JSON (blobs as text, instants as seconds, special floats as strings) is brought to one form on
both sides (`comparable`).
"""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from botocore.model import OperationModel, ServiceModel
from botocore.serialize import create_serializer

from ramuda.gateway.messages import Request
from ramuda.gateway.protocols import PROTOCOLS, WireProtocol

CASES_DIR = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One published case. `data` is the case as published, `suite` the model it belongs to."""

    kind: str
    file: str
    suite: dict[str, Any]
    data: dict[str, Any]

    @property
    def key(self) -> str:
        """What the ignore list calls it."""
        return f"{self.kind}/{self.file}/{self.data['id']}"

    @property
    def protocol(self) -> WireProtocol:
        return PROTOCOLS[self.suite["metadata"]["protocol"]]

    def operation(self) -> OperationModel:
        description = {**self.suite, "operations": {self.data["given"]["name"]: self.data["given"]}}
        service = ServiceModel(json.loads(json.dumps(description)), "protocol-tests")
        return service.operation_model(self.data["given"]["name"])


def load(kind: str) -> Iterator[Case]:
    for path in sorted((CASES_DIR / kind).glob("*.json")):
        for suite in json.loads(path.read_text()):
            for data in suite["cases"]:
                yield Case(kind, path.stem, suite, data)


def request_of(case: Case) -> Request:
    """The case's HTTP request as the server would hand it on. Where a case is about one thing and leaves out others
    (the target header, a compressed body), botocore's serializer fills them in."""
    wire = case.data["serialized"]
    path, _, query = wire["uri"].partition("?")
    headers = {name.lower(): value for name, value in wire.get("headers", {}).items()}
    if "body" in wire and ("x-amz-target" in headers or case.suite["metadata"]["protocol"] != "json"):
        body = base64.b64decode(wire["body"]) if case.file.startswith("smithy-rpc") else wire["body"].encode()
    else:
        filled = create_serializer(case.suite["metadata"]["protocol"], False).serialize_to_request(
            case.data["params"], case.operation()
        )
        headers = {name.lower(): value for name, value in filled["headers"].items()} | headers
        raw = filled["body"]
        body = urlencode(raw).encode() if isinstance(raw, dict) else raw
    if "gzip" in headers.get("content-encoding", "") and "body" not in wire:
        body = gzip.compress(body)
    return Request(method=wire.get("method", "POST"), path=path, query=query, headers=headers, body=body)


def expected_params(case: Case) -> dict[str, Any]:
    """The case's parameters as far as a request can carry them: a null is not sent."""
    return {name: value for name, value in case.data["params"].items() if value is not None}


def without_filled_tokens(case: Case, operation: OperationModel, params: dict[str, Any]) -> dict[str, Any]:
    """Without the idempotency tokens that the client made up and the case therefore does not name."""
    tokens = {member for member in operation.idempotent_members if member not in case.data["params"]}
    return {name: value for name, value in params.items() if name not in tokens}


def comparable(value: Any) -> Any:
    """A value with bytes as text, instants as seconds and special floats as their names."""
    match value:
        case dict():
            return {key: comparable(item) for key, item in value.items()}
        case list():
            return [comparable(item) for item in value]
        case bytes():
            return value.decode()
        case datetime():
            return value.timestamp()
        case float() if value != value:
            return "NaN"
        case float() if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        case _:
            return value
