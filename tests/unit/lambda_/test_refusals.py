"""Functions: what the API refuses, in AWS's words."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_ import Options
from tests.unit.lambda_.harness import ACCOUNT, REGION, ROLE, Lambda, arn, zipped

USER = {"Type": "User"}
CHANGES: dict[str, dict[str, Any]] = {
    "UpdateFunctionConfiguration": {"Timeout": 10},
    "UpdateFunctionCode": {"ZipFile": zipped()},
    "PublishVersion": {},
}


async def test_a_change_during_a_change_is_refused(lambda_: Lambda) -> None:
    lambda_.catalogue.gate = asyncio.Event()
    await lambda_.create(settle=False)
    refused = await lambda_.refusal("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    sentence = (
        "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    )
    assert (refused.code, refused.message) == ("ResourceConflictException", sentence)
    assert (await lambda_.refusal("PublishVersion", FunctionName="f")).message == sentence
    assert (await lambda_.refusal("Invoke", FunctionName="f")).message == sentence

    lambda_.catalogue.gate.set()
    await lambda_.settled()
    lambda_.catalogue.gate.clear()
    await lambda_("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    for operation, change in CHANGES.items():
        refused = await lambda_.refusal(operation, FunctionName="f", **change)
        assert (refused.code, refused.members, refused.message) == (
            "ResourceConflictException",
            USER,
            f"The operation cannot be performed at this time. An update is in progress for resource: {arn('f')}",
        )
    lambda_.catalogue.gate.set()


async def test_a_stale_revision_is_refused(lambda_: Lambda) -> None:
    created = await lambda_.create()
    for operation, change in CHANGES.items():
        refused = await lambda_.refusal(operation, FunctionName="f", RevisionId=created["RevisionId"], **change)
        assert (refused.code, refused.message) == (
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
        )
    current = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert (
        await lambda_("UpdateFunctionConfiguration", FunctionName="f", RevisionId=current["RevisionId"], Timeout=9)
    )["Timeout"] == 9


async def test_a_name_is_taken_once(lambda_: Lambda) -> None:
    await lambda_.create()
    with pytest.raises(ApiError) as refused:
        await lambda_.create()
    assert (refused.value.code, refused.value.message) == ("ResourceConflictException", "Function already exist: f")
    other = await lambda_("CreateFunction", region="eu-west-1", **_defaults("f"))
    assert other["FunctionArn"] == f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"


def _defaults(name: str) -> dict[str, Any]:
    return {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": ROLE,
        "Code": {"ZipFile": zipped()},
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"Runtime": None},
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ),
        (
            {"Handler": None},
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ),
        (
            {"Runtime": "java8"},
            "The runtime parameter of java8 is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions.",
        ),
        (
            {"Code": {"ZipFile": b"not a zip"}},
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        ({"Code": {}}, "Please provide a source for function code."),
        (
            {"Code": {"ZipFile": b"", "S3Bucket": "b", "S3Key": "k"}},
            "Please do not provide other FunctionCode parameters when providing a ZipFile.",
        ),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x", "OK": "y"}}},
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            "Reserved keys used in this request: AWS_REGION",
        ),
        (
            {"MemorySize": 20_000},
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240",
        ),
        (
            {"Timeout": 901},
            "'Timeout' value failed to satisfy constraint: Member must have value less than or equal to 900",
        ),
        (
            {"VpcConfig": {"SubnetIds": ["subnet-1"]}},
            "SubnetIds and SecurityIds must coexist or be both empty list.",
        ),
        (
            {"LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "DEBUG"}},
            'LogLevel is not supported when LogFormat is set to "Text". '
            'Remove LogLevel from your request or change the LogFormat to "JSON" and try again.',
        ),
        (
            {"Runtime": "nodejs22.x", "SnapStart": {"ApplyOn": "PublishedVersions"}},
            "nodejs22.x is not supported for SnapStart enabled functions.",
        ),
        ({"Tags": {str(i): "" for i in range(51)}}, "Number of tags exceeds resource tag limit."),
        (
            {"Layers": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l{i}:1" for i in range(6)]},
            "Cannot reference more than 5 layers.",
        ),
        (
            {"PackageType": "Image", "Code": {"ImageUri": "u"}},
            "Please don't provide handler or runtime or layer when the intended function PackageType is Image.",
        ),
        ({"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}, "Tenant isolation is not supported here yet."),
    ],
)
async def test_what_aws_refuses_is_refused_in_its_words(lambda_: Lambda, change: dict[str, Any], message: str) -> None:
    params = {name: value for name, value in {**_defaults("f"), **change}.items() if value is not None}
    refused = await lambda_.refusal("CreateFunction", **params)
    assert (refused.code, refused.message, refused.members) == ("InvalidParameterValueException", message, USER)
    assert (await lambda_("ListFunctions"))["Functions"] == []


@pytest.mark.parametrize("runtime", ["non-existent-runtime", "PYTHON3.9"])
async def test_an_unknown_runtime_is_answered_with_the_known_ones(lambda_: Lambda, runtime: str) -> None:
    sentence = (
        f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
        "[nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, "
        "python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, "
        "java11, dotnet6, nodejs18.x, provided.al2, java8.al2] or be a valid ARN"
    )
    assert (await lambda_.refusal("CreateFunction", **{**_defaults("f"), "Runtime": runtime})).message == sentence
    await lambda_.create()
    assert (await lambda_.refusal("UpdateFunctionConfiguration", FunctionName="f", Runtime=runtime)).message == sentence


async def test_environment_variables_above_four_kibibytes_are_refused_with_what_was_measured(lambda_: Lambda) -> None:
    variables = {"SMALL_VAR": "ok", "LARGE_VAR": "x" * 4064}
    assert len('{"SMALL_VAR":"ok","LARGE_VAR":""}') + 4064 == 4097
    refused = await lambda_.refusal("CreateFunction", **_defaults("f"), Environment={"Variables": variables})
    assert refused.message == (
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        'exceeded the 4KB limit. String measured: {"SMALL_VAR":"ok","LARGE_VAR":"' + "x" * 4064 + '"}'
    )
    variables["LARGE_VAR"] = "x" * 4063
    assert (await lambda_.create(Environment={"Variables": variables}))["Environment"]["Variables"] == variables


@pytest.mark.parametrize(("length", "is_refused"), [("70167210", False), ("70167211", True)])
async def test_an_upload_whose_request_is_too_large_is_refused(lambda_: Lambda, length: str, is_refused: bool) -> None:
    if not is_refused:
        assert (await lambda_.create(headers={"content-length": length}))["FunctionName"] == "f"
        return
    code = {"ZipFile": zipped()}
    refused = await lambda_.refusal(
        "CreateFunction",
        FunctionName="f",
        Runtime="python3.12",
        Handler="index.handler",
        Role=ROLE,
        Code=code,
        headers={"content-length": length},
    )
    assert (refused.code, refused.message, refused.status) == (
        "RequestEntityTooLargeException",
        "Request must be smaller than 70167211 bytes for the CreateFunction operation",
        413,
    )


async def test_a_zip_above_the_upload_limit_is_refused(lambda_: Lambda) -> None:
    refused = await lambda_.refusal("CreateFunction", **{**_defaults("f"), "Code": {"ZipFile": bytes(52_428_800)}})
    assert (refused.code, refused.status, refused.message, refused.members) == (
        "RequestEntityTooLargeException",
        413,
        "Zipped size must be smaller than 52428800 bytes",
        {},
    )


@pytest.mark.parametrize("operation", ["GetFunction", "GetFunctionConfiguration", "DeleteFunction"])
async def test_a_qualifier_that_contradicts_the_arn_is_refused(lambda_: Lambda, operation: str) -> None:
    refused = await lambda_.refusal(operation, FunctionName=f"{arn('some-function')}:1", Qualifier="$LATEST")
    assert (refused.code, refused.message) == (
        "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )
    refused = await lambda_.refusal(operation, FunctionName=f"{arn('some-function')}:$LATEST", Qualifier="$LATEST")
    if operation == "DeleteFunction":
        assert refused.message == "$LATEST version cannot be deleted without deleting the function."
    else:
        assert refused.message == f"Function not found: {arn('some-function')}:$LATEST"


async def test_another_region_or_account_is_out_of_reach(lambda_: Lambda) -> None:
    refused = await lambda_.refusal("GetFunction", FunctionName=arn("f").replace(REGION, "eu-west-1"))
    assert (refused.code, refused.message) == (
        "ResourceNotFoundException",
        "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    )
    refused = await lambda_.refusal("GetFunction", FunctionName=arn("f").replace(ACCOUNT, "222222222222"))
    assert (refused.code, refused.status, refused.message) == ("AccessDeniedException", 403, None)


async def test_code_storage_has_a_limit(tmp_path: Path) -> None:
    lambda_ = await Lambda(tmp_path, Options(code_storage_bytes=len(zipped()) + 1)).start()
    await lambda_.create("a")
    with pytest.raises(ApiError, match="Code storage limit exceeded"):
        await lambda_.create("b")
    assert (await lambda_.refusal("PublishVersion", FunctionName="a")).code == "CodeStorageExceededException"
    await lambda_("UpdateFunctionCode", FunctionName="a", ZipFile=zipped())
    await lambda_.stop()
