"""Serializes the result of an output case and compares with the response that the case gives.

Status and headers must be those of the case (ours may have more). Bodies are compared as what they say: JSON and CBOR
as values, XML as elements without namespace prefixes and white space. The order of an object's members does not
matter.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import cbor2
from botocore import parsers
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, Shape

from ramuda.gateway.messages import Response
from ramuda.kernel.errors import ApiError
from tests.protocol.cases import Case, comparable

_ENVELOPE = ("ResponseMetadata", "Error")


def check_response(case: Case) -> None:
    """Raises AssertionError where the serialized response differs from the case's."""
    expected = case.data["response"]
    response = serialize(case)
    assert response.status == expected["status_code"]
    _check_headers(response, expected.get("headers", {}))
    assert isinstance(response.body, bytes)
    _check_body(case, response.body, expected.get("body", ""))


def check_as_client(case: Case) -> None:
    """Raises AssertionError where botocore's client does not read the case's result from our response."""
    operation = case.operation()
    shape = operation.output_shape
    if "error" in case.data:
        error = _read_as_client(case, operation, shape)["Error"]
        assert error["Code"] == case.data["errorCode"]
        assert (error.get("Message") or None) == case.data.get("errorMessage")
        shape = operation.service_model.shape_for_error_code(case.data["errorCode"])
    elif shape is not None and case.suite["metadata"]["protocol"] == "query":
        shape.serialization.setdefault("resultWrapper", f"{operation.name}Result")
    read = _read_as_client(case, operation, shape)
    assert comparable({k: v for k, v in read.items() if k not in _ENVELOPE}) == comparable(_as_sent(case))


def _read_as_client(case: Case, operation: OperationModel, shape: Shape) -> Any:
    response = serialize(case)
    parser = parsers.create_parser(case.suite["metadata"]["protocol"])
    return parser.parse(
        {
            "status_code": response.status,
            "headers": HeadersDict(response.headers),
            "body": response.body,
            "context": {"operation_name": operation.name},
        },
        shape,
    )


def _as_sent(case: Case) -> Any:
    """The case's result as an answer can carry it: a null is not sent."""
    result = case.data.get("error", case.data.get("result"))
    return {name: value for name, value in result.items() if value is not None}


def serialize(case: Case) -> Response:
    """The case's result or error as a server answers it."""
    operation = case.operation()
    request_id = _request_id(case.data["response"])
    if "error" not in case.data:
        result = _result(operation.output_shape, case.data["result"]) if operation.output_shape else {}
        return case.protocol.serialize(operation, result, request_id)
    shape = operation.service_model.shape_for_error_code(case.data["errorCode"])
    members = _result(shape, case.data["error"])
    message = case.data.get("errorMessage")
    members = {name: value for name, value in members.items() if name.lower() != "message"}
    error = ApiError(case.data["errorCode"], message, members=members)
    if "error" not in shape.metadata:
        error.status = case.data["response"]["status_code"]
    return case.protocol.serialize_error(operation.service_model, error, request_id)


def _request_id(expected: Mapping[str, Any]) -> str:
    found = re.search(r"<requestId>(.*?)</requestId>", expected.get("body", ""), re.IGNORECASE)
    return found[1] if found else expected.get("headers", {}).get("X-Amzn-Requestid", "request-id")


def _result(shape: Shape, value: Any) -> Any:
    """The case's result as a service would give it: blobs as bytes, special floats as floats."""
    if value is None:
        return None
    match shape.type_name:
        case "structure" if not shape.is_document_type:
            return {name: _result(shape.members[name], item) for name, item in value.items()}
        case "list":
            return [_result(shape.member, item) for item in value]
        case "map":
            return {key: _result(shape.value, item) for key, item in value.items()}
        case "blob":
            return value.encode()
        case "float" | "double":
            return float(value)
        case _:
            return value


def _check_headers(response: Response, expected: Mapping[str, str]) -> None:
    actual = {name.lower(): value for name, value in response.headers}
    for name, value in expected.items():
        if name.lower() == "content-type":
            assert actual["content-type"].partition(";")[0] == value.partition(";")[0]
        elif name.lower() != "content-length":  # the HTTP server's
            assert actual.get(name.lower()) == value, f"header {name}"


def _check_body(case: Case, actual: bytes, expected: str) -> None:
    protocol = case.suite["metadata"]["protocol"]
    if protocol == "smithy-rpc-v2-cbor":
        assert comparable(_cbor(actual)) == comparable(_cbor(base64.b64decode(expected)))
    elif not expected.strip().startswith(("{", "<", "[")):
        assert actual.decode().strip() in (expected.strip(), "{}" if not expected.strip() else expected)
    elif expected.strip().startswith("<"):
        assert _element(ElementTree.fromstring(actual)) == _element(ElementTree.fromstring(expected))
    else:
        assert _json(actual) == _json(expected)


def _cbor(body: bytes) -> Any:
    document = cbor2.loads(body) if body else {}
    return _without_namespace(document)


def _json(body: bytes | str) -> Any:
    return _without_namespace(json.loads(body))


def _without_namespace(document: Any) -> Any:
    """Errors may name their shape with its Smithy namespace, which botocore's models do not have."""
    if isinstance(document, dict) and "__type" in document:
        return {**document, "__type": document["__type"].rpartition("#")[2]}
    return document


def _element(node: ElementTree.Element) -> Any:
    children = sorted((_element(child) for child in node if _is_compared(child)), key=lambda child: str(child[0]))
    attributes = {name.rpartition("}")[2]: value for name, value in node.attrib.items()}
    return node.tag.rpartition("}")[2], attributes, (node.text or "").strip() if not children else "", children


def _is_compared(node: ElementTree.Element) -> bool:
    """Some cases leave out the request id, which every real answer has."""
    return node.tag.rpartition("}")[2] not in ("requestId", "RequestId", "RequestID", "ResponseMetadata")
