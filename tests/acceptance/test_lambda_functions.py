"""Functions over the wire: what boto3 sees, down to status codes and the spelling of members."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import pytest

Zipped = Callable[..., bytes]
Aws = Callable[..., Any]

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda-role"
HANDLER = {"app.py": "def handler(event, context):\n    return event\n"}


def arn(name: str, qualifier: str | None = None) -> str:
    text = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    return f"{text}:{qualifier}" if qualifier else text


def refused(call: Callable[..., Any], **params: Any) -> tuple[int, dict[str, Any]]:
    """Status and error body of a call, without what differs from request to request."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**params)
    answer = dict(caught.value.response)
    metadata: Any = answer.pop("ResponseMetadata")
    return metadata["HTTPStatusCode"], answer


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws("lambda")


@pytest.fixture
def function(client: Any, unique: str, zipped: Zipped) -> Iterator[str]:
    """A function that echoes; active."""
    client.create_function(
        FunctionName=unique, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": zipped(HANDLER)}
    )
    active(client, unique)
    yield unique
    client.delete_function(FunctionName=unique)


def active(client: Any, name: str) -> None:
    quick = {"Delay": 0.05, "MaxAttempts": 600}
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=quick)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=quick)


def test_a_function_lives_from_creation_to_deletion(client: Any, unique: str, zipped: Zipped) -> None:
    created = client.create_function(
        FunctionName=unique, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": zipped(HANDLER)}
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (created["State"], created["StateReasonCode"], created["FunctionArn"]) == (
        "Pending",
        "Creating",
        arn(unique),
    )
    active(client, unique)
    shown = client.get_function(FunctionName=unique)["Configuration"]
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Successful")
    assert unique in [
        listed["FunctionName"]
        for page in client.get_paginator("list_functions").paginate()
        for listed in page["Functions"]
    ]

    updated = client.update_function_configuration(
        FunctionName=unique, Timeout=9, Environment={"Variables": {"KEY": "1"}}
    )
    assert (updated["LastUpdateStatus"], updated["Timeout"]) == ("InProgress", 9)
    active(client, unique)
    published = client.publish_version(FunctionName=unique)
    assert (published["ResponseMetadata"]["HTTPStatusCode"], published["FunctionArn"]) == (201, arn(unique, "1"))
    versions = client.list_versions_by_function(FunctionName=unique)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]

    deleted = client.delete_function(FunctionName=unique)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_function, FunctionName=unique) == (
        404,
        {
            "Error": {"Code": "ResourceNotFoundException", "Message": f"Function not found: {arn(unique)}"},
            "Message": f"Function not found: {arn(unique)}",
            "Type": "User",
        },
    )


def test_errors_spell_their_message_as_the_model_does(client: Any, function: str) -> None:
    sentence = "The derived qualifier from the function name does not match the specified qualifier."
    assert refused(client.get_function, FunctionName=arn(function, "1"), Qualifier="$LATEST") == (
        400,
        {"Error": {"Code": "InvalidParameterValueException", "Message": sentence}, "Type": "User", "message": sentence},
    )
    status, answer = refused(client.get_function, FunctionName=arn(function).replace(ACCOUNT, "222222222222"))
    assert (status, answer["Error"]["Code"]) == (403, "AccessDeniedException")
    status, answer = refused(client.publish_version, FunctionName=function, RevisionId="stale")
    assert (status, answer["Error"]["Code"]) == (412, "PreconditionFailedException")


def test_a_bad_request_is_answered_and_never_a_500(client: Any, unique: str, zipped: Zipped) -> None:
    good: dict[str, Any] = {
        "FunctionName": unique,
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": ROLE,
        "Code": {"ZipFile": zipped(HANDLER)},
    }
    for change, status, code, message in (
        ({"Code": {"ZipFile": b"no zip"}}, 400, "InvalidParameterValueException", "Could not unzip uploaded file"),
        ({"Code": {"ZipFile": zipped({"../x": ""})}}, 400, "InvalidParameterValueException", "Could not unzip"),
        ({"Code": {"ZipFile": bytes(52_428_800)}}, 413, "RequestEntityTooLargeException", "Zipped size must be"),
        ({"Runtime": "cobol"}, 400, "InvalidParameterValueException", "Value cobol at 'runtime' failed to satisfy"),
        ({"Handler": "a b"}, 400, "ValidationException", "1 validation error detected: Value 'a b' at 'handler'"),
        ({"Role": "r1"}, 400, "ValidationException", "1 validation error detected: Value 'r1' at 'role' failed"),
        ({"Environment": {"Variables": {"1": ""}}}, 400, "ValidationException", "at 'environment.variables' failed"),
        (
            {"Code": {"ImageUri": "x"}, "PackageType": "Image"},
            400,
            "InvalidParameterValueException",
            "PackageType is Image.",
        ),
    ):
        answered, answer = refused(client.create_function, **{**good, **change})
        assert (answered, answer["Error"]["Code"]) == (status, code)
        assert message in answer["Error"]["Message"]


def test_the_code_comes_back_as_it_was_uploaded(client: Any, function: str, zipped: Zipped) -> None:
    location = client.get_function(FunctionName=function)["Code"]["Location"]
    with urllib.request.urlopen(location, timeout=10) as answer:
        assert answer.read() == zipped(HANDLER)
    with pytest.raises(urllib.error.HTTPError, match="403") as refusal:
        urllib.request.urlopen(location[:-2], timeout=10)
    refusal.value.close()


def test_layers_are_there_when_the_function_runs(client: Any, unique: str, zipped: Zipped) -> None:
    layers = [
        client.publish_layer_version(
            LayerName=f"{unique}-{text}",
            Content={"ZipFile": zipped({"python/shared.py": f"WHO = {text!r}\n", f"python/{text}.py": "X = 1\n"})},
            CompatibleRuntimes=["python3.11"],
        )
        for text in ("one", "two")
    ]
    assert [layer["ResponseMetadata"]["HTTPStatusCode"] for layer in layers] == [201, 201]
    code = "import shared, one, two\ndef handler(event, context):\n    return shared.WHO\n"
    client.create_function(
        FunctionName=unique,
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": code})},
        Layers=[layer["LayerVersionArn"] for layer in layers],
    )
    active(client, unique)
    for layer in layers:
        client.delete_layer_version(LayerName=layer["LayerArn"], VersionNumber=1)
    assert client.invoke(FunctionName=unique)["Payload"].read() == b'"two"'
    client.delete_function(FunctionName=unique)


def test_tags_and_concurrency_and_what_terraform_reads(client: Any, function: str) -> None:
    assert client.tag_resource(Resource=arn(function), Tags={"a": "b"})["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_tags(Resource=arn(function))["Tags"] == {"a": "b"}
    client.untag_resource(Resource=arn(function), TagKeys=["a"])
    assert client.list_tags(Resource=arn(function))["Tags"] == {}
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    status, answer = refused(client.invoke, FunctionName=function)
    assert (status, answer) == (
        429,
        {
            "Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."},
            "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
            "Type": "User",
            "message": "Rate Exceeded.",
        },
    )
    client.delete_function_concurrency(FunctionName=function)
    csc = client.get_function_code_signing_config(FunctionName=function)
    assert csc.keys() == {"ResponseMetadata"}
    assert client.get_runtime_management_config(FunctionName=function)["UpdateRuntimeOn"] == "Auto"
    assert refused(client.get_policy, FunctionName=function)[0] == 404
    assert client.get_account_settings()["AccountUsage"]["FunctionCount"] >= 1
