"""Which protocol a request speaks. A service may offer several, and answers in the one it was asked in."""

from botocore.model import ServiceModel

from ramuda.gateway.messages import Request
from ramuda.gateway.protocols.contract import WireProtocol
from ramuda.gateway.protocols.ec2 import EC2
from ramuda.gateway.protocols.json_rpc import JSON_RPC
from ramuda.gateway.protocols.query import QUERY
from ramuda.gateway.protocols.rest_json import REST_JSON
from ramuda.gateway.protocols.rest_xml import REST_XML
from ramuda.gateway.protocols.rpc_v2_cbor import RPC_V2_CBOR

PROTOCOLS: dict[str, WireProtocol] = {
    protocol.name: protocol for protocol in (REST_JSON, JSON_RPC, QUERY, EC2, REST_XML, RPC_V2_CBOR)
}


def select(service: ServiceModel, request: Request) -> WireProtocol:
    """The protocol of `request` among those `service` offers; the service's preferred one when the request does not
    say."""
    offered = service.metadata.get("protocols", ())
    if len(offered) > 1 and (asked := _asked(request)) is not None and asked in offered:
        return PROTOCOLS[asked]
    return PROTOCOLS[service.metadata["protocol"]]


def _asked(request: Request) -> str | None:
    headers = request.headers
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "smithy-rpc-v2-cbor"
    if "x-amz-target" in headers:
        return "json"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded") or "Action=" in request.query:
        return "query"
    return None
