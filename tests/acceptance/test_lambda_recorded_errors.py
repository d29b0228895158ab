"""Every error that AWS was recorded to answer, provoked through boto3 and compared whole.

Those that need another service or time to pass have tests of their own: `ELSEWHERE` names them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from botocore.config import Config

from tests.acceptance.recorded_errors import ACCOUNT, CSC_PLACEHOLDER, RECORDED, REGION, ROLE, Error
from tests.acceptance.test_lambda_versions import answered
from tests.conftest import Aws

ELSEWHERE = {
    "esm_with_not_existing_sqs_queue": ("unit/lambda_/test_mappings.py", "SQS Error Message: The specified queue"),
    "sqs_invalid_event_filter": ("unit/lambda_/test_mappings.py", "Invalid filter pattern definition."),
    "dynamodb_invalid_event_filter": ("unit/lambda_/test_mappings.py", "Invalid filter pattern definition."),
    "invalid_vpc_config_subnet, of one that is not there": (
        "unit/lambda_/test_surroundings.py",
        "DescribeSubnets. EC2",
    ),
    "lambda_code_location_s3_errors": ("unit/lambda_/test_error_texts.py", "S3 Error Code: NoSuchBucket."),
    "lambda_concurrency_block": ("acceptance/test_lambda_concurrency.py", "Rate Exceeded."),
    "lambda_concurrent_config_updates": ("unit/lambda_/test_refusals.py", "An update is in progress for resource"),
    "lambda_provisioned_lifecycle, of conflicts": (
        "acceptance/test_lambda_concurrency.py",
        "Version is pointed by a Provisioned Concurrency alias",
    ),
    "oversized_zipped_create_lambda": ("unit/lambda_/test_refusals.py", "Zipped size must be smaller than 52428800"),
    "publish_with_wrong_sha256": ("acceptance/test_lambda_versions.py", "CodeSHA256 (somenonexistentsha256)"),
    "reserved_concurrency": ("acceptance/test_lambda_concurrency.py", "ReservedFunctionConcurrentInvocationLimit"),
}
"""Recording to the test that provokes it and words of it."""


@pytest.fixture(scope="module")
def world(aws: Aws, zipped: Callable[..., bytes]) -> Iterator[tuple[Any, str]]:
    """A client that checks nothing itself, and the configuration that stands for `CSC_PLACEHOLDER`."""
    client = aws("lambda", account=ACCOUNT, config=Config(parameter_validation=False))
    code = {"ZipFile": zipped({"app.py": "def handler(event, context):\n    return event\n"})}
    for name in ("f", "g"):
        client.create_function(
            FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code, Publish=True
        )
        quick = {"Delay": 0.05, "MaxAttempts": 600}
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=quick)
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    allowed = {"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "logs.amazonaws.com"}
    client.add_permission(StatementId="s3", **allowed)
    client.add_permission(StatementId="s3", Qualifier="live", **allowed)
    for layer in ("l", "open"):
        client.publish_layer_version(LayerName=layer, Content=code)
    client.add_layer_version_permission(
        LayerName="l", VersionNumber=1, StatementId="s1", Action="lambda:GetLayerVersion", Principal="*"
    )
    profile = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/p"
    signing = client.create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": [profile]})
    yield client, signing["CodeSigningConfig"]["CodeSigningConfigArn"]
    for name in ("f", "g"):
        client.delete_function(FunctionName=name)


def expected(client: Any, error: Error) -> tuple[int, dict[str, Any]]:
    """As the service's model spells it; what it has not got, the framework's answers, have a code and a message."""
    if error.code == "ValidationException":
        return error.status, {"Error": {"Code": error.code, "Message": error.message}}
    members = client.meta.service_model.shape_for(error.code).members
    return error.status, error.body("Message" if "Message" in members else "message")


@pytest.mark.parametrize("case", RECORDED)
def test_an_error_is_answered_as_it_was_recorded(world: tuple[Any, str], case: str) -> None:
    client, signing = world
    for operation, params, error in RECORDED[case]:
        given = {name: signing if value == CSC_PLACEHOLDER else value for name, value in params.items()}
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            getattr(client, operation)(**given)
        assert (operation, *answered(dict(caught.value.response))) == (operation, *expected(client, error))


def test_the_other_recorded_errors_have_tests_where_it_is_said() -> None:
    tests = Path(__file__).resolve().parents[1]
    assert [file for file, words in ELSEWHERE.values() if words not in (tests / file).read_text()] == []
