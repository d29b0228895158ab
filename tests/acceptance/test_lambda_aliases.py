"""Aliases over the wire: whole answers as boto3 sees them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.exceptions
import pytest

from tests.conftest import Aws

ACCOUNT, REGION = "000000000000", "us-east-1"
WHO = """
import os
def handler(event, context):
    return [os.environ["WHO"], context.function_version, context.invoked_function_arn]
"""


def arn(name: str, qualifier: str | None = None) -> str:
    text = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    return f"{text}:{qualifier}" if qualifier else text


def answered(answer: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body."""
    body = dict(answer)
    metadata = body.pop("ResponseMetadata")
    return metadata["HTTPStatusCode"], body


def refused(call: Callable[..., Any], **params: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**params)
    return answered(dict(caught.value.response))


def error(code: str, message: str, member: str, *, type_: bool = True) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}, member: message, **({"Type": "User"} if type_ else {})}


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws("lambda")


@pytest.fixture
def function(client: Any, deployed: Callable[..., str]) -> str:
    """Two versions, which say who they are."""
    name = deployed({"app.py": WHO}, Environment={"Variables": {"WHO": "first"}})
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {"WHO": "second"}})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})
    client.publish_version(FunctionName=name)
    return name


def ran(client: Any, name: str, **params: Any) -> tuple[str, list[str]]:
    answer = client.invoke(FunctionName=name, **params)
    return answer["ExecutedVersion"], json.load(answer["Payload"])


def test_an_alias_lives_from_creation_to_deletion(client: Any, function: str) -> None:
    status, created = answered(
        client.create_alias(
            FunctionName=function,
            Name="live",
            FunctionVersion="1",
            Description="custom-alias",
            RoutingConfig={"AdditionalVersionWeights": {"2": 0.2}},
        )
    )
    revision = created.pop("RevisionId")
    expected = {
        "AliasArn": arn(function, "live"),
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "custom-alias",
        "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2}},
    }
    assert (status, created, len(revision)) == (201, expected, 36)
    shown = {**expected, "RevisionId": revision}
    assert answered(client.get_alias(FunctionName=function, Name="live")) == (200, shown)
    assert answered(client.list_aliases(FunctionName=function)) == (200, {"Aliases": [shown]})

    status, updated = answered(client.update_alias(FunctionName=function, Name="live", RoutingConfig={}))
    assert updated.pop("RevisionId") != revision
    del expected["RoutingConfig"]
    assert (status, updated) == (200, expected)

    assert answered(client.delete_alias(FunctionName=function, Name="live")) == (204, {})
    assert answered(client.delete_alias(FunctionName=function, Name="live")) == (204, {})
    assert answered(client.list_aliases(FunctionName=function)) == (200, {"Aliases": []})


def test_aliases_come_in_pages(client: Any, function: str) -> None:
    for name in ("c", "a", "b"):
        client.create_alias(FunctionName=function, Name=name, FunctionVersion="2" if name == "b" else "1")
    pages = client.get_paginator("list_aliases").paginate(FunctionName=function, PaginationConfig={"PageSize": 2})
    assert [[alias["Name"] for alias in page["Aliases"]] for page in pages] == [["a", "b"], ["c"]]
    of_two = client.list_aliases(FunctionName=function, FunctionVersion="2")["Aliases"]
    assert [alias["Name"] for alias in of_two] == ["b"]


