"""Callers of other accounts: what resource policies let them do, and nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ramuda.services.lambda_ import Options
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, arn, zipped

OTHER, STRANGER = "222222222222", "333333333333"
LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:l"


@pytest.fixture
async def lambda_(tmp_path: Path) -> AsyncIterator[Lambda]:
    made = await Lambda(tmp_path, Options(organization_id="o-aaaaaaaaaa")).start()
    yield made
    await made.stop()


async def allow(lambda_: Lambda, principal: str = OTHER, **params: Any) -> None:
    await lambda_(
        "AddPermission",
        FunctionName="f",
        StatementId="s",
        **{"Action": "lambda:InvokeFunction", "Principal": principal, **params},
    )


async def refused(lambda_: Lambda, operation: str = "Invoke", **params: Any) -> None:
    error = await lambda_.refusal(operation, **{"FunctionName": arn("f"), "account": OTHER, **params})
    assert (error.code, error.status, error.message) == ("AccessDeniedException", 403, None)


async def test_a_function_of_another_account_is_invoked_where_its_policy_allows_it(lambda_: Lambda) -> None:
    await lambda_.create()
    await refused(lambda_)
    await allow(lambda_)
    answer = await lambda_("Invoke", FunctionName=arn("f"), account=OTHER)
    assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": b"null"}
    assert lambda_.invoker.asked[-1].function.arn == arn("f", "$LATEST")
    assert (await lambda_("Invoke", FunctionName=f"{ACCOUNT}:function:f", account=OTHER))["StatusCode"] == 200
    assert (await lambda_("Invoke", FunctionName=arn("f"), InvocationType="DryRun", account=OTHER))["StatusCode"] == 204
    await refused(lambda_, account=STRANGER)
    await refused(lambda_, FunctionName=arn("f", "$LATEST"))
    await lambda_("RemovePermission", FunctionName="f", StatementId="s")
    await refused(lambda_)


async def test_only_what_the_policy_names_is_allowed(lambda_: Lambda) -> None:
    await lambda_.create()
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_.settled()
    await allow(lambda_, Qualifier="1")
    await refused(lambda_)
    assert (await lambda_("Invoke", FunctionName=arn("f", "1"), account=OTHER))["ExecutedVersion"] == "1"
    assert (await lambda_("Invoke", FunctionName=arn("f"), Qualifier="1", account=OTHER))["ExecutedVersion"] == "1"
    await refused(lambda_, "GetFunction", FunctionName=arn("f", "1"))


async def test_a_function_that_is_not_there_is_no_different_from_one_that_may_not_be_invoked(lambda_: Lambda) -> None:
    await refused(lambda_, FunctionName=arn("none"))


@pytest.mark.parametrize(
    "params",
    [
        {"Action": "lambda:GetFunction"},
        {"Principal": "s3.amazonaws.com"},
        {"Principal": f"arn:aws:iam::{OTHER}:role/r"},
        {"Principal": "*", "SourceAccount": OTHER},
        {"Principal": "*", "InvokedViaFunctionUrl": True},
        {"Principal": "*", "PrincipalOrgID": "o-bbbbbbbbbb"},
    ],
)
async def test_a_permission_for_something_else_is_none(lambda_: Lambda, params: dict[str, Any]) -> None:
    await lambda_.create()
    await allow(lambda_, **params)
    await refused(lambda_)


@pytest.mark.parametrize("params", [{"Principal": "*"}, {"Principal": "*", "PrincipalOrgID": "o-aaaaaaaaaa"}])
async def test_a_permission_for_everybody_is_one_for_another_account(lambda_: Lambda, params: dict[str, Any]) -> None:
    await lambda_.create()
    await allow(lambda_, **params)
    assert (await lambda_("Invoke", FunctionName=arn("f"), account=OTHER))["StatusCode"] == 200


async def test_a_layer_of_another_account_is_used_where_its_policy_allows_it(lambda_: Lambda) -> None:
    published = await lambda_("PublishLayerVersion", LayerName="l", Content={"ZipFile": zipped({"a": "1"})})
    error = await lambda_.refusal("GetLayerVersionByArn", Arn=f"{LAYER}:1", account=OTHER)
    sentence = (
        f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: lambda:GetLayerVersion on resource: {LAYER}:1 "
        "because no resource-based policy allows the lambda:GetLayerVersion action"
    )
    assert (error.code, error.status, error.message) == ("AccessDeniedException", 403, sentence)
    error = await lambda_.refusal("GetLayerVersion", LayerName=LAYER, VersionNumber=1, account=OTHER)
    assert error.message == sentence
    error = await lambda_.refusal("GetLayerVersion", LayerName=LAYER, VersionNumber=9, account=OTHER)
    assert error.message == sentence.replace(":1 ", ":9 ")

    await lambda_.create("mine", account=OTHER, Role=f"arn:aws:iam::{OTHER}:role/r")
    error = await lambda_.refusal(
        "UpdateFunctionConfiguration", FunctionName="mine", Layers=[f"{LAYER}:1"], account=OTHER
    )
    assert error.message == sentence
    for principal, organization in ((OTHER, {}), ("*", {"OrganizationId": "o-aaaaaaaaaa"}), ("*", {})):
        await lambda_(
            "AddLayerVersionPermission",
            LayerName="l",
            VersionNumber=1,
            StatementId="s",
            Action="lambda:GetLayerVersion",
            Principal=principal,
            **organization,
        )
        assert await lambda_("GetLayerVersionByArn", Arn=f"{LAYER}:1", account=OTHER) == published
        assert await lambda_("GetLayerVersion", LayerName=LAYER, VersionNumber=1, account=OTHER) == published
        await lambda_("RemoveLayerVersionPermission", LayerName="l", VersionNumber=1, StatementId="s")
        assert (await lambda_.refusal("GetLayerVersionByArn", Arn=f"{LAYER}:1", account=OTHER)).message == sentence

    await lambda_(
        "AddLayerVersionPermission",
        LayerName="l",
        VersionNumber=1,
        StatementId="s",
        Action="lambda:GetLayerVersion",
        Principal=OTHER,
    )
    own = await lambda_("PublishLayerVersion", LayerName="l", Content={"ZipFile": zipped({"b": "2"})}, account=OTHER)
    both = [f"{LAYER}:1", own["LayerVersionArn"]]  # one name, two layers
    updated = await lambda_("UpdateFunctionConfiguration", FunctionName="mine", Layers=both, account=OTHER)
    assert [layer["Arn"] for layer in updated["Layers"]] == both
    await lambda_.settled()
    await lambda_("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    await lambda_("Invoke", FunctionName="mine", account=OTHER)
    opt = lambda_.invoker.asked[-1].function.opt_dir
    assert opt is not None
    assert sorted(path.name for path in opt.iterdir()) == ["a", "b"]


async def test_a_layer_of_another_account_can_be_read_and_no_more(lambda_: Lambda) -> None:
    await lambda_("PublishLayerVersion", LayerName="l", Content={"ZipFile": zipped()})
    await lambda_(
        "AddLayerVersionPermission",
        LayerName="l",
        VersionNumber=1,
        StatementId="s",
        Action="lambda:GetLayerVersion",
        Principal="*",
    )
    version = {"LayerName": LAYER, "VersionNumber": 1}
    for operation, params in (
        ("ListLayerVersions", {"LayerName": LAYER}),
        ("DeleteLayerVersion", version),
        ("GetLayerVersionPolicy", version),
        ("RemoveLayerVersionPermission", {**version, "StatementId": "s"}),
    ):
        error = await lambda_.refusal(operation, account=OTHER, **params)
        assert (error.code, error.status) == ("AccessDeniedException", 403)
        assert f"not authorized to perform: lambda:{operation} on resource: {LAYER}" in str(error.message)
