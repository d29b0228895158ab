"""AWS query: a form with `Action` and `Version` in, XML out.

Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import quoteattr

from botocore.model import OperationModel, ServiceModel, StructureShape

from ramuda.gateway.messages import Headers, Request, Response
from ramuda.gateway.protocols.bodies import guarded
from ramuda.gateway.protocols.contract import Parse, Serialize, WireProtocol, no_params
from ramuda.gateway.protocols.errors import WireError
from ramuda.gateway.protocols.forms import FormReaders, NamesOf, form_fields, form_tree, query_names
from ramuda.gateway.protocols.xml_documents import XmlWriters, text
from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError


def form_operation(service: ServiceModel, request: Request) -> OperationModel:
    """The operation that `Action` names, for both protocols that have it."""
    fields = form_fields(request)
    action = fields.get("Action")
    if action is None:
        raise ApiError("MissingAction", "Missing required parameter: Action", status=400)
    if action not in service.operation_names:
        version = fields.get("Version", service.api_version)
        raise ApiError("InvalidAction", f"Could not find operation {action} for version {version}", status=400)
    return service.operation_model(action)


def compile_form_parser(operation: OperationModel, names_of: NamesOf, *, always_flat: bool) -> Parse:
    """For both protocols: a form to parameters; the two options are those of `FormReaders`."""
    if operation.input_shape is None:
        return no_params
    read = FormReaders(names_of, always_flat=always_flat).reader(operation.input_shape)

    def parse(request: Request) -> dict[str, Any]:
        params: dict[str, Any] = read(form_tree(form_fields(request)))
        return params

    return guarded(parse)


def service_namespace(service: ServiceModel) -> str:
    """` xmlns="..."` of the service's documents, or nothing."""
    namespace = service.metadata.get("xmlNamespace")
    return f" xmlns={quoteattr(namespace)}" if namespace else ""


def write_error_members(wire: WireError, emit: Callable[[str], None]) -> None:
    """`Code`, `Message` and the error's further members."""
    emit(f"<Code>{text(wire.code)}</Code>")
    if wire.message is not None:
        emit(f"<Message>{text(wire.message)}</Message>")
    if wire.shape is not None:
        names = [
            name
            for name, member in wire.shape.members.items()
            if name.lower() != "message" and "location" not in member.serialization
        ]
        XmlWriters().members(wire.shape, names)(wire.members, emit)


def _write_error(service: ServiceModel, wire: WireError, request_id: str) -> tuple[Headers, bytes]:
    pieces = [f"<ErrorResponse{service_namespace(service)}><Error>"]
    pieces.append(f"<Type>{'Sender' if wire.is_sender else 'Receiver'}</Type>")
    write_error_members(wire, pieces.append)
    pieces.append(f"</Error><RequestId>{text(request_id)}</RequestId></ErrorResponse>")
    return _headers(request_id), "".join(pieces).encode()


def _compile_parser(operation: OperationModel) -> Parse:
    return compile_form_parser(operation, query_names, always_flat=False)


def _compile_serializer(operation: OperationModel) -> Serialize:
    name, shape = operation.name, operation.output_shape
    opening = f"<{name}Response{service_namespace(operation.service_model)}>"
    closing = f"</RequestId></ResponseMetadata></{name}Response>"
    write_result = _result_writer(name, shape) if shape is not None else None

    def serialize(result: Result, request_id: str) -> Response:
        pieces = [opening]
        if write_result is not None:
            write_result(result, pieces.append)
        pieces += ("<ResponseMetadata><RequestId>", text(request_id), closing)
        return Response(200, _headers(request_id), "".join(pieces).encode())

    return serialize


def _result_writer(name: str, shape: StructureShape) -> Callable[[Any, Callable[[str], None]], None]:
    return XmlWriters().element(shape, shape.serialization.get("resultWrapper", f"{name}Result"))


def _headers(request_id: str) -> Headers:
    return [("x-amzn-RequestId", request_id), ("Content-Type", "text/xml")]


QUERY = WireProtocol(
    "query",
    find_operation=form_operation,
    compile_parser=_compile_parser,
    compile_serializer=_compile_serializer,
    write_error=_write_error,
)
