"""botocore's client side without a connection: real requests from its serializers, real answers through its
parsers."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from botocore import parsers
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.model import OperationModel, StructureShape
from botocore.serialize import create_serializer

from ramuda.gateway.messages import Request, Response


def request(operation: OperationModel, params: dict[str, Any], protocol: str | None = None) -> Request:
    """The request that botocore's client sends for `params`, over the service's own protocol unless another is
    named."""
    serializer = create_serializer(protocol or operation.service_model.protocol, include_validation=False)
    description = serializer.serialize_to_request(params, operation)
    prepare_request_dict(description, endpoint_url="http://localhost:4566")
    prepared = create_request_object(description).prepare()
    url = urlsplit(prepared.url)
    headers = {name.lower(): _text(value) for name, value in prepared.headers.items()}
    body = prepared.body or b""
    return Request(
        method=prepared.method,
        path=url.path or "/",
        query=url.query,
        headers=headers,
        body=body if isinstance(body, bytes) else body.encode(),
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def read(operation: OperationModel, response: Response, protocol: str | None = None) -> dict[str, Any]:
    """What botocore's client makes of an answer; a streamed body is read to its end."""
    assert isinstance(response.body, bytes)
    shape = operation.output_shape
    streamed = _streamed_member(shape) if shape is not None else None
    parser = parsers.create_parser(protocol or operation.service_model.protocol)
    parsed: dict[str, Any] = parser.parse(
        {
            "status_code": response.status,
            "headers": HeadersDict(response.headers),
            "body": response.body if streamed is None else BytesIO(response.body),
            "context": {"operation_name": operation.name},
        },
        shape,
    )
    if streamed is not None:
        parsed[streamed] = parsed[streamed].read()
    return parsed


def _streamed_member(shape: StructureShape) -> str | None:
    payload: str | None = shape.serialization.get("payload")
    return payload if payload is not None and shape.members[payload].type_name == "blob" else None
