"""Aliases as their owner sees them: whole answers, as recorded from AWS (alias_lifecycle and its neighbours)."""

from typing import Any

import pytest

from ramuda.kernel.errors import ApiError
from tests.unit.lambda_.harness import ACCOUNT, Lambda, arn, zipped

INVALID, MISSING, CONFLICT = (
    "InvalidParameterValueException",
    "ResourceNotFoundException",
    "ResourceConflictException",
)


def told(error: ApiError) -> tuple[str, str | None, dict[str, Any]]:
    return error.code, error.message, dict(error.members)


def without_revision(shape: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if name != "RevisionId"}


async def publish(lambda_: Lambda, count: int, **create: Any) -> None:
    """Function `f` with `count` versions."""
    await lambda_.create(**create)
    for number in range(1, count + 1):
        if number > 1:
            await lambda_(
                "UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {"V": str(number)}}
            )
            await lambda_.settled()
        await lambda_("PublishVersion", FunctionName="f")
    await lambda_.settled()


def weights(**by_version: float) -> dict[str, Any]:
    return {"AdditionalVersionWeights": {name.removeprefix("v"): weight for name, weight in by_version.items()}}


async def test_an_alias_lives_from_creation_to_deletion(lambda_: Lambda) -> None:
    await publish(lambda_, 2)
    created = await lambda_(
        "CreateAlias",
        FunctionName="f",
        Name="live",
        FunctionVersion="1",
        Description="custom-alias",
        RoutingConfig=weights(v2=0.2),
    )
    expected = {
        "AliasArn": arn("f", "live"),
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "custom-alias",
        "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2}},
    }
    assert without_revision(created) == expected
    assert await lambda_("GetAlias", FunctionName=arn("f"), Name="live") == created

    updated = await lambda_("UpdateAlias", FunctionName="f", Name="live", RoutingConfig=weights())
    del expected["RoutingConfig"]
    assert without_revision(updated) == expected
    assert updated["RevisionId"] != created["RevisionId"]
    assert await lambda_("GetAlias", FunctionName="f", Name="live") == updated
    assert await lambda_("ListAliases", FunctionName="f") == {"Aliases": [updated]}

    again = await lambda_("UpdateAlias", FunctionName="f", Name="live", Description="", FunctionVersion="2")
    assert without_revision(again) == {**expected, "FunctionVersion": "2", "Description": ""}

    assert await lambda_("DeleteAlias", FunctionName="f", Name="live") == {}
    assert await lambda_("ListAliases", FunctionName="f") == {"Aliases": []}
    assert await lambda_("DeleteAlias", FunctionName="f", Name="live") == {}


async def test_every_update_has_a_new_revision_even_of_nothing(lambda_: Lambda) -> None:
    await publish(lambda_, 1)
    created = await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert created["Description"] == ""
    updated = await lambda_("UpdateAlias", FunctionName="f", Name="live")
    assert without_revision(updated) == without_revision(created)
    assert updated["RevisionId"] != created["RevisionId"]


async def test_an_alias_does_not_change_the_revisions_of_functions(lambda_: Lambda) -> None:
    await publish(lambda_, 1)
    before = [
        await lambda_("GetFunctionConfiguration", FunctionName="f", Qualifier=qualifier)
        for qualifier in ("$LATEST", "1")
    ]
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert before == [
        await lambda_("GetFunctionConfiguration", FunctionName="f", Qualifier=qualifier)
        for qualifier in ("$LATEST", "1")
    ]


async def test_a_guard_compares_the_aliass_own_revision(lambda_: Lambda) -> None:
    await publish(lambda_, 1)
    created = await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    refused = await lambda_.refusal("UpdateAlias", FunctionName="f", Name="live", RevisionId="stale")
    assert told(refused) == (
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
        {"Type": "User"},
    )
    changed = await lambda_(
        "UpdateAlias", FunctionName="f", Name="live", RevisionId=created["RevisionId"], Description="something changed"
    )
    assert changed["Description"] == "something changed"


