"""AWS's wire protocols, compiled from botocore's service models.

    protocol = select(service, request)
    operation = protocol.operation(service, request)
    params = protocol.parse(operation, request)
    response = protocol.serialize(operation, result, request_id)

Each protocol is one file; `contract` says what they share. Every failure of a request is an ApiError, which
`protocol.serialize_error` turns into the answer that AWS gives over that protocol.
"""

from ramuda.gateway.protocols.contract import WireProtocol
from ramuda.gateway.protocols.select import PROTOCOLS, select

__all__ = ["PROTOCOLS", "WireProtocol", "select"]
