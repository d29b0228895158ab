"""Whole policy documents: put, shown in both views, refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.authz import resource_policy
from ramuda.kernel.call import Principal
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.rules import policy_documents
from tests.unit.lambda_.harness import ACCOUNT, Lambda, arn

INVALID, NOT_FOUND = "InvalidParameterValueException", "ResourceNotFoundException"
GONE = "The resource you requested does not exist."
PRINCIPAL = "The provided principal was invalid. Please check the principal and try again."
STALE = (
    "PreconditionFailedException",
    "The Revision Id provided does not match the latest Revision Id. Call the GetResourcePolicy API to retrieve the "
    "latest Revision Id",
)


def statement(**members: Any) -> dict[str, Any]:
    return {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": "222222222222"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn("f"),
    } | members


def document(*statements: Any, **members: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)} | members


async def put(lambda_: Lambda, policy: Any, **params: Any) -> dict[str, Any]:
    return await lambda_("PutResourcePolicy", **{"ResourceArn": arn("f"), "Policy": json.dumps(policy), **params})


async def refusal(lambda_: Lambda, operation: str = "PutResourcePolicy", **params: Any) -> tuple[str, str | None]:
    error = await lambda_.refusal(operation, **{"ResourceArn": arn("f"), **params})
    assert error.members == {"Type": "User"}
    return error.code, error.message


async def test_a_document_is_kept_and_shown_in_both_views(lambda_: Lambda) -> None:
    await lambda_.create()
    wanted = document(
        statement(Condition={"StringEquals": {"aws:PrincipalOrgID": ["o-aaaaaaaaaa", "o-bbbbbbbbbb"]}}),
        statement(Sid="two", Effect="Deny", Principal="*", Action=["lambda:GetFunction", "lambda:List*"]),
        Id="mine",
    )
    answer = await put(lambda_, wanted)
    assert answer == {"Policy": answer["Policy"], "RevisionId": answer["RevisionId"]}
    assert json.loads(answer["Policy"]) == {"Version": "2012-10-17", "Id": "mine", "Statement": wanted["Statement"]}
    assert " " not in answer["Policy"]
    assert await lambda_("GetResourcePolicy", ResourceArn=arn("f")) == answer
    assert await lambda_("GetPolicy", FunctionName="f") == answer


async def test_a_document_takes_the_place_of_permissions_and_permissions_add_to_it(lambda_: Lambda) -> None:
    await lambda_.create()
    added = {"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    await lambda_("AddPermission", StatementId="s3", **added)
    await put(lambda_, document(statement()))
    await lambda_("AddPermission", StatementId="s3", **added)
    shown = json.loads((await lambda_("GetResourcePolicy", ResourceArn=arn("f")))["Policy"])
    assert [one["Sid"] for one in shown["Statement"]] == ["one", "s3"]
    assert "Id" not in shown
    await lambda_("RemovePermission", FunctionName="f", StatementId="one")
    assert await lambda_("DeleteResourcePolicy", ResourceArn=arn("f")) == {}
    assert (await lambda_.refusal("GetPolicy", FunctionName="f")).message == GONE


async def test_revisions_guard_a_document(lambda_: Lambda) -> None:
    await lambda_.create()
    policy = json.dumps(document(statement()))
    some = "00000000-0000-4000-8000-999999999999"
    assert await refusal(lambda_, Policy=policy, RevisionId=some) == STALE
    first = (await put(lambda_, document(statement())))["RevisionId"]
    assert await refusal(lambda_, Policy=policy, RevisionId=some) == STALE
    second = (await put(lambda_, document(statement()), RevisionId=first))["RevisionId"]
    assert second != first
    assert await refusal(lambda_, "DeleteResourcePolicy", RevisionId=first) == STALE
    assert await lambda_("DeleteResourcePolicy", ResourceArn=arn("f"), RevisionId=second) == {}


async def test_what_is_not_there_is_missed(lambda_: Lambda) -> None:
    policy = json.dumps(document(statement()))
    assert await refusal(lambda_, Policy=policy) == (NOT_FOUND, GONE)
    for operation in ("GetResourcePolicy", "DeleteResourcePolicy"):
        assert await refusal(lambda_, operation) == (NOT_FOUND, GONE)
    await lambda_.create()
    assert await refusal(lambda_, "GetResourcePolicy") == (NOT_FOUND, GONE)
    assert await refusal(lambda_, "DeleteResourcePolicy") == (
        NOT_FOUND,
        "No policy is associated with the given resource.",
    )
    assert await refusal(
        lambda_, ResourceArn=arn("f", "9"), Policy=json.dumps(document(statement(Resource=arn("f", "9"))))
    ) == (NOT_FOUND, GONE)
    assert await refusal(lambda_, ResourceArn=arn("f", "$LATEST"), Policy=policy) == (
        INVALID,
        "We currently do not support adding policies for $LATEST.",
    )
    runtime = f"arn:aws:lambda:us-east-1:{ACCOUNT}:runtime/mine"
    assert await refusal(lambda_, ResourceArn=runtime, Policy=policy) == (
        INVALID,
        "A policy of a custom runtime is not supported here yet.",
    )
    foreign = await lambda_.refusal("GetResourcePolicy", ResourceArn=arn("f").replace(ACCOUNT, "222222222222"))
    assert (foreign.code, foreign.status) == ("AccessDeniedException", 403)


@pytest.mark.parametrize(
    "accepted",
    [
        {**document(), "Statement": statement()},
        document(statement(Resource="*")),
        document(statement(Resource=[arn("f"), arn("*")])),
        document({**{k: v for k, v in statement().items() if k not in ("Sid", "Action")}, "NotAction": "lambda:Get*"}),
        document(statement(Principal={"AWS": ["222222222222", "*"], "Service": "s3.amazonaws.com"})),
        document(statement(Condition={"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a", "b"]}})),
        document(statement(), Version="2008-10-17"),
    ],
)
async def test_a_document_that_iam_understands_is_taken(lambda_: Lambda, accepted: dict[str, Any]) -> None:
    await lambda_.create()
    shown = json.loads((await put(lambda_, accepted))["Policy"])
    wanted = accepted["Statement"]
    assert shown == {"Version": accepted["Version"], "Statement": wanted if isinstance(wanted, list) else [wanted]}


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("{", "it is not valid JSON"),
        ("[]", "it is not a JSON object"),
        ('"text"', "it is not a JSON object"),
        (document(statement(), Extra=1), "The document may not have Extra"),
        (document(statement(), Version="2020-01-01"), "Version must be one of 2012-10-17, 2008-10-17"),
        (document(statement(), Id=7), "Id must be a string"),
        (document(), "Statement must be a statement or a list of statements, one at least"),
        ({"Version": "2012-10-17"}, "Statement must be a statement or a list of statements, one at least"),
        (document("text"), "Statement must be a statement or a list of statements, one at least"),
        (document(statement(Note="x")), "A statement may not have Note"),
        (document(statement(Effect="Maybe")), "Effect must be Allow or Deny"),
        (document(statement(NotAction="lambda:*")), "a statement must have one of Action and NotAction"),
        (
            document({"Effect": "Allow", "Action": "*", "Resource": "*"}),
            "a statement must have one of Principal and NotPrincipal",
        ),
        (document(statement(Sid="a b")), "Sid must match ([a-zA-Z0-9-_]+) and have 100 characters at most"),
        (document(statement(), statement()), "statement ids must be unique"),
        (document(statement(Action="s3:GetObject")), "s3:GetObject is not an action of Lambda"),
        (document(statement(Action=[])), "Action must be a string or a list of strings"),
        (document(statement(Action=5)), "Action must be a string or a list of strings"),
        (document(statement(Resource=arn("g"))), f"Resource must be {arn('f')}"),
        (document(statement(Condition=[])), "Condition must be an object"),
        (document(statement(Condition={"Odd": {"a": "b"}})), "Odd is not a condition operator"),
        (document(statement(Condition={"Bool": {}})), "Bool must name keys and their values"),
        (document(statement(Condition={"Bool": {"a": {}}})), "Bool must name keys and their values"),
    ],
)
async def test_a_document_that_iam_does_not_understand_is_refused(lambda_: Lambda, policy: Any, why: str) -> None:
    await lambda_.create()
    text = policy if isinstance(policy, str) else json.dumps(policy)
    assert await refusal(lambda_, Policy=text) == (INVALID, f"The policy document is invalid: {why}.")
    assert await refusal(lambda_, "GetResourcePolicy") == (NOT_FOUND, GONE)


@pytest.mark.parametrize(
    "principal",
    ["222222222222", {}, {"AWS": "nobody"}, {"Service": "s3"}, {"Federated": "example.com"}, {"AWS": ["*", "x"]}, 5],
)
async def test_a_principal_that_is_none_is_refused(lambda_: Lambda, principal: Any) -> None:
    await lambda_.create()
    assert await refusal(lambda_, Policy=json.dumps(document(statement(Principal=principal)))) == (INVALID, PRINCIPAL)


async def test_a_denial_in_a_document_is_in_force(lambda_: Lambda) -> None:
    await lambda_.create()
    everybody = statement(Principal="*")
    await put(lambda_, document(everybody))
    assert (await lambda_("Invoke", FunctionName=arn("f"), account="222222222222"))["StatusCode"] == 200
    await put(lambda_, document(everybody, statement(Sid="no", Effect="Deny", Principal={"AWS": "222222222222"})))
    refused = await lambda_.refusal("Invoke", FunctionName=arn("f"), account="222222222222")
    assert (refused.code, refused.status, refused.message) == (
        "AccessDeniedException",
        403,
        f"User: arn:aws:iam::222222222222:root is not authorized to perform: lambda:InvokeFunction on resource: "
        f"{arn('f')} with an explicit deny in a resource-based policy",
    )
    assert (await lambda_("Invoke", FunctionName=arn("f"), account="333333333333"))["StatusCode"] == 200


async def test_a_denial_holds_in_the_functions_own_account_and_also_when_the_function_is_warm(lambda_: Lambda) -> None:
    await lambda_.create()
    asleep = statement(Sid="no", Effect="Deny", Principal="*", Action="lambda:Invoke*")
    for lift in ("DeleteResourcePolicy", "RemovePermission"):
        for _ in range(2):
            assert (await lambda_("Invoke", FunctionName="f"))["StatusCode"] == 200
        await put(lambda_, document(asleep))
        for operation, params in (("Invoke", {}), ("Invoke", {"InvocationType": "Event"}), ("InvokeAsync", {})):
            body = {"InvokeArgs": b"{}"} if operation == "InvokeAsync" else {}
            refused = await lambda_.refusal(operation, FunctionName="f", **params, **body)
            assert "with an explicit deny in a resource-based policy" in str(refused.message)
        gone = (
            {"ResourceArn": arn("f")} if lift == "DeleteResourcePolicy" else {"FunctionName": "f", "StatementId": "no"}
        )
        await lambda_(lift, **gone)
    assert (await lambda_("Invoke", FunctionName="f"))["StatusCode"] == 200


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.sampled_from(["*", "Allow", "Deny", arn("f"), "lambda:*", "x"])
)
_ANY = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["AWS", "Service", "StringEquals", "aws:SourceIp", "y"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_MEMBERS = ("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")


@given(
    change=st.dictionaries(st.sampled_from(_MEMBERS), _ANY, max_size=2),
    around=st.dictionaries(st.sampled_from(["Version", "Id", "Statement", "More"]), _ANY, max_size=1),
)
def test_a_document_is_refused_or_can_be_evaluated(change: dict[str, Any], around: dict[str, Any]) -> None:
    text = json.dumps(document(statement(**change)) | around)
    try:
        kept = policy_documents.parse(text, arn("f"))
    except ApiError:
        return
    caller = Principal(account="222222222222", arn="arn:aws:iam::222222222222:root", user_id="222222222222")
    request = resource_policy.Request(action="lambda:InvokeFunction", resource=arn("f"), principal=caller)
    decision = resource_policy.evaluate({"Statement": list(kept.statements)}, request)
    assert decision.effect in (None, *(one["Effect"] for one in kept.statements))


@given(st.text())
def test_any_text_is_a_document_or_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="InvalidParameterValueException"):
        policy_documents.parse(text, arn("f"))