async def test_aliases_are_listed_by_name_by_version_and_by_page(lambda_: Lambda) -> None:
    await publish(lambda_, 2)
    for name, version, routing in (("b", "1", None), ("a", "1", weights(v2=0.5)), ("c", "2", None)):
        given: dict[str, Any] = {} if routing is None else {"RoutingConfig": routing}
        await lambda_("CreateAlias", FunctionName="f", Name=name, FunctionVersion=version, **given)

    async def listed(**params: Any) -> list[str]:
        return [alias["Name"] for alias in (await lambda_("ListAliases", FunctionName="f", **params))["Aliases"]]

    assert await listed() == ["a", "b", "c"]
    assert await listed(FunctionVersion="1") == ["a", "b"]
    assert await listed(FunctionVersion="2") == ["a", "c"]
    assert await listed(FunctionVersion="9") == []
    first = await lambda_("ListAliases", FunctionName="f", MaxItems=2)
    assert [alias["Name"] for alias in first["Aliases"]] == ["a", "b"]
    rest = await lambda_("ListAliases", FunctionName="f", MaxItems=2, Marker=first["NextMarker"])
    assert [alias["Name"] for alias in rest["Aliases"]] == ["c"]
    assert "NextMarker" not in rest


async def test_what_is_not_there_is_said_in_three_ways(lambda_: Lambda) -> None:
    await publish(lambda_, 1)
    gone = {"Type": "User"}
    assert told(await lambda_.refusal("GetAlias", FunctionName="f", Name="no")) == (
        MISSING,
        f"Cannot find alias arn: {arn('f', 'no')}",
        gone,
    )
    assert told(await lambda_.refusal("GetAlias", FunctionName="nope", Name="no")) == (
        MISSING,
        f"Cannot find alias arn: {arn('nope', 'no')}",
        gone,
    )
    assert told(await lambda_.refusal("UpdateAlias", FunctionName="f", Name="no")) == (
        MISSING,
        f"Alias not found: {arn('f', 'no')}",
        gone,
    )
    for operation in ("GetFunction", "GetFunctionConfiguration", "Invoke"):
        for params in ({"FunctionName": "f", "Qualifier": "no"}, {"FunctionName": arn("f", "no")}):
            assert told(await lambda_.refusal(operation, **params)) == (
                MISSING,
                f"Function not found: {arn('f', 'no')}",
                gone,
            )
    for operation, params in (
        ("CreateAlias", {"Name": "live", "FunctionVersion": "1"}),
        ("ListAliases", {}),
        ("DeleteAlias", {"Name": "live"}),
    ):
        assert told(await lambda_.refusal(operation, FunctionName="nope", **params)) == (
            MISSING,
            f"Function not found: {arn('nope')}",
            gone,
        )


@pytest.mark.parametrize(
    ("params", "message", "members"),
    [
        (
            {"FunctionVersion": "1", "RoutingConfig": weights(v2=0.1, v3=0.1)},
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
            {"Type": "User"},
        ),
        (
            {"FunctionVersion": "1", "RoutingConfig": weights(v1=0.1)},
            "Invalid function version 1. Function version 1 is already included in routing configuration.",
            {"Type": "User"},
        ),
        (
            {"FunctionVersion": "$LATEST", "RoutingConfig": weights(v1=0.1)},
            "$LATEST is not supported for an alias pointing to more than 1 version",
            {"Type": None},
        ),
    ],
)
async def test_routing_has_rules(
    lambda_: Lambda, params: dict[str, Any], message: str, members: dict[str, Any]
) -> None:
    await publish(lambda_, 2)
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    for operation, name in (("CreateAlias", "new"), ("UpdateAlias", "live")):
        refused = await lambda_.refusal(operation, FunctionName="f", Name=name, **params)
        assert told(refused) == (INVALID, message, members)


async def test_versions_must_be_there(lambda_: Lambda) -> None:
    await publish(lambda_, 1)
    for params in (
        {"FunctionVersion": "9"},
        {"FunctionVersion": "1", "RoutingConfig": weights(v9=0.5)},
    ):
        refused = await lambda_.refusal("CreateAlias", FunctionName="f", Name="live", **params)
        assert told(refused) == (MISSING, f"Function not found: {arn('f', '9')}", {"Type": "User"})


async def test_moving_an_alias_onto_its_second_version_is_refused(lambda_: Lambda) -> None:
    await publish(lambda_, 2)
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weights(v2=0.5))
    refused = await lambda_.refusal("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    assert refused.message is not None
    assert refused.message.startswith("Invalid function version 2.")


async def test_a_name_is_taken_once(lambda_: Lambda) -> None:
    await publish(lambda_, 1)
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    refused = await lambda_.refusal("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert told(refused) == (CONFLICT, f"Alias already exists: {arn('f', 'live')}", {"Type": "User"})


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"Role": f"arn:aws:iam::{ACCOUNT}:role/other"}, "execution role"),
        (
            {"DeadLetterConfig": {"TargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"}},
            "dead-letter queue configuration",
        ),
    ],
)
async def test_versions_that_share_an_alias_are_alike(lambda_: Lambda, change: dict[str, Any], what: str) -> None:
    await publish(lambda_, 1)
    await lambda_("UpdateFunctionConfiguration", FunctionName="f", **change)
    await lambda_.settled()
    await lambda_("PublishVersion", FunctionName="f")
    refused = await lambda_.refusal(
        "CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weights(v2=0.5)
    )
    assert told(refused) == (
        INVALID,
        f"Function versions 1 and 2 cannot share an alias: both must have the same {what}.",
        {"Type": "User"},
    )


