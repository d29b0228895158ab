"""Which service and region a request is for."""

import pytest

from ramuda.gateway.messages import Request
from ramuda.gateway.router import Route, Router
from ramuda.gateway.sigv4 import read_claim
from tests.unit.gateway_edge.gateways import MODELS

FORM = "application/x-www-form-urlencoded; charset=utf-8"
ROUTER = Router(MODELS, ["lambda", "logs", "cloudwatch", "sts"], "us-east-1")


def route(path: str = "/", query: str = "", body: bytes = b"", method: str = "POST", **headers: str) -> Route:
    wire = {name.replace("_", "-"): value for name, value in headers.items()}
    wire.setdefault("host", "localhost:4566")
    request = Request(method, path, query, wire, body)
    return ROUTER.route(request, read_claim(request))


def scope(service: str, region: str = "eu-central-1") -> dict[str, str]:
    credential = f"AKIAX/20260101/{region}/{service}/aws4_request"
    return {
        "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00",
        "x_amz_date": "20260101T000000Z",
    }


@pytest.mark.parametrize(
    ("signing_name", "service"),
    [
        ("lambda", "lambda"),
        ("monitoring", "cloudwatch"),
        ("s3", "s3"),
        ("dynamodb", "dynamodb"),
        ("apigateway", "apigateway"),
        ("nonsense", "nonsense"),
    ],
)
def test_the_scope_names_service_and_region(signing_name: str, service: str) -> None:
    assert route(**scope(signing_name)) == Route(service, "eu-central-1")


def test_any_region_works() -> None:
    assert route(**scope("lambda", "mars-north-1")) == Route("lambda", "mars-north-1")


def test_services_that_share_a_signing_name_are_told_apart_by_target() -> None:
    streams = route(**scope("dynamodb"), x_amz_target="DynamoDBStreams_20120810.GetRecords")
    assert streams == Route("dynamodbstreams", "eu-central-1")
    assert route(**scope("dynamodb"), x_amz_target="DynamoDB_20120810.GetItem").service == "dynamodb"
    assert route(**scope("dynamodb"), x_amz_target="Unknown.X").service == "dynamodb"


def test_a_presigned_url_names_service_and_region() -> None:
    credential = "AKIAX%2F20260101%2Feu-west-2%2Fs3%2Faws4_request"
    query = (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date=20260101T000000Z"
        "&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    )
    assert route("/bucket/key", query, method="GET") == Route("s3", "eu-west-2")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"x_amz_target": "Logs_20140328.DescribeLogGroups"}, "logs"),
        ({"path": "/service/GraniteServiceVersion20100801/operation/PutMetricData"}, "cloudwatch"),
        ({"path": "/2015-03-31/functions/"}, "lambda"),
        ({"path": "/bucket/key", "method": "GET"}, "s3"),
        ({"host": "sts.localhost:4566"}, "sts"),
        ({"host": "bucket.s3.localhost:4566"}, "s3"),
        ({"host": "lambda.s3.localhost:4566", "path": "/key"}, "s3"),
        ({"host": "monitoring.amazonaws.com"}, "cloudwatch"),
        ({"body": b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15", "content_type": FORM}, "sts"),
        ({"query": "Action=ListRoles&Version=2010-05-08", "method": "GET"}, "iam"),
        ({"query": "Action=X&Version=1999-01-01", "method": "GET"}, None),
        ({}, None),
    ],
)
def test_an_unsigned_request_is_placed_by_what_else_it_says(given: dict[str, str], expected: str | None) -> None:
    assert route(**given) == Route(expected, "us-east-1")  # type: ignore[arg-type]  # bodies are bytes


def test_a_host_may_name_the_region() -> None:
    assert route(host="lambda.eu-west-3.amazonaws.com") == Route("lambda", "eu-west-3")
    assert route(host="b.s3.ap-southeast-2.amazonaws.com", path="/k") == Route("s3", "ap-southeast-2")


def test_a_signature_of_another_kind_is_placed_as_if_there_were_none() -> None:
    assert route("/2015-03-31/functions", authorization="Bearer token").service == "lambda"
    assert route("/bucket/key", authorization="AWS AKIAX:signature").service == "s3"