def test_what_is_refused_is_refused_in_awss_words(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    missing, invalid = "ResourceNotFoundException", "InvalidParameterValueException"
    new = {"FunctionName": function, "Name": "new", "FunctionVersion": "1"}

    def weights(*versions: str) -> dict[str, Any]:
        return {"AdditionalVersionWeights": dict.fromkeys(versions, 0.1)}

    for call, params, status, answer in (
        (
            client.get_alias,
            {"FunctionName": function, "Name": "no"},
            404,
            error(missing, f"Cannot find alias arn: {arn(function, 'no')}", "Message"),
        ),
        (
            client.update_alias,
            {"FunctionName": function, "Name": "no"},
            404,
            error(missing, f"Alias not found: {arn(function, 'no')}", "Message"),
        ),
        (
            client.get_function,
            {"FunctionName": function, "Qualifier": "no"},
            404,
            error(missing, f"Function not found: {arn(function, 'no')}", "Message"),
        ),
        (
            client.create_alias,
            {**new, "Name": "live"},
            409,
            error("ResourceConflictException", f"Alias already exists: {arn(function, 'live')}", "message"),
        ),
        (
            client.create_alias,
            {**new, "FunctionVersion": "9"},
            404,
            error(missing, f"Function not found: {arn(function, '9')}", "Message"),
        ),
        (
            client.create_alias,
            {**new, "RoutingConfig": weights("2", "3")},
            400,
            error(invalid, "Number of items in AdditionalVersionWeights cannot be greater than 1", "message"),
        ),
        (
            client.create_alias,
            {**new, "RoutingConfig": weights("1")},
            400,
            error(
                invalid,
                "Invalid function version 1. Function version 1 is already included in routing configuration.",
                "message",
            ),
        ),
        (
            client.create_alias,
            {**new, "FunctionVersion": "$LATEST", "RoutingConfig": weights("1")},
            400,
            error(
                invalid, "$LATEST is not supported for an alias pointing to more than 1 version", "message", type_=False
            ),
        ),
        (
            client.update_alias,
            {"FunctionName": function, "Name": "live", "RevisionId": "stale"},
            412,
            error(
                "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id. "
                "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
                "message",
            ),
        ),
        (
            client.delete_function,
            {"FunctionName": function, "Qualifier": "1"},
            409,
            error(
                "ResourceConflictException",
                "Unable to delete version because the following aliases reference it: [live]",
                "message",
            ),
        ),
        (
            client.delete_function,
            {"FunctionName": function, "Qualifier": "live"},
            400,
            error(invalid, "Deletion of aliases is not currently supported.", "message"),
        ),
        (
            client.create_alias,
            {**new, "Name": "2024"},
            400,
            {
                "Error": {
                    "Code": "ValidationException",
                    "Message": "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: "
                    "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
                },
            },
        ),
    ):
        assert refused(call, **params) == (status, answer)


def test_a_function_is_shown_and_run_under_its_alias(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="2024-01-02", FunctionVersion="1")
    version = answered(client.get_function_configuration(FunctionName=function, Qualifier="1"))[1]
    named = arn(function, "2024-01-02")
    for form in ({"FunctionName": function, "Qualifier": "2024-01-02"}, {"FunctionName": named}):
        assert answered(client.get_function_configuration(**form))[1] == {**version, "FunctionArn": named}
        assert client.get_function(**form)["Configuration"] == {**version, "FunctionArn": named}
        answer = client.invoke(**form)
        assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "1")
        assert json.load(answer["Payload"]) == ["first", "1", named]
    streamed = client.invoke_with_response_stream(FunctionName=named)
    assert streamed["ExecutedVersion"] == "1"
    list(streamed["EventStream"])


def test_weights_of_nothing_and_of_all_send_everything_one_way(client: Any, aws: Aws, function: str) -> None:
    live = arn(function, "live")
    client.create_alias(
        FunctionName=function,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.0}},
    )
    assert [ran(client, live) for _ in range(5)] == [("1", ["first", "1", live])] * 5
    client.update_alias(FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    assert [ran(client, function, Qualifier="live") for _ in range(5)] == [("2", ["second", "2", live])] * 5
    client.update_alias(FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    assert {ran(client, live)[0] for _ in range(60)} == {"1", "2"}


def test_an_alias_that_moves_takes_effect_at_once(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    assert ran(client, function, Qualifier="live")[0] == "1"
    client.update_alias(FunctionName=function, Name="live", FunctionVersion="2")
    assert ran(client, function, Qualifier="live")[0] == "2"
    client.delete_alias(FunctionName=function, Name="live")
    status, answer = refused(client.invoke, FunctionName=function, Qualifier="live")
    assert (status, answer["Message"]) == (404, f"Function not found: {arn(function, 'live')}")


def test_invocations_of_an_alias_are_counted_under_its_name_and_the_version_that_ran(
    client: Any, aws: Aws, function: str
) -> None:
    client.create_alias(
        FunctionName=function, Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}}
    )
    for _ in range(3):  # with the tail of the log the answer comes when all is counted
        ran(client, function, Qualifier="live", LogType="Tail")
    now = datetime.now(UTC)

    def counted(**dimensions: str) -> list[float]:
        points = aws("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=10),
            Period=1200,
            Statistics=["Sum"],
        )["Datapoints"]
        return [point["Sum"] for point in points]

    resource = f"{function}:live"
    assert counted(FunctionName=function) == [3.0]
    assert counted(FunctionName=function, Resource=resource) == [3.0]
    assert counted(FunctionName=function, Resource=resource, ExecutedVersion="2") == [3.0]
    assert counted(FunctionName=function, Resource=resource, ExecutedVersion="1") == []
