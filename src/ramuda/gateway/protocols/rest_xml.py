"""AWS REST XML: members in path, query string and headers, the others as an XML document. S3 speaks it, with its own
errors.

Source: https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html;
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import quoteattr

from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from ramuda.gateway.messages import Headers, Request
from ramuda.gateway.protocols.contract import Parse, Serialize, WireProtocol
from ramuda.gateway.protocols.errors import WireError, error_headers
from ramuda.gateway.protocols.http_router import router_of
from ramuda.gateway.protocols.query import service_namespace, write_error_members
from ramuda.gateway.protocols.request_bindings import compile_request
from ramuda.gateway.protocols.response_bindings import compile_response
from ramuda.gateway.protocols.xml_documents import Writer, XmlReaders, XmlWriters, namespace_attribute, parse_xml, text
from ramuda.kernel.errors import ApiError

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def _find_operation(service: ServiceModel, request: Request) -> OperationModel:
    name = router_of(service).match(request)
    if name is None:
        raise ApiError("MethodNotAllowed", "The specified method is not allowed against this resource.", status=405)
    return service.operation_model(name)


def _compile_parser(operation: OperationModel) -> Parse:
    return compile_request(operation, _XmlBodies(operation))


def _compile_serializer(operation: OperationModel) -> Serialize:
    id_header = _request_id_header(operation.service_model)
    return compile_response(operation, _XmlBodies(operation), id_header=id_header)


def _write_error(service: ServiceModel, wire: WireError, request_id: str) -> tuple[Headers, bytes]:
    is_s3 = _is_s3(service)
    pieces = [_DECLARATION]
    pieces.append("<Error>" if is_s3 else f"<ErrorResponse{service_namespace(service)}><Error>")
    if not is_s3:
        pieces.append(f"<Type>{'Sender' if wire.is_sender else 'Receiver'}</Type>")
    write_error_members(wire, pieces.append)
    request_id_element = f"<RequestId>{text(request_id)}</RequestId>"
    pieces.append(f"{request_id_element}</Error>" if is_s3 else f"</Error>{request_id_element}</ErrorResponse>")
    headers = [(_request_id_header(service), request_id), ("Content-Type", "application/xml")]
    return headers + error_headers(wire), "".join(pieces).encode()


def _is_s3(service: ServiceModel) -> bool:
    return bool(service.metadata.get("endpointPrefix", "").startswith("s3"))


def _request_id_header(service: ServiceModel) -> str:
    return "x-amz-request-id" if _is_s3(service) else "x-amzn-RequestId"


class _XmlBodies:
    """XML bodies. The root element has the name of the shape, unless the model gives it another."""

    content_type = "application/xml"

    def __init__(self, operation: OperationModel) -> None:
        namespace = operation.service_model.metadata.get("xmlNamespace")
        self._namespace = f" xmlns={quoteattr(namespace)}" if isinstance(namespace, str) else ""

    def members_reader(self, shape: StructureShape, names: list[str]) -> Callable[[bytes], dict[str, Any]]:
        read = XmlReaders().members(shape, names)
        return lambda body: read(parse_xml(body))

    def payload_reader(self, shape: Shape) -> Callable[[bytes], Any]:
        read = XmlReaders().reader(shape)
        return lambda body: read(parse_xml(body))

    def members_writer(self, shape: StructureShape, names: list[str]) -> Callable[[dict[str, Any]], bytes]:
        if not names:
            return _no_body
        root = shape.serialization.get("name", shape.name)
        return _document(XmlWriters().root(shape, names, root, namespace_attribute(shape) or self._namespace))

    def payload_writer(self, shape: Shape) -> Callable[[Any], bytes]:
        has_namespace = "xmlNamespace" in shape.serialization
        root = shape.serialization.get("name", shape.name)
        return _document(XmlWriters().element(shape, root, "" if has_namespace else self._namespace))


def _no_body(result: dict[str, Any]) -> bytes:
    return b""


def _document(write: Writer) -> Callable[[Any], bytes]:
    def serialize(value: Any) -> bytes:
        pieces = [_DECLARATION]
        write(value, pieces.append)
        return "".join(pieces).encode()

    return serialize


REST_XML = WireProtocol(
    "rest-xml",
    find_operation=_find_operation,
    compile_parser=_compile_parser,
    compile_serializer=_compile_serializer,
    write_error=_write_error,
)
