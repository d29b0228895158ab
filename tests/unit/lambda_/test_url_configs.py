"""Function URL configurations: recorded shapes and errors, and that they last."""

import re
from typing import Any

import pytest

from ramuda.services.lambda_.rules import url_configs
from tests.unit.lambda_.harness import ENDPOINT, Lambda, arn

WHEN = "2023-11-14T22:13:20.000000Z"
LATER = "2023-11-14T22:13:30.000000Z"
NOT_THERE = ("ResourceNotFoundException", "The resource you requested does not exist.")
NO_FUNCTION = ("ResourceNotFoundException", "Function does not exist")
CORS = {"AllowOrigins": ["*"], "AllowMethods": ["GET"], "MaxAge": 5}


@pytest.fixture
async def function(lambda_: Lambda) -> Lambda:
    await lambda_.create()
    return lambda_


async def aliased(lambda_: Lambda, name: str = "live") -> None:
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_("CreateAlias", FunctionName="f", Name=name, FunctionVersion="1")


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """The result with its URL checked and told as `url`."""
    host = r"http://[a-z0-9]{32}\.lambda-url\.us-east-1\.localhost:4566/"
    assert re.fullmatch(host, result["FunctionUrl"])
    return {**result, "FunctionUrl": "url"}


async def test_a_url_is_made_shown_changed_and_deleted(function: Lambda) -> None:
    created = await function("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    base = {"FunctionUrl": "url", "FunctionArn": arn("f"), "AuthType": "NONE", "CreationTime": WHEN}
    assert shown(created) == base
    got = await function("GetFunctionUrlConfig", FunctionName="f")
    assert shown(got) == {**base, "LastModifiedTime": WHEN, "InvokeMode": "BUFFERED"}
    assert got["FunctionUrl"] == created["FunctionUrl"]

    await function.clock.advance(10)
    updated = await function("UpdateFunctionUrlConfig", FunctionName=arn("f"), AuthType="AWS_IAM", Cors=CORS)
    assert shown(updated) == {**base, "AuthType": "AWS_IAM", "Cors": CORS, "LastModifiedTime": LATER}
    updated = await function("UpdateFunctionUrlConfig", FunctionName="f", InvokeMode="RESPONSE_STREAM", Cors={})
    assert shown(updated) == {
        **base,
        "AuthType": "AWS_IAM",
        "InvokeMode": "RESPONSE_STREAM",
        "LastModifiedTime": LATER,
    }
    assert await function("DeleteFunctionUrlConfig", FunctionName="f") == {}
    refused = await function.refusal("GetFunctionUrlConfig", FunctionName="f")
    assert (refused.code, refused.message) == NOT_THERE


async def test_what_was_given_at_creation_is_shown(function: Lambda) -> None:
    given = {"AuthType": "AWS_IAM", "InvokeMode": "BUFFERED", "Cors": CORS}
    created = await function("CreateFunctionUrlConfig", FunctionName="f", **given)
    assert shown(created) == {"FunctionUrl": "url", "FunctionArn": arn("f"), "CreationTime": WHEN, **given}


async def test_an_alias_has_a_url_of_its_own_with_its_own_arn(function: Lambda) -> None:
    await aliased(function)
    own = await function("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    for_alias = await function("CreateFunctionUrlConfig", FunctionName="f", Qualifier="live", AuthType="AWS_IAM")
    assert for_alias["FunctionArn"] == arn("f", "live")
    assert for_alias["FunctionUrl"] != own["FunctionUrl"]
    got = await function("GetFunctionUrlConfig", FunctionName="f:live")
    assert got["FunctionUrl"] == for_alias["FunctionUrl"]
    listed = await function("ListFunctionUrlConfigs", FunctionName="f")
    assert [url["FunctionArn"] for url in listed.pop("FunctionUrlConfigs")] == [arn("f"), arn("f", "live")]
    assert listed == {}


async def test_a_list_has_pages(function: Lambda) -> None:
    await aliased(function)
    for qualifier in ({}, {"Qualifier": "live"}):
        await function("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE", **qualifier)
    first = await function("ListFunctionUrlConfigs", FunctionName="f", MaxItems=1)
    second = await function("ListFunctionUrlConfigs", FunctionName="f", MaxItems=1, Marker=first["NextMarker"])
    assert [url["FunctionArn"] for page in (first, second) for url in page["FunctionUrlConfigs"]] == [
        arn("f"),
        arn("f", "live"),
    ]
    assert "NextMarker" not in second
    refused = await function.refusal("ListFunctionUrlConfigs", FunctionName="nope")
    assert (refused.code, refused.message) == NO_FUNCTION


async def test_a_second_url_is_refused_with_two_spaces(function: Lambda) -> None:
    await function("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    refused = await function.refusal("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    assert (refused.code, refused.message) == (
        "ResourceConflictException",
        f"Failed to create function url config for [functionArn = {arn('f')}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function",
    )


@pytest.mark.parametrize(
    ("operation", "params", "told"),
    [
        ("CreateFunctionUrlConfig", {"FunctionName": "nope", "AuthType": "NONE"}, NO_FUNCTION),
        ("CreateFunctionUrlConfig", {"FunctionName": arn("nope"), "AuthType": "NONE"}, NO_FUNCTION),
        ("CreateFunctionUrlConfig", {"FunctionName": "f", "Qualifier": "nope", "AuthType": "NONE"}, NO_FUNCTION),
        ("GetFunctionUrlConfig", {"FunctionName": "nope"}, NOT_THERE),
        ("GetFunctionUrlConfig", {"FunctionName": "f"}, NOT_THERE),
        ("GetFunctionUrlConfig", {"FunctionName": "f", "Qualifier": "nope"}, NOT_THERE),
        ("UpdateFunctionUrlConfig", {"FunctionName": "nope"}, NO_FUNCTION),
        ("UpdateFunctionUrlConfig", {"FunctionName": "f"}, NOT_THERE),
        ("UpdateFunctionUrlConfig", {"FunctionName": "f", "Qualifier": "nope"}, NO_FUNCTION),
        ("DeleteFunctionUrlConfig", {"FunctionName": "nope"}, NOT_THERE),
        ("DeleteFunctionUrlConfig", {"FunctionName": "f"}, NOT_THERE),
        ("DeleteFunctionUrlConfig", {"FunctionName": "f", "Qualifier": "nope"}, NOT_THERE),
    ],
)
async def test_what_is_not_there_is_refused_as_recorded(
    function: Lambda, operation: str, params: dict[str, Any], told: tuple[str, str]
) -> None:
    refused = await function.refusal(operation, **params)
    assert (refused.code, refused.message, refused.members) == (*told, {"Type": "User"})


@pytest.mark.parametrize("operation", ["CreateFunctionUrlConfig", "GetFunctionUrlConfig", "UpdateFunctionUrlConfig"])
async def test_two_qualifiers_that_differ_are_refused(function: Lambda, operation: str) -> None:
    refused = await function.refusal(operation, FunctionName=arn("f", "one"), Qualifier="two", AuthType="NONE")
    assert (refused.code, refused.message) == (
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )


async def test_urls_go_with_their_function_and_outlast_the_server(function: Lambda) -> None:
    created = await function("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    url_id = created["FunctionUrl"].removeprefix("http://").partition(".")[0]
    await function.service.stop()
    await function.service.start()
    found = await function.service.room.urls.find(url_id)
    assert found is not None
    assert found.url.name == "f"
    await function("DeleteFunction", FunctionName="f")
    assert await function.service.room.urls.find(url_id) is None
    assert await function.service.room.urls.find(url_id) is None


@pytest.mark.parametrize(
    ("endpoint", "end"),
    [
        (ENDPOINT, "localhost:4566"),
        ("http://127.0.0.1:4566", "localhost:4566"),
        ("http://[::1]:4566", "localhost:4566"),
        ("http://lambda.my.example", "lambda.my.example"),
        ("", "localhost"),
    ],
)
async def test_a_url_lies_below_the_name_that_its_caller_used(function: Lambda, endpoint: str, end: str) -> None:
    created = await function("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    url_id = created["FunctionUrl"].removeprefix("http://").partition(".")[0]
    found = await function.service.room.urls.find(url_id)
    assert found is not None
    assert url_configs.domain(found.url, endpoint) == f"{url_id}.lambda-url.us-east-1.{end}"


def test_an_id_has_32_characters_whatever_the_number() -> None:
    assert url_configs.url_id(0) == "0" * 32
    assert re.fullmatch("[a-z0-9]{32}", url_configs.url_id(2**256 - 1))
