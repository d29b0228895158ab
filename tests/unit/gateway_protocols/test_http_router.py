"""Which operation a REST request means."""

import pytest

from ramuda.gateway.messages import Request
from ramuda.gateway.protocols.http_router import HttpRouter
from tests.unit.gateway_protocols import client
from tests.unit.gateway_protocols.requests import models, request

LAMBDA = HttpRouter(models.service("lambda"))
S3 = HttpRouter(models.service("s3"))
FUNCTION = "/2015-03-31/functions/f"
PROVISIONED = "/2019-09-30/functions/f/provisioned-concurrency"


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("GET", "/2015-03-31/functions", "ListFunctions"),
        ("GET", "/2015-03-31/functions/", "ListFunctions"),
        ("POST", "/2015-03-31/functions", "CreateFunction"),
        ("GET", FUNCTION, "GetFunction"),
        ("DELETE", FUNCTION + "?Qualifier=1", "DeleteFunction"),
        ("POST", FUNCTION + "/invocations?Qualifier=live", "Invoke"),
        ("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax/invocations", "Invoke"),
        ("POST", "/2015-03-31/functions/arn:aws:lambda:x/invocations", "Invoke"),
        ("GET", "/2018-10-31/layers", "ListLayers"),
        ("GET", "/2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn"),
        ("GET", "/2018-10-31/layers?find=Other", "ListLayers"),
        ("GET", PROVISIONED + "?List=ALL", "ListProvisionedConcurrencyConfigs"),
        ("GET", PROVISIONED + "?Qualifier=1", "GetProvisionedConcurrencyConfig"),
        ("GET", PROVISIONED, "GetProvisionedConcurrencyConfig"),
        ("GET", "/2019-09-25/functions/f/event-invoke-config/list", "ListFunctionEventInvokeConfigs"),
        ("GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Ax%3Af%2Fg", "ListTags"),
    ],
)
def test_lambdas_operations_are_found(method: str, target: str, operation: str) -> None:
    assert LAMBDA.match(request(method, target)) == operation


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PATCH", "/2015-03-31/functions"),
        ("POST", "/2015-03-31/functions//invocations"),
        ("POST", FUNCTION + "/invocations/more"),
        ("POST", "/"),
        ("POST", "//"),
        ("POST", "/2015-03-31"),
    ],
)
def test_what_is_no_operation_is_none(method: str, target: str) -> None:
    assert LAMBDA.match(request(method, target)) is None


@pytest.mark.parametrize(
    ("method", "target", "headers", "operation"),
    [
        ("GET", "/", {}, "ListBuckets"),
        ("GET", "/bucket", {}, "ListObjects"),
        ("GET", "/bucket/", {}, "ListObjects"),
        ("GET", "/bucket?list-type=2", {}, "ListObjectsV2"),
        ("GET", "/bucket/a/b/", {}, "GetObject"),
        ("PUT", "/bucket/a/b", {}, "PutObject"),
        ("PUT", "/bucket/a/b", {"x-amz-copy-source": "b/k"}, "CopyObject"),
        ("PUT", "/bucket/a?partNumber=1&uploadId=u", {}, "UploadPart"),
        ("GET", "/bucket?notification", {}, "GetBucketNotificationConfiguration"),
    ],
)
def test_s3s_operations_are_told_apart_by_query_and_headers(
    method: str, target: str, headers: dict[str, str], operation: str
) -> None:
    assert S3.match(request(method, target, headers)) == operation


@pytest.mark.parametrize("name", models.service("lambda").operation_names)
def test_every_lambda_operation_is_found_by_its_own_request(name: str) -> None:
    operation = models.service("lambda").operation_model(name)
    shape = operation.input_shape
    members = {m: shape.members[m] for m in shape.required_members} if shape else {}
    params = {m: _sample(member.type_name) for m, member in members.items() if member.serialization.get("location")}
    sent: Request = client.request(operation, params)
    assert LAMBDA.match(sent) == name


def _sample(type_name: str) -> object:
    return {"integer": 1, "long": 1, "list": ["x"]}.get(type_name, "x")
