"""A request is read in the protocol that it speaks."""

import pytest

from ramuda.gateway.messages import Request
from ramuda.gateway.protocols import select
from tests.unit.gateway_protocols.requests import form_request, json_request, models, request


@pytest.mark.parametrize(
    ("service", "message", "protocol"),
    [
        ("cloudwatch", request("POST", "/", {"smithy-protocol": "rpc-v2-cbor"}), "smithy-rpc-v2-cbor"),
        ("cloudwatch", json_request("GraniteServiceVersion20100801.ListMetrics", b""), "json"),
        ("cloudwatch", form_request(b"Action=ListMetrics"), "query"),
        ("cloudwatch", request("GET", "/?Action=ListMetrics"), "query"),
        ("cloudwatch", request("GET", "/"), "smithy-rpc-v2-cbor"),
        ("logs", form_request(b"Action=X"), "json"),
        ("lambda", form_request(b"Action=X"), "rest-json"),
        ("sts", request("POST", "/"), "query"),
        ("s3", request("GET", "/?Action=X"), "rest-xml"),
        ("ec2", form_request(b""), "ec2"),
    ],
)
def test_the_protocol_of_a_request(service: str, message: Request, protocol: str) -> None:
    assert select(models.service(service), message).name == protocol
