"""The ec2 variant of the query protocol: flat lists in, no result element and other errors out.

Source: https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
"""

from botocore.model import OperationModel, ServiceModel

from ramuda.gateway.messages import Headers, Response
from ramuda.gateway.protocols.contract import Parse, Serialize, WireProtocol
from ramuda.gateway.protocols.errors import WireError
from ramuda.gateway.protocols.forms import ec2_names
from ramuda.gateway.protocols.query import (
    compile_form_parser,
    form_operation,
    service_namespace,
    write_error_members,
)
from ramuda.gateway.protocols.xml_documents import XmlWriters, text
from ramuda.kernel.call import Result


def _compile_parser(operation: OperationModel) -> Parse:
    return compile_form_parser(operation, ec2_names, always_flat=True)


def _compile_serializer(operation: OperationModel) -> Serialize:
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


def _write_error(service: ServiceModel, wire: WireError, request_id: str) -> tuple[Headers, bytes]:
    pieces = ["<Response><Errors><Error>"]
    write_error_members(wire, pieces.append)
    pieces.append(f"</Error></Errors><RequestID>{text(request_id)}</RequestID></Response>")
    return _headers(request_id), "".join(pieces).encode()


def _headers(request_id: str) -> Headers:
    return [("x-amzn-RequestId", request_id), ("Content-Type", "text/xml;charset=UTF-8")]


EC2 = WireProtocol(
    "ec2",
    find_operation=form_operation,
    compile_parser=_compile_parser,
    compile_serializer=_compile_serializer,
    write_error=_write_error,
)
