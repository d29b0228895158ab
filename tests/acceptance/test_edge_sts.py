"""STS, and signature checking with the keys it and the server make, by boto3."""

from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from ramuda.gateway.options import Options
from tests.acceptance.edge import on_thread, running_edge

ROLE = "arn:aws:iam::111122223333:role/service/worker"
INVALID = "The security token included in the request is invalid."
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


async def test_get_caller_identity_says_the_account_of_a_twelve_digit_key(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        answer = await on_thread(edge.client("sts", "111122223333").get_caller_identity)
        default = await on_thread(edge.client("sts").get_caller_identity)
    assert {k: answer[k] for k in ("UserId", "Account", "Arn")} == {
        "UserId": "111122223333",
        "Account": "111122223333",
        "Arn": "arn:aws:iam::111122223333:root",
    }
    assert default["Account"] == "000000000000"
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


async def test_an_assumed_role_is_who_one_is_then(tmp_path: Path) -> None:
    async with running_edge(tmp_path, Options(auth=True)) as edge:
        root = await edge.credentials.ensure_root_key("111122223333")
        client = edge.client("sts", root.access_key_id, root.secret)
        params = {"RoleArn": ROLE, "RoleSessionName": "me", "DurationSeconds": 900}
        assumed = await on_thread(client.assume_role, **params)
        keys = assumed["Credentials"]
        own = (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        who = await on_thread(edge.client("sts", *own).get_caller_identity)
        assert assumed["AssumedRoleUser"] == {"AssumedRoleId": who["UserId"], "Arn": who["Arn"]}
        assert who["Arn"] == "arn:aws:sts::111122223333:assumed-role/worker/me"
        with pytest.raises(ClientError, match="exceeds the 1 hour session limit for roles assumed by role chaining"):
            await on_thread(edge.client("sts", *own).assume_role, **params | {"DurationSeconds": 3601})
        with pytest.raises(ClientError, match="Cannot call GetSessionToken with session credentials"):
            await on_thread(edge.client("sts", *own).get_session_token)


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        (
            {"RoleArn": "arn:aws:iam::1:role/too-short-account", "RoleSessionName": "me"},
            "ValidationError",
            "arn:aws:iam::1:role/too-short-account is invalid",
        ),
        (
            {"RoleArn": ROLE, "RoleSessionName": "me", "DurationSeconds": 899},
            "ValidationError",
            "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: "
            "Member must have value greater than or equal to 900",
        ),
        (
            {"RoleArn": ROLE, "RoleSessionName": "a b"},
            "ValidationError",
            "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        ),
    ],
)
async def test_assume_role_refuses_what_aws_refuses(
    tmp_path: Path, params: dict[str, object], code: str, message: str
) -> None:
    async with running_edge(tmp_path) as edge:
        with pytest.raises(ClientError) as refused:
            await on_thread(edge.client("sts").assume_role, **params)
    assert refused.value.response["Error"] == {"Type": "Sender", "Code": code, "Message": message}
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


async def test_a_root_s_own_session_lasts_an_hour_at_most(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        answer = await on_thread(edge.client("sts").get_session_token, DurationSeconds=7200)
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        keys = answer["Credentials"]
        own = (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        assert (await on_thread(edge.client("sts", *own).get_caller_identity))[
            "Arn"
        ] == "arn:aws:iam::000000000000:root"

    left_s = (keys["Expiration"] - parsedate_to_datetime(date)).total_seconds()
    assert 3590 <= left_s <= 3602


@pytest.mark.parametrize(
    ("key", "secret", "code", "message"),
    [
        ("AKIAUNKNOWN", "x", "InvalidClientTokenId", INVALID),
        ("111122223333", "x", "InvalidClientTokenId", INVALID),
        (None, "wrong", "SignatureDoesNotMatch", MISMATCH),
    ],
)
async def test_with_checking_only_registered_keys_may_call(
    tmp_path: Path, key: str | None, secret: str, code: str, message: str
) -> None:
    async with running_edge(tmp_path, Options(auth=True)) as edge:
        root = await edge.credentials.ensure_root_key("000000000000")
        with pytest.raises(ClientError) as refused:
            await on_thread(edge.client("sts", key or root.access_key_id, secret).get_caller_identity)
        allowed = await on_thread(edge.client("sts", root.access_key_id, root.secret).get_caller_identity)
    assert refused.value.response["Error"] == {"Type": "Sender", "Code": code, "Message": message}
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert allowed["Arn"] == "arn:aws:iam::000000000000:root"
