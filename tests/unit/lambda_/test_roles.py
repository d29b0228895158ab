"""When execution roles are looked up, and what comes of it."""

from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.errors import ApiError, PortError
from ramuda.services.lambda_ import Options
from tests.unit.lambda_.harness import ACCOUNT, ROLE, Lambda

CANNOT = "The role defined for the function cannot be assumed by Lambda."
GOOD: dict[str, Any] = {
    "Role": {
        "AssumeRolePolicyDocument": {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]
        }
    }
}
BAD: dict[str, Any] = {"Role": {"AssumeRolePolicyDocument": {"Statement": []}}}
GET_ROLE, LIST_ROLES = ("iam", "GetRole"), ("iam", "ListRoles")


async def test_before_iam_is_in_use_every_role_will_do(lambda_: Lambda) -> None:
    await lambda_.create()
    assert lambda_.api.asked == []


async def test_in_an_account_without_roles_every_role_will_do(lambda_: Lambda) -> None:
    lambda_.delegates.running.add("iam")
    lambda_.api.answers[GET_ROLE] = ApiError("NoSuchEntity", "no such role")
    lambda_.api.answers[LIST_ROLES] = {"Roles": []}
    await lambda_.create("a")
    lambda_.api.answers[LIST_ROLES] = {"Roles": [{"RoleName": "another"}]}
    with pytest.raises(ApiError, match=CANNOT):
        await lambda_.create("b")


async def test_a_role_must_be_there_and_trust_lambda(lambda_: Lambda) -> None:
    lambda_.delegates.running.add("iam")
    lambda_.api.answers[LIST_ROLES] = {"Roles": [{"RoleName": "another"}]}
    lambda_.api.answers[GET_ROLE] = ApiError("NoSuchEntity", "no such role")
    with pytest.raises(ApiError, match=CANNOT):
        await lambda_.create()
    lambda_.api.answers[GET_ROLE] = BAD
    with pytest.raises(ApiError, match=CANNOT):
        await lambda_.create()
    lambda_.api.answers[GET_ROLE] = GOOD
    await lambda_.create()
    assert lambda_.api.asked[-1] == ("iam", "GetRole", {"RoleName": "r"}, ACCOUNT, "us-east-1")


async def test_a_good_role_is_remembered_for_a_while(lambda_: Lambda) -> None:
    lambda_.delegates.running.add("iam")
    lambda_.api.answers[GET_ROLE] = GOOD
    await lambda_.create("a")
    await lambda_.create("b")
    assert len(lambda_.api.asked) == 1
    await lambda_.clock.advance(6)
    lambda_.api.answers[GET_ROLE] = BAD
    refused = await lambda_.refusal("UpdateFunctionConfiguration", FunctionName="a", Role=ROLE)
    assert refused.message == CANNOT


async def test_a_role_has_a_path_and_the_functions_account(lambda_: Lambda) -> None:
    lambda_.delegates.running.add("iam")
    lambda_.api.answers[GET_ROLE] = GOOD
    await lambda_.create(Role=f"arn:aws:iam::{ACCOUNT}:role/service-role/deep/name")
    assert lambda_.api.asked[-1][2] == {"RoleName": "name"}
    with pytest.raises(ApiError) as refused:
        await lambda_.create("g", Role="arn:aws:iam::222222222222:role/r")
    assert (refused.value.code, refused.value.status, refused.value.message) == (
        "AccessDeniedException",
        403,
        "Cross-account pass role is not allowed.",
    )


async def test_iam_out_of_reach_stops_only_those_who_insist(lambda_: Lambda, tmp_path: Path) -> None:
    lambda_.delegates.running.add("iam")
    lambda_.api.answers[GET_ROLE] = PortError("nothing listens")
    await lambda_.create()
    strict = await Lambda(tmp_path / "strict", Options(role_check="always")).start()
    strict.api.answers[GET_ROLE] = PortError("nothing listens")
    with pytest.raises(ApiError) as refused:
        await strict.create()
    assert (refused.value.code, refused.value.fault) == ("ServiceException", "Server")
    await strict.stop()


async def test_never_means_never(tmp_path: Path) -> None:
    lambda_ = await Lambda(tmp_path, Options(role_check="never")).start()
    lambda_.delegates.running.add("iam")
    await lambda_.create()
    assert lambda_.api.asked == []
    await lambda_.stop()