async def test_an_alias_of_latest_follows_it(lambda_: Lambda) -> None:
    await lambda_.create()
    created = await lambda_("CreateAlias", FunctionName="f", Name="dev", FunctionVersion="$LATEST")
    assert created["FunctionVersion"] == "$LATEST"
    await lambda_("UpdateFunctionCode", FunctionName="f", ZipFile=zipped({"index.py": "new"}))
    await lambda_.settled()
    result = await lambda_("Invoke", FunctionName="f", Qualifier="dev")
    assert result["ExecutedVersion"] == "$LATEST"
    assert (lambda_.invoker.asked[-1].function.task_dir / "index.py").read_text() == "new"


async def test_functions_are_read_by_alias_in_every_form(lambda_: Lambda) -> None:
    await publish(lambda_, 2)
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weights(v2=0.9))
    version = await lambda_("GetFunctionConfiguration", FunctionName="f", Qualifier="1")
    forms: list[dict[str, Any]] = [
        {"FunctionName": "f", "Qualifier": "live"},
        {"FunctionName": "f:live"},
        {"FunctionName": f"{ACCOUNT}:function:f:live"},
        {"FunctionName": arn("f", "live")},
        {"FunctionName": arn("f"), "Qualifier": "live"},
        {"FunctionName": arn("f", "live"), "Qualifier": "live"},
    ]
    for form in forms:
        shown = await lambda_("GetFunctionConfiguration", **form)
        assert shown == {**version, "FunctionArn": arn("f", "live")}
        assert (await lambda_("GetFunction", **form))["Configuration"] == shown
        await lambda_("Invoke", **form)
        ran = lambda_.invoker.asked[-1]
        assert (ran.invoked_arn, ran.qualifier) == (arn("f", "live"), "live")
    sentence = "The derived qualifier from the function name does not match the specified qualifier."
    refused = await lambda_.refusal("GetFunction", FunctionName="f:live", Qualifier="1")
    assert told(refused) == (INVALID, sentence, {"Type": "User"})


async def test_a_version_that_an_alias_points_at_is_not_deleted(lambda_: Lambda) -> None:
    await publish(lambda_, 3)
    await lambda_("CreateAlias", FunctionName="f", Name="a", FunctionVersion="1", RoutingConfig=weights(v2=0.5))
    await lambda_("CreateAlias", FunctionName="f", Name="b", FunctionVersion="2")
    for version, pointing in (("1", "a"), ("2", "a, b")):
        refused = await lambda_.refusal("DeleteFunction", FunctionName="f", Qualifier=version)
        assert told(refused) == (
            CONFLICT,
            f"Unable to delete version because the following aliases reference it: [{pointing}]",
            {"Type": "User"},
        )
    assert await lambda_("DeleteFunction", FunctionName="f", Qualifier="3") == {"StatusCode": 204}
    refused = await lambda_.refusal("DeleteFunction", FunctionName="f", Qualifier="a")
    assert told(refused) == (INVALID, "Deletion of aliases is not currently supported.", {"Type": "User"})


async def test_aliases_go_with_their_function(lambda_: Lambda) -> None:
    await publish(lambda_, 1)
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    await lambda_("DeleteFunction", FunctionName="f")
    await publish(lambda_, 1)
    assert await lambda_("ListAliases", FunctionName="f") == {"Aliases": []}
    assert (await lambda_.refusal("Invoke", FunctionName="f", Qualifier="live")).code == MISSING


async def test_aliases_are_of_functions_not_of_versions(lambda_: Lambda) -> None:
    await publish(lambda_, 1)
    for operation, params in (("CreateAlias", {"FunctionVersion": "1"}), ("GetAlias", {}), ("DeleteAlias", {})):
        refused = await lambda_.refusal(operation, FunctionName="f:1", Name="live", **params)
        assert told(refused) == (
            INVALID,
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
            "Please specify either a function name or an unqualified function ARN.",
            {"Type": "User"},
        )
