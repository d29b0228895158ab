"""Resource policies of functions, versions and aliases: statements, guards, refusals."""

import json
from typing import Any

import pytest

from ramuda.authz import resource_policy
from ramuda.kernel.call import Principal
from ramuda.services.lambda_.model import Alias
from ramuda.services.lambda_.rules import policies
from ramuda.services.lambda_.store import tables
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, arn

NOT_FOUND, INVALID, PRECONDITION = (
    "ResourceNotFoundException",
    "InvalidParameterValueException",
    "PreconditionFailedException",
)
GONE = "The resource you requested does not exist."


async def add(lambda_: Lambda, sid: str = "s3", **params: Any) -> dict[str, Any]:
    defaults = {"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    answer = await lambda_("AddPermission", StatementId=sid, **{**defaults, **params})
    assert answer.keys() == {"Statement"}
    statement: dict[str, Any] = json.loads(answer["Statement"])
    return statement


async def refusal(lambda_: Lambda, operation: str, **params: Any) -> tuple[str, str | None]:
    defaults: dict[str, Any] = {"FunctionName": "f"}
    if operation != "GetPolicy":
        defaults["StatementId"] = "s3"
    if operation == "AddPermission":
        defaults |= {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    error = await lambda_.refusal(operation, **{**defaults, **params})
    assert error.members == {"Type": "User"}
    return error.code, error.message


async def alias(lambda_: Lambda, name: str = "live") -> Alias:
    record = Alias(account=ACCOUNT, region=REGION, name="f", alias=name, version="1", revision_id="alias-revision")
    await lambda_.database.write(lambda tx: tables.aliases.put(tx, ACCOUNT, REGION, "f", name, record))
    return record


@pytest.mark.parametrize(
    ("params", "principal", "condition"),
    [
        ({"Principal": "logs.amazonaws.com"}, {"Service": "logs.amazonaws.com"}, None),
        ({"Principal": "alexa-appkit.amazon.com"}, {"Service": "alexa-appkit.amazon.com"}, None),
        ({"Principal": "222222222222"}, {"AWS": "arn:aws:iam::222222222222:root"}, None),
        ({"Principal": "arn:aws:iam::222222222222:root"}, {"AWS": "arn:aws:iam::222222222222:root"}, None),
        ({"Principal": "arn:aws:iam::222222222222:role/p/r"}, {"AWS": "arn:aws:iam::222222222222:role/p/r"}, None),
        ({"Principal": "arn:aws:iam::222222222222:user/u"}, {"AWS": "arn:aws:iam::222222222222:user/u"}, None),
        (
            {"Principal": "arn:aws:sts::222222222222:assumed-role/r/s"},
            {"AWS": "arn:aws:sts::222222222222:assumed-role/r/s"},
            None,
        ),
        ({"Principal": "*"}, "*", None),
        (
            {"SourceArn": "arn:aws:s3:::bucket"},
            {"Service": "s3.amazonaws.com"},
            {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"}},
        ),
        (
            {"SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "111111111111"},
            {"Service": "s3.amazonaws.com"},
            {
                "StringEquals": {"AWS:SourceAccount": "111111111111"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
            },
        ),
        (
            {"Principal": "*", "PrincipalOrgID": "o-aaaaaaaaaa"},
            "*",
            {"StringEquals": {"aws:PrincipalOrgID": "o-aaaaaaaaaa"}},
        ),
        (
            {"Principal": "alexa-connectedhome.amazon.com", "EventSourceToken": "amzn1.ask.skill.x"},
            {"Service": "alexa-connectedhome.amazon.com"},
            {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}},
        ),
        (
            {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
            "*",
            {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        ),
        (
            {"Principal": "*", "InvokedViaFunctionUrl": True},
            "*",
            {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        ),
        ({"Principal": "*", "InvokedViaFunctionUrl": False, "Action": "lambda:*"}, "*", None),
        ({"Action": "*"}, {"Service": "s3.amazonaws.com"}, None),
    ],
)
async def test_a_permission_becomes_the_statement_that_aws_writes(
    lambda_: Lambda, params: dict[str, Any], principal: Any, condition: Any
) -> None:
    await lambda_.create()
    statement = await add(lambda_, **params)
    expected = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": principal,
        "Action": params.get("Action", "lambda:InvokeFunction"),
        "Resource": arn("f"),
    }
    if condition is not None:
        expected["Condition"] = condition
    assert statement == expected
    assert list(statement) == list(expected)
    policy = await lambda_("GetPolicy", FunctionName="f")
    assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [expected]}


async def test_a_policy_is_shown_as_compact_json_in_the_order_of_aws(lambda_: Lambda) -> None:
    await lambda_.create()
    await add(lambda_, "logs", Principal="logs.amazonaws.com")
    answer = await lambda_("GetPolicy", FunctionName="f")
    assert answer == {
        "Policy": '{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"logs","Effect":"Allow",'
        '"Principal":{"Service":"logs.amazonaws.com"},"Action":"lambda:InvokeFunction",'
        f'"Resource":"{arn("f")}"}}]}}',
        "RevisionId": answer["RevisionId"],
    }


async def test_a_policy_has_a_revision_of_its_own(lambda_: Lambda) -> None:
    created = await lambda_.create()
    function_revision = (await lambda_("GetFunctionConfiguration", FunctionName="f"))["RevisionId"]
    assert function_revision != created["RevisionId"]
    refused = (
        PRECONDITION,
        "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the "
        "latest Revision Id",
    )
    assert await refusal(lambda_, "AddPermission", RevisionId="wrong") == refused
    await add(lambda_, RevisionId=function_revision)  # before there is a policy, the function's own
    first = (await lambda_("GetPolicy", FunctionName="f"))["RevisionId"]
    assert first != function_revision
    assert (await lambda_("GetFunctionConfiguration", FunctionName="f"))["RevisionId"] == function_revision
    assert await refusal(lambda_, "AddPermission", StatementId="2", RevisionId=function_revision) == refused
    await add(lambda_, "2", RevisionId=first)
    second = (await lambda_("GetPolicy", FunctionName="f"))["RevisionId"]
    assert await refusal(lambda_, "RemovePermission", RevisionId=first) == refused
    assert await lambda_("RemovePermission", FunctionName="f", StatementId="s3", RevisionId=second) == {}
    assert (await lambda_("GetPolicy", FunctionName="f"))["RevisionId"] not in (first, second)


async def test_function_version_and_alias_have_policies_of_their_own(lambda_: Lambda) -> None:
    await lambda_.create()
    version = await lambda_("PublishVersion", FunctionName="f")
    await lambda_.settled()
    named = await alias(lambda_)
    await add(lambda_)
    assert await refusal(lambda_, "GetPolicy", Qualifier="1") == (NOT_FOUND, GONE)
    published = await lambda_("GetFunctionConfiguration", FunctionName="f", Qualifier="1")
    assert version["Version"] == "1"
    on_version = await add(lambda_, Qualifier="1", RevisionId=published["RevisionId"])
    assert on_version["Resource"] == arn("f", "1")
    stale = await refusal(lambda_, "AddPermission", Qualifier="live", RevisionId=published["RevisionId"])
    assert stale[0] == PRECONDITION
    on_alias = await add(lambda_, FunctionName=arn("f", "live"), RevisionId=named.revision_id)
    assert on_alias["Resource"] == arn("f", "live")
    resources = [
        json.loads((await lambda_("GetPolicy", FunctionName="f", **qualified))["Policy"])["Statement"][0]["Resource"]
        for qualified in ({}, {"Qualifier": "1"}, {"Qualifier": "live"})
    ]
    assert resources == [arn("f"), arn("f", "1"), arn("f", "live")]


async def test_the_last_statement_takes_the_policy_with_it(lambda_: Lambda) -> None:
    await lambda_.create()
    await add(lambda_, "a")
    await add(lambda_, "b")
    await lambda_("RemovePermission", FunctionName="f", StatementId="a")
    left = json.loads((await lambda_("GetPolicy", FunctionName="f"))["Policy"])["Statement"]
    assert [statement["Sid"] for statement in left] == ["b"]
    assert await refusal(lambda_, "RemovePermission", StatementId="a") == (
        NOT_FOUND,
        "Statement a is not found in resource policy.",
    )
    await lambda_("RemovePermission", FunctionName="f", StatementId="b")
    assert await refusal(lambda_, "GetPolicy") == (NOT_FOUND, GONE)
    assert await refusal(lambda_, "RemovePermission", StatementId="b") == (
        NOT_FOUND,
        "No policy is associated with the given resource.",
    )


async def test_a_policy_goes_with_its_function_and_its_version(lambda_: Lambda) -> None:
    await lambda_.create()
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_.settled()
    await add(lambda_)
    await add(lambda_, Qualifier="1")
    await lambda_("DeleteFunction", FunctionName="f", Qualifier="1")
    assert await refusal(lambda_, "GetPolicy", Qualifier="1") == (NOT_FOUND, GONE)
    await lambda_("GetPolicy", FunctionName="f")
    await lambda_("DeleteFunction", FunctionName="f")
    await lambda_.create()
    assert await refusal(lambda_, "GetPolicy") == (NOT_FOUND, GONE)


async def test_a_statement_id_is_taken_once(lambda_: Lambda) -> None:
    await lambda_.create()
    await add(lambda_)
    assert await refusal(lambda_, "AddPermission") == (
        "ResourceConflictException",
        "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing "
        "statement.",
    )


@pytest.mark.parametrize(
    "principal", ["invalid.nonaws.com", "s3", "123", "arn:aws:iam::1:root", "arn:aws:s3:::b", "**"]
)
async def test_a_principal_that_is_none_is_refused(lambda_: Lambda, principal: str) -> None:
    await lambda_.create()
    assert await refusal(lambda_, "AddPermission", Principal=principal) == (
        INVALID,
        "The provided principal was invalid. Please check the principal and try again.",
    )


async def test_latest_has_no_policy_of_its_own(lambda_: Lambda) -> None:
    await lambda_.create()
    for named in ({"Qualifier": "$LATEST"}, {"FunctionName": arn("f", "$LATEST")}):
        assert await refusal(lambda_, "AddPermission", **named) == (
            INVALID,
            "We currently do not support adding policies for $LATEST.",
        )


async def test_the_url_members_belong_to_their_actions(lambda_: Lambda) -> None:
    await lambda_.create()
    assert await refusal(lambda_, "AddPermission", FunctionUrlAuthType="NONE") == (
        INVALID,
        "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
    )
    url = {"Action": "lambda:InvokeFunctionUrl", "InvokedViaFunctionUrl": True}
    assert await refusal(lambda_, "AddPermission", **url) == (
        INVALID,
        "InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action",
    )


@pytest.mark.parametrize(
    ("operation", "params", "message"),
    [
        ("AddPermission", {"FunctionName": "none"}, f"Function not found: {arn('none')}"),
        ("AddPermission", {"Qualifier": "42"}, f"Function not found: {arn('f', '42')}"),
        ("AddPermission", {"Qualifier": "gone"}, f"Cannot find alias arn: {arn('f', 'gone')}"),
        ("AddPermission", {"Qualifier": "a-$-b"}, f"Function not found: {arn('f', 'a-$-b')}"),
        ("GetPolicy", {"FunctionName": "none"}, GONE),
        ("GetPolicy", {"Qualifier": "42"}, GONE),
        ("RemovePermission", {"FunctionName": "none"}, f"No policy found for: {arn('none')}"),
        ("RemovePermission", {"Qualifier": "gone"}, f"Cannot find alias arn: {arn('f', 'gone')}"),
        ("RemovePermission", {}, "No policy is associated with the given resource."),
    ],
)
async def test_what_is_not_there_is_missed_in_the_words_of_aws(
    lambda_: Lambda, operation: str, params: dict[str, Any], message: str
) -> None:
    await lambda_.create()
    assert await refusal(lambda_, operation, **params) == (NOT_FOUND, message)


async def test_a_policy_may_not_grow_beyond_twenty_kilobytes(lambda_: Lambda) -> None:
    await lambda_.create()
    source = "arn:aws:s3:::" + "b" * 9_700
    await add(lambda_, "1", SourceArn=source)
    await add(lambda_, "2", SourceArn=source)
    size = len((await lambda_("GetPolicy", FunctionName="f"))["Policy"].encode())
    third: dict[str, Any] = {
        "Sid": "3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn("f"),
        "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::" + "b" * 1000}},
    }
    size += len(json.dumps(third, separators=(",", ":"))) + 1
    assert await refusal(
        lambda_, "AddPermission", StatementId="3", SourceArn=third["Condition"]["ArnLike"]["AWS:SourceArn"]
    ) == ("PolicyLengthExceededException", f"The final policy size ({size}) is bigger than the limit (20480).")


CALLER = Principal(account="222222222222", arn="arn:aws:iam::222222222222:user/u", user_id="AIDA")


@pytest.mark.parametrize(
    ("params", "principal", "context"),
    [
        ({"Principal": "s3.amazonaws.com"}, "s3.amazonaws.com", {}),
        ({"Principal": "222222222222"}, CALLER, {}),
        ({"Principal": "arn:aws:iam::222222222222:user/u"}, CALLER, {}),
        ({"Principal": "*", "PrincipalOrgID": "o-aaaaaaaaaa"}, CALLER, {"aws:PrincipalOrgID": "o-aaaaaaaaaa"}),
        (
            {"Principal": "s3.amazonaws.com", "SourceAccount": "111111111111", "SourceArn": "arn:aws:s3:::b"},
            "s3.amazonaws.com",
            {"aws:SourceAccount": "111111111111", "aws:SourceArn": "arn:aws:s3:::b"},
        ),
        (
            {"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "skill"},
            "alexa-appkit.amazon.com",
            {"lambda:EventSourceToken": "skill"},
        ),
        (
            {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
            None,
            {"lambda:FunctionUrlAuthType": "NONE"},
        ),
        ({"Principal": "*", "InvokedViaFunctionUrl": True}, None, {"lambda:InvokedViaFunctionUrl": True}),
    ],
)
def test_what_a_permission_says_is_what_is_allowed(
    params: dict[str, Any], principal: Principal | str | None, context: dict[str, Any]
) -> None:
    action = params.get("Action", "lambda:InvokeFunction")
    statement = policies.statement({"StatementId": "s", "Action": action, **params}, arn("f"))

    def is_allowed(
        resource: str, who: Principal | str | None, what: str, where: dict[str, resource_policy.Value]
    ) -> bool:
        request = resource_policy.Request(action=what, resource=resource, principal=who, context=where)
        return resource_policy.evaluate({"Statement": [statement]}, request).is_allowed

    assert is_allowed(arn("f"), principal, action, context)
    assert not is_allowed(arn("f", "1"), principal, action, context)
    assert not is_allowed(arn("f"), principal, "lambda:GetFunction", context)
    if params["Principal"] != "*":
        assert not is_allowed(arn("f"), "other.amazonaws.com", action, context)
    for key in context:
        assert not is_allowed(arn("f"), principal, action, {**context, key: "other"})
        assert not is_allowed(arn("f"), principal, action, {k: v for k, v in context.items() if k != key})
