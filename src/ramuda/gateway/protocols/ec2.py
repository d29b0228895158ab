"""The ec2 variant of the query protocol: flat lists in, no result element and other errors out.

Source: https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
"""

from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel, ServiceModel

from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.protocols.bodies import guarded
from ramuda.gateway.protocols.contract import Plans, no_params
from ramuda.gateway.protocols.errors import wire_error
from ramuda.gateway.protocols.forms import FormReaders, ec2_names, form_fields, form_tree
from ramuda.gateway.protocols.query import form_operation, service_namespace, write_error_members
from ramuda.gateway.protocols.xml_documents import XmlWriters, text
from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError


class Ec2:
    """See the module."""

    name = "ec2"

    def __init__(self) -> None:
        self._parsers = Plans(_compile_parser)
        self._serializers = Plans(_compile_serializer)

    def prepare(self, operation: OperationModel) -> None:
        _ = self._parsers[operation], self._serializers[operation]

    def operation(self, service: ServiceModel, request: Request) -> OperationModel:
        return form_operation(service, request)

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        return self._parsers[operation](request)

    def serialize(self, operation: OperationModel, result: Result, request_id: str) -> Response:
        return self._serializers[operation](result, request_id)

    def serialize_error(
        self, operation: OperationModel | None, service: ServiceModel, error: ApiError, request_id: str
    ) -> Response:
        wire = wire_error(service, error)
        pieces = ["<Response><Errors><Error>"]
        write_error_members(wire, pieces.append)
        pieces.append(f"</Error></Errors><RequestID>{text(request_id)}</RequestID></Response>")
        headers = dict(_headers(request_id)) | dict(error.headers)
        return Response(wire.status, list(headers.items()), "".join(pieces).encode())


def _compile_parser(operation: OperationModel) -> Callable[[Request], dict[str, Any]]:
    if operation.input_shape is None:
        return no_params
    read = FormReaders(ec2_names, always_flat=True).reader(operation.input_shape)

    def parse(request: Request) -> dict[str, Any]:
        params: dict[str, Any] = read(form_tree(form_fields(request)))
        return params

    return guarded(parse)


def _compile_serializer(operation: OperationModel) -> Callable[[Result, str], Response]:
    shape = operation.output_shape
    write_members = XmlWriters().members(shape) if shape is not None else None
    opening = f"<{operation.name}Response{service_namespace(operation.service_model)}>"

    def serialize(result: Result, request_id: str) -> Response:
        pieces = [opening, f"<requestId>{text(request_id)}</requestId>"]
        if write_members is not None:
            write_members(result, pieces.append)
        pieces.append(f"</{operation.name}Response>")
        return Response(200, _headers(request_id), "".join(pieces).encode())

    return serialize


def _headers(request_id: str) -> Headers:
    return [("x-amzn-RequestId", request_id), ("Content-Type", "text/xml;charset=UTF-8")]
