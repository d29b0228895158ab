"""Refusals that no other test provokes, each with its code, its words and its Type."""

from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError, InternalError, PortError
from ramuda.kernel.function import Streamed
from ramuda.services.lambda_ import Options
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, zipped

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
ENVIRONMENT = {"Variables": {"PASSWORD": "correct horse"}}
IN_S3 = {"S3Bucket": "b", "S3Key": "k"}
AWAY = PortError("it is away")
FILES = [{"Arn": f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-1", "LocalMountPath": "/mnt/a"}]
NO_UUID = "The 'x-amzn-RequestId' header is not a valid UUID string."


async def refused(lambda_: Lambda, **params: Any) -> ApiError:
    """CreateFunction's refusal."""
    with pytest.raises(ApiError) as caught:
        await lambda_.create(**params)
    return caught.value


@pytest.mark.parametrize(
    ("operation", "params", "message"),
    [
        (
            "ListFunctions",
            {"MasterRegion": "us-east-1"},
            "FunctionVersion must be set to ALL when MasterRegion is given.",
        ),
        (
            "TagResource",
            {"Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l", "Tags": {"a": "b"}},
            "Tagging of anything but functions, code signing configurations and mappings is not supported here yet.",
        ),
        (
            "UpdateFunctionCode",
            {"FunctionName": "f", **IN_S3, "S3ObjectStorageMode": "REFERENCE"},
            "Code that stays in S3 is not supported here yet.",
        ),
        (
            "UpdateFunctionConfiguration",
            {"FunctionName": "f", "FileSystemConfigs": FILES},
            "Function must be configured to execute in a VPC to reference access points.",
        ),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    lambda_: Lambda, operation: str, params: dict[str, Any], message: str
) -> None:
    await lambda_.create()
    error = await lambda_.refusal(operation, **params)
    assert (error.code, error.message, error.members) == ("InvalidParameterValueException", message, {"Type": "User"})


@pytest.mark.parametrize(
    ("params", "headers", "message"),
    [
        ({}, {"x-amzn-requestid": "no-uuid"}, NO_UUID),
        ({"InvocationType": "DryRun"}, {"x-amzn-requestid": "no-uuid"}, NO_UUID),
        ({"ClientContext": "e" * 3584}, {}, "Client context must be no longer than 3583 bytes."),
        ({"ClientContext": "bm8="}, {}, "Client context must be a valid Base64-encoded JSON object."),
        ({"ClientContext": "!"}, {}, "Client context must be a valid Base64-encoded JSON object."),
        (
            {"Payload": b"\x87"},
            {},
            "Could not parse request body into json: Could not parse payload into json: Invalid UTF-8 start byte 0x87\n"
            " at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]",
        ),
    ],
)
async def test_what_no_invocation_may_carry_is_refused(
    lambda_: Lambda, params: dict[str, Any], headers: dict[str, str], message: str
) -> None:
    await lambda_.create()
    error = await lambda_.refusal("Invoke", FunctionName="f", headers=headers, **params)
    assert (error.code, error.message, error.members) == ("InvalidRequestContentException", message, {"Type": "User"})
    assert lambda_.invoker.asked == []


@pytest.mark.parametrize(
    ("operation", "params", "limit_bytes"),
    [
        ("Invoke", {"Payload": b'"' + b"x" * 6_291_455 + b'"'}, 6_291_456),
        ("Invoke", {"Payload": b'"' + b"x" * 1_048_575 + b'"', "InvocationType": "Event"}, 1_048_576),
        ("InvokeAsync", {"InvokeArgs": b'"' + b"x" * 262_143 + b'"'}, 262_144),
        ("InvokeWithResponseStream", {"Payload": b'"' + b"x" * 6_291_455 + b'"'}, 6_291_456),
    ],
)
async def test_a_payload_above_its_limit_is_refused(
    lambda_: Lambda, operation: str, params: dict[str, Any], limit_bytes: int
) -> None:
    await lambda_.create()
    error = await lambda_.refusal(operation, FunctionName="f", **params)
    message = f"Request must be smaller than {limit_bytes} bytes for the InvokeFunction operation"
    assert (error.code, error.message, error.members) == ("RequestTooLargeException", message, {"Type": "User"})


async def test_an_invoker_that_streams_unasked_is_a_bug(lambda_: Lambda) -> None:
    async def chunks() -> Any:
        yield b""

    await lambda_.create()
    lambda_.invoker.answer = lambda _: Streamed(chunks=chunks())
    with pytest.raises(InternalError, match="the invoker streamed what nobody asked to be streamed"):
        await lambda_("Invoke", FunctionName="f")


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (
            ApiError("NoSuchBucket", "The specified bucket does not exist"),  # recorded, with the next
            "InvalidParameterValueException",
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: "
            "The specified bucket does not exist",
        ),
        (
            ApiError("NoSuchKey", "The specified key does not exist."),
            "InvalidParameterValueException",
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "
            "The specified key does not exist.",
        ),
        (AWAY, "ServiceException", "S3 could not be reached: it is away"),
    ],
)
async def test_code_that_s3_does_not_give_is_refused(
    lambda_: Lambda, answer: Exception, code: str, message: str
) -> None:
    await lambda_.create()
    lambda_.api.answers["s3", "GetObject"] = answer
    created = await refused(lambda_, name="new", Code=IN_S3)
    updated = await lambda_.refusal("UpdateFunctionCode", FunctionName="f", **IN_S3)
    assert [(error.code, error.message) for error in (created, updated)] == [(code, message)] * 2


async def test_a_role_is_not_taken_unseen_where_it_must_be_looked_up(tmp_path: Path) -> None:
    lambda_ = await Lambda(tmp_path, Options(role_check="always")).start()
    lambda_.api.answers["iam", "GetRole"] = AWAY
    error = await refused(lambda_)
    assert (error.code, error.message, error.fault) == (
        "ServiceException",
        "IAM could not be reached: it is away",
        "Server",
    )
    await lambda_.stop()


async def test_subnets_of_two_vpcs_are_told(lambda_: Lambda) -> None:
    lambda_.delegates.running.add("ec2")
    lambda_.api.answers["ec2", "DescribeSubnets"] = {"Subnets": [{"VpcId": "vpc-1"}]}
    lambda_.api.answers["ec2", "DescribeSecurityGroups"] = {"SecurityGroups": [{"VpcId": "vpc-2"}]}
    error = await refused(lambda_, VpcConfig={"SubnetIds": ["subnet-a"], "SecurityGroupIds": ["sg-a"]})
    assert error.message == "The subnets and security groups are not of one VPC: vpc-1, vpc-2."


async def test_an_ec2_that_is_not_served_is_not_asked_to_agree(
    lambda_: Lambda, caplog: pytest.LogCaptureFixture
) -> None:
    lambda_.delegates.running.add("ec2")
    lambda_.api.answers["ec2", "DescribeSubnets"] = ApiError("NotImplemented", "no")
    await lambda_.create(VpcConfig={"SubnetIds": ["subnet-a"], "SecurityGroupIds": ["sg-a"]})
    (record,) = [each for each in caplog.records if each.message == "lambda.vpc.unchecked"]
    assert record.__dict__["reason"] == "EC2 is not served: NotImplemented: no"


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (
            {"KeyMetadata": {"KeyState": "PendingDeletion"}},
            "InvalidParameterValueException",
            "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
            "CreateGrant. Please check your KMS key settings. KMS Exception: KMSInvalidStateException "
            "KMS Message: The key is in state PendingDeletion.",
        ),
        (AWAY, "ServiceException", "KMS could not be reached: it is away"),
    ],
)
async def test_a_key_that_cannot_be_used_is_refused(
    lambda_: Lambda, answer: Result | Exception, code: str, message: str
) -> None:
    lambda_.delegates.running.add("kms")
    lambda_.api.answers["kms", "DescribeKey"] = answer
    error = await refused(lambda_, KMSKeyArn=KEY, Environment=ENVIRONMENT)
    assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("answer", "code", "because"),
    [
        (ApiError("AccessDeniedException", "no"), "KMSAccessDeniedException", "KMS access was denied"),
        (ApiError("DisabledException", "no"), "KMSDisabledException", "the KMS key used is disabled"),
        (
            ApiError("KMSInvalidStateException", "no"),
            "KMSInvalidStateException",
            "the state of the KMS key used is not valid for Decrypt",
        ),
        (ApiError("NotFoundException", "no"), "KMSNotFoundException", "the KMS key was not found"),
        (ApiError("Unheard", "no"), "KMSAccessDeniedException", "KMS access was denied"),
        (AWAY, "ServiceException", None),
    ],
)
async def test_variables_that_kms_does_not_open_stop_the_invocation(
    tmp_path: Path, answer: Exception, code: str, because: str | None
) -> None:
    lambda_ = Lambda(tmp_path)
    lambda_.delegates.endpoints.add("kms")
    lambda_.api.answers["kms", "GenerateDataKey"] = {"CiphertextBlob": b"for kms", "Plaintext": b"k" * 32}
    await lambda_.start()
    await lambda_.create(KMSKeyArn=KEY, Environment=ENVIRONMENT)
    await lambda_.stop()
    later = Lambda(tmp_path)
    later.delegates.endpoints.add("kms")
    later.api.answers["kms", "Decrypt"] = answer
    await later.start()
    error = await later.refusal("Invoke", FunctionName="f")
    told = getattr(answer, "code", "")
    expected = (
        "KMS could not be reached: it is away"
        if because is None
        else f"Lambda was unable to decrypt the environment variables because {because}. Please check the function's "
        f"KMS key settings. KMS Exception: {told} KMS Message: no"
    )
    assert (error.code, error.message) == (code, expected)
    await later.stop()


async def test_storage_that_is_full_is_told(tmp_path: Path) -> None:
    lambda_ = await Lambda(tmp_path, Options(code_storage_bytes=len(zipped()))).start()
    await lambda_.create("a")
    error = await refused(lambda_, name="b")
    assert (error.code, error.message, error.members) == (
        "CodeStorageExceededException",
        "Code storage limit exceeded.",
        {"Type": "User"},
    )
    await lambda_.stop()


async def test_a_change_that_breaks_inside_the_platform_fails_and_says_so(
    lambda_: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def provide(identifier: str) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(lambda_.catalogue, "provide", provide)
    await lambda_.create()
    shown = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert (shown["State"], shown["StateReason"], shown["StateReasonCode"]) == (
        "Failed",
        "Something went wrong inside the platform; its log says what.",
        "InternalError",
    )
