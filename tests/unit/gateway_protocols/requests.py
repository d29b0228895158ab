"""Requests made by hand, for what no well-behaved client sends."""

from typing import Any

from botocore.model import OperationModel, ServiceModel

from ramuda.gateway.messages import Request, Response
from ramuda.gateway.model import Models
from ramuda.gateway.protocols import select
from ramuda.kernel.errors import ApiError

models = Models()


def operation(service: str, name: str) -> OperationModel:
    return models.service(service).operation_model(name)


def request(method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Request:
    path, _, query = target.partition("?")
    return Request(method=method, path=path, query=query, headers=headers or {}, body=body)


def json_request(target: str, body: bytes) -> Request:
    return request("POST", "/", {"x-amz-target": target, "content-type": "application/x-amz-json-1.1"}, body)


def form_request(body: bytes) -> Request:
    return request("POST", "/", {"content-type": "application/x-www-form-urlencoded"}, body)


def understand(service: ServiceModel, message: Request) -> tuple[OperationModel, dict[str, Any]]:
    """What the gateway does with a request before a service sees it."""
    protocol = select(service, message)
    called = protocol.operation(service, message)
    return called, protocol.parse(called, message)


def answer_to(service: str, message: Request, error: ApiError) -> Response:
    """How `error` is answered to `message`."""
    model = models.service(service)
    return select(model, message).serialize_error(model, error, "the-id")
