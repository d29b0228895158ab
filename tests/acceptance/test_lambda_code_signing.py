"""Code signing over the wire: whole answers, compared with what was recorded from AWS (function_code_signing_config,
code_signing_not_found_excs)."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.test_lambda_functions import ACCOUNT, HANDLER, REGION, ROLE, Aws, Zipped, active, arn, refused
from tests.acceptance.test_lambda_policies import answered, error, missing

PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/test"
MISSING = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-00000000000000000"


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws("lambda")


@pytest.fixture
def function(client: Any, unique: str, zipped: Zipped) -> Iterator[str]:
    client.create_function(
        FunctionName=unique, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": zipped(HANDLER)}
    )
    active(client, unique)
    yield unique
    client.delete_function(FunctionName=unique)


@pytest.fixture
def make(client: Any) -> Callable[..., dict[str, Any]]:
    def create(on_untrusted: str = "Enforce", **params: Any) -> dict[str, Any]:
        made: dict[str, Any] = client.create_code_signing_config(
            Description="Testing CodeSigning Config",
            AllowedPublishers={"SigningProfileVersionArns": [PROFILE]},
            CodeSigningPolicies={"UntrustedArtifactOnDeployment": on_untrusted},
            **params,
        )
        return made

    return create


def test_a_configuration_and_its_function_are_answered_as_recorded(
    client: Any, function: str, make: Callable[..., dict[str, Any]]
) -> None:
    created = make()
    config = created["CodeSigningConfig"]
    config_id, config_arn = config["CodeSigningConfigId"], config["CodeSigningConfigArn"]
    assert answered(created) == (
        201,
        {
            "CodeSigningConfig": {
                "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]},
                "CodeSigningConfigArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:{config_id}",
                "CodeSigningConfigId": config_id,
                "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"},
                "Description": "Testing CodeSigning Config",
                "LastModified": config["LastModified"],
            }
        },
    )
    assert re.fullmatch(r"csc-[a-z0-9]{17}", config_id)
    warning = {"UntrustedArtifactOnDeployment": "Warn"}
    updated = client.update_code_signing_config(CodeSigningConfigArn=config_arn, CodeSigningPolicies=warning)
    config = {**config, "CodeSigningPolicies": warning, "LastModified": updated["CodeSigningConfig"]["LastModified"]}
    assert answered(updated) == (200, {"CodeSigningConfig": config})
    assert answered(client.get_code_signing_config(CodeSigningConfigArn=config_arn)) == answered(updated)
    every = client.get_paginator("list_code_signing_configs").paginate().build_full_result()["CodeSigningConfigs"]
    assert config in every

    both = {"CodeSigningConfigArn": config_arn, "FunctionName": function}
    assert answered(client.put_function_code_signing_config(**both)) == (200, both)
    assert answered(client.get_function_code_signing_config(FunctionName=function)) == (200, both)
    users = client.list_functions_by_code_signing_config(CodeSigningConfigArn=config_arn)
    assert answered(users) == (200, {"FunctionArns": [arn(function)]})
    assert refused(client.delete_code_signing_config, CodeSigningConfigArn=config_arn) == (
        409,
        error(
            "ResourceConflictException",
            f"The code signing configuration {config_arn} is used by functions and stays.",
        ),
    )
    assert answered(client.delete_function_code_signing_config(FunctionName=function)) == (204, {})
    assert answered(client.get_function_code_signing_config(FunctionName=function)) == (200, {})
    users = client.list_functions_by_code_signing_config(CodeSigningConfigArn=config_arn)
    assert answered(users) == (200, {"FunctionArns": []})
    assert answered(client.delete_function_code_signing_config(FunctionName=function)) == (204, {})
    assert answered(client.delete_code_signing_config(CodeSigningConfigArn=config_arn)) == (204, {})


def test_what_is_not_there_is_missed_as_recorded(
    client: Any, function: str, make: Callable[..., dict[str, Any]]
) -> None:
    sentence = f"The Lambda code signing configuration {MISSING} can not be found."
    untyped = (404, {"Error": {"Code": "ResourceNotFoundException", "Message": sentence}, "Message": sentence})
    for call in (
        client.get_code_signing_config,
        client.update_code_signing_config,
        client.delete_code_signing_config,
        client.list_functions_by_code_signing_config,
    ):
        assert refused(call, CodeSigningConfigArn=MISSING) == untyped
    no_function = missing(f"Function not found: {arn('csc-test-doesnotexist')}")
    for call in (client.get_function_code_signing_config, client.delete_function_code_signing_config):
        assert refused(call, FunctionName="csc-test-doesnotexist") == no_function
    config_arn = make()["CodeSigningConfig"]["CodeSigningConfigArn"]
    put = client.put_function_code_signing_config
    assert refused(put, FunctionName="csc-test-doesnotexist", CodeSigningConfigArn=config_arn) == no_function
    sentence = (
        "The code signing configuration cannot be found. Check that the provided configuration is not deleted: "
        f"{MISSING}."
    )
    gone = (404, error("CodeSigningConfigNotFoundException", sentence, "Message"))
    for name in (function, "csc-test-doesnotexist"):
        assert refused(put, FunctionName=name, CodeSigningConfigArn=MISSING) == gone
    client.delete_code_signing_config(CodeSigningConfigArn=config_arn)


def test_tags_are_kept(client: Any, make: Callable[..., dict[str, Any]]) -> None:
    config_arn = make(Tags={"team": "a"})["CodeSigningConfig"]["CodeSigningConfigArn"]
    assert answered(client.list_tags(Resource=config_arn)) == (200, {"Tags": {"team": "a"}})
    client.tag_resource(Resource=config_arn, Tags={"stage": "b"})
    client.untag_resource(Resource=config_arn, TagKeys=["team"])
    assert client.list_tags(Resource=config_arn)["Tags"] == {"stage": "b"}
    client.delete_code_signing_config(CodeSigningConfigArn=config_arn)


def test_enforce_refuses_code_that_nobody_signed(
    client: Any, function: str, zipped: Zipped, make: Callable[..., dict[str, Any]]
) -> None:
    config_arn = make("Enforce")["CodeSigningConfig"]["CodeSigningConfigArn"]

    def blocked(name: str) -> tuple[int, dict[str, Any]]:
        return 400, error(
            "CodeVerificationFailedException",
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the "
            f"client is not configured to accept. Check the provided signature for {arn(name)}.",
            "Message",
        )

    assert refused(
        client.create_function,
        FunctionName=function + "-new",
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped(HANDLER)},
        CodeSigningConfigArn=config_arn,
    ) == blocked(function + "-new")
    assert refused(client.get_function, FunctionName=function + "-new")[0] == 404
    client.put_function_code_signing_config(FunctionName=function, CodeSigningConfigArn=config_arn)
    assert refused(client.update_function_code, FunctionName=function, ZipFile=zipped(HANDLER)) == blocked(function)
    assert client.invoke(FunctionName=function, Payload=b"1")["Payload"].read() == b"1"
    client.delete_function_code_signing_config(FunctionName=function)
    client.update_function_code(FunctionName=function, ZipFile=zipped(HANDLER))
    active(client, function)
    client.delete_code_signing_config(CodeSigningConfigArn=config_arn)


def test_warn_takes_code_that_nobody_signed_and_counts_it(
    aws: Aws, client: Any, function: str, zipped: Zipped, make: Callable[..., dict[str, Any]]
) -> None:
    config_arn = make("Warn")["CodeSigningConfig"]["CodeSigningConfigArn"]
    client.put_function_code_signing_config(FunctionName=function, CodeSigningConfigArn=config_arn)
    client.update_function_code(FunctionName=function, ZipFile=zipped({"app.py": "def handler(e, c): return 2\n"}))
    active(client, function)
    assert client.invoke(FunctionName=function)["Payload"].read() == b"2"
    now = datetime.now(UTC)
    metric: dict[str, Any] = {
        "Namespace": "AWS/Lambda",
        "MetricName": "SignatureValidationErrors",
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
        "StartTime": now - timedelta(minutes=5),
        "EndTime": now + timedelta(minutes=5),
        "Period": 3600,
        "Statistics": ["Sum"],
    }
    deadline = now + timedelta(seconds=10)
    points: list[dict[str, Any]] = []
    while not points and datetime.now(UTC) < deadline:
        points = aws("cloudwatch").get_metric_statistics(**metric)["Datapoints"]
    assert sum(point["Sum"] for point in points) == 1
