"""Resource policies of layer versions, against what was recorded from AWS."""

import json
from typing import Any

import pytest

from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, zipped

LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l"
NOT_FOUND = "ResourceNotFoundException"
NO_POLICY = "No policy is associated with the given resource."
STALE = (
    "PreconditionFailedException",
    "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the "
    "latest Revision Id",
)


@pytest.fixture(autouse=True)
async def layer(lambda_: Lambda) -> None:
    await lambda_("PublishLayerVersion", LayerName="l", Content={"ZipFile": zipped()})


def named(operation: str, params: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"LayerName": "l", "VersionNumber": 1}
    if operation != "GetLayerVersionPolicy":
        result["StatementId"] = "s1"
    if operation == "AddLayerVersionPermission":
        result |= {"Action": "lambda:GetLayerVersion", "Principal": "*"}
    return {**result, **params}


async def answer(lambda_: Lambda, operation: str, **params: Any) -> dict[str, Any]:
    return await lambda_(operation, **named(operation, params))


async def refusal(lambda_: Lambda, operation: str, **params: Any) -> tuple[str, str | None]:
    error = await lambda_.refusal(operation, **named(operation, params))
    assert error.members == {"Type": "User"}
    return error.code, error.message


@pytest.mark.parametrize(
    ("params", "principal", "condition"),
    [
        ({}, '"*"', ""),
        ({"Principal": "222222222222"}, '{"AWS":"arn:aws:iam::222222222222:root"}', ""),
        (
            {"Principal": "arn:aws:iam::222222222222:root"},
            '{"AWS":"arn:aws:iam::222222222222:root"}',
            "",
        ),
        (
            {"OrganizationId": "o-t194hfs8cz"},
            '"*"',
            ',"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-t194hfs8cz"}}',
        ),
    ],
)
async def test_a_permission_becomes_the_statement_that_aws_writes(
    lambda_: Lambda, params: dict[str, Any], principal: str, condition: str
) -> None:
    added = await answer(lambda_, "AddLayerVersionPermission", **params)
    statement = (
        f'{{"Sid":"s1","Effect":"Allow","Principal":{principal},"Action":"lambda:GetLayerVersion",'
        f'"Resource":"{LAYER}:1"{condition}}}'
    )
    assert added == {"Statement": statement, "RevisionId": added["RevisionId"]}
    assert await answer(lambda_, "GetLayerVersionPolicy") == {
        "Policy": f'{{"Version":"2012-10-17","Id":"default","Statement":[{statement}]}}',
        "RevisionId": added["RevisionId"],
    }
    assert await answer(lambda_, "GetLayerVersionPolicy", LayerName=LAYER) == await answer(
        lambda_, "GetLayerVersionPolicy"
    )


async def test_revisions_guard_a_policy(lambda_: Lambda) -> None:
    assert await refusal(lambda_, "AddLayerVersionPermission", RevisionId="wrong") == STALE
    first = (await answer(lambda_, "AddLayerVersionPermission"))["RevisionId"]
    assert await refusal(lambda_, "AddLayerVersionPermission", StatementId="s2", RevisionId="wrong") == STALE
    second = (await answer(lambda_, "AddLayerVersionPermission", StatementId="s2", RevisionId=first))["RevisionId"]
    assert await refusal(lambda_, "RemoveLayerVersionPermission", RevisionId=first) == STALE
    assert await answer(lambda_, "RemoveLayerVersionPermission", RevisionId=second) == {}
    left = await answer(lambda_, "GetLayerVersionPolicy")
    assert [statement["Sid"] for statement in json.loads(left["Policy"])["Statement"]] == ["s2"]
    assert left["RevisionId"] not in (first, second)
    await answer(lambda_, "RemoveLayerVersionPermission", StatementId="s2")
    assert await refusal(lambda_, "GetLayerVersionPolicy") == (NOT_FOUND, NO_POLICY)


async def test_what_is_not_there_is_missed_in_the_words_of_aws(lambda_: Lambda) -> None:
    operations = ("AddLayerVersionPermission", "GetLayerVersionPolicy", "RemoveLayerVersionPermission")
    for operation in operations:
        assert await refusal(lambda_, operation, LayerName="none") == (
            NOT_FOUND,
            f"Layer version {LAYER[:-2]}:none:1 does not exist.",
        )
        assert await refusal(lambda_, operation, VersionNumber=2) == (
            NOT_FOUND,
            f"Layer version {LAYER}:2 does not exist.",
        )
        assert await refusal(lambda_, operation, VersionNumber=0) == (
            "InvalidParameterValueException",
            "Layer Version Cannot be less than 1.",
        )
    for operation in operations[1:]:
        assert await refusal(lambda_, operation) == (NOT_FOUND, NO_POLICY)
    await answer(lambda_, "AddLayerVersionPermission")
    assert await refusal(lambda_, "RemoveLayerVersionPermission", StatementId="doesnotexist") == (
        NOT_FOUND,
        "Statement doesnotexist is not found in resource policy.",
    )


async def test_a_statement_id_is_taken_once(lambda_: Lambda) -> None:
    await answer(lambda_, "AddLayerVersionPermission")
    assert await refusal(lambda_, "AddLayerVersionPermission") == (
        "ResourceConflictException",
        "The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing "
        "statement.",
    )


async def test_an_organization_needs_everybody_as_the_principal(lambda_: Lambda) -> None:
    assert await refusal(
        lambda_, "AddLayerVersionPermission", Principal="222222222222", OrganizationId="o-t194hfs8cz"
    ) == ("InvalidParameterValueException", "OrganizationId can only be given when the principal is *.")


async def test_a_policy_goes_with_its_layer_version(lambda_: Lambda) -> None:
    await answer(lambda_, "AddLayerVersionPermission")
    await lambda_("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    assert await refusal(lambda_, "GetLayerVersionPolicy") == (NOT_FOUND, f"Layer version {LAYER}:1 does not exist.")


async def test_a_policy_may_not_grow_beyond_twenty_kilobytes(lambda_: Lambda) -> None:
    first = json.loads((await answer(lambda_, "AddLayerVersionPermission", StatementId="s" * 100))["Statement"])
    one = len(json.dumps(first, separators=(",", ":"))) + 1
    size = len((await answer(lambda_, "GetLayerVersionPolicy"))["Policy"])
    for number in range((20_480 - size) // one):
        await answer(lambda_, "AddLayerVersionPermission", StatementId=f"{number:0100}")
        size += one
    assert await refusal(lambda_, "AddLayerVersionPermission", StatementId="t" * 100) == (
        "PolicyLengthExceededException",
        f"The final policy size ({size + one}) is bigger than the limit (20480).",
    )
