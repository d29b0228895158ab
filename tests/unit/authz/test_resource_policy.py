"""Whether a resource policy lets somebody do something."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.authz.resource_policy import Decision, Request, evaluate
from ramuda.kernel.call import Principal

FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:f"
ROOT = Principal(account="222222222222", arn="arn:aws:iam::222222222222:root", user_id="222222222222")
USER = Principal(account="222222222222", arn="arn:aws:iam::222222222222:user/jo", user_id="AIDAXXXXXXXXXXXXXXXXX")
SESSION = Principal(
    account="222222222222",
    arn="arn:aws:sts::222222222222:assumed-role/worker/session",
    user_id="AROAXXXXXXXXXXXXXXXXX:session",
)


def statement(**members: Any) -> dict[str, Any]:
    return {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
    } | members


def decided(
    *statements: dict[str, Any],
    principal: Principal | str | None = USER,
    context: dict[str, Any] | None = None,
    action: str = "lambda:InvokeFunction",
    resource: str = FUNCTION,
) -> str | None:
    request = Request(action=action, resource=resource, principal=principal, context=context or {})
    return evaluate({"Version": "2012-10-17", "Statement": list(statements)}, request).effect


@pytest.mark.parametrize(
    ("wanted", "principal", "expected"),
    [
        ("*", None, "Allow"),
        ({"AWS": "*"}, None, "Allow"),
        ("*", USER, "Allow"),
        ("*", "s3.amazonaws.com", "Allow"),
        ({"AWS": "222222222222"}, USER, "Allow"),
        ({"AWS": "arn:aws:iam::222222222222:root"}, USER, "Allow"),
        ({"AWS": "arn:aws:iam::222222222222:root"}, SESSION, "Allow"),
        ({"AWS": "arn:aws:iam::222222222222:root"}, None, None),
        ({"AWS": "arn:aws:iam::333333333333:root"}, USER, None),
        ({"AWS": ["333333333333", "222222222222"]}, ROOT, "Allow"),
        ({"AWS": "arn:aws:iam::222222222222:user/jo"}, USER, "Allow"),
        ({"AWS": "arn:aws:iam::222222222222:user/jo"}, ROOT, None),
        ({"AWS": "arn:aws:iam::222222222222:user/*"}, USER, None),
        ({"AWS": "arn:aws:iam::222222222222:role/worker"}, SESSION, "Allow"),
        ({"AWS": "arn:aws:iam::222222222222:role/some/path/worker"}, SESSION, "Allow"),
        ({"AWS": "arn:aws:iam::333333333333:role/worker"}, SESSION, None),
        ({"AWS": "arn:aws:iam::222222222222:role/other"}, SESSION, None),
        ({"AWS": "arn:aws:sts::222222222222:assumed-role/worker/session"}, SESSION, "Allow"),
        ({"AWS": "AROAXXXXXXXXXXXXXXXXX"}, SESSION, "Allow"),
        ({"Service": "s3.amazonaws.com"}, "s3.amazonaws.com", "Allow"),
        ({"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}, "s3.amazonaws.com", "Allow"),
        ({"Service": "sns.amazonaws.com"}, "s3.amazonaws.com", None),
        ({"Service": "s3.amazonaws.com"}, USER, None),
        ({"Federated": "example.com"}, USER, None),
        ({}, USER, None),
    ],
)
def test_a_principal_is_who_the_statement_names(
    wanted: Any, principal: Principal | str | None, expected: str | None
) -> None:
    assert decided(statement(Principal=wanted), principal=principal) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("lambda:InvokeFunction", "Allow"),
        ("LAMBDA:invokefunction", "Allow"),
        ("lambda:*", "Allow"),
        ("*", "Allow"),
        ("lambda:Invoke*", "Allow"),
        ("lambda:InvokeFunctionUr?", None),
        (["lambda:GetFunction", "lambda:InvokeFunction"], "Allow"),
        ("lambda:GetFunction", None),
        ([], None),
    ],
)
def test_an_action_is_what_the_statement_names(wanted: Any, expected: str | None) -> None:
    assert decided(statement(Action=wanted)) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(FUNCTION, "Allow"), (FUNCTION + ":1", None), (FUNCTION + "*", "Allow"), ("*", "Allow"), (FUNCTION.upper(), None)],
)
def test_a_resource_is_what_the_statement_names(wanted: Any, expected: str | None) -> None:
    assert decided(statement(Resource=wanted)) == expected


def test_an_element_and_its_opposite() -> None:
    bare = statement()
    for element, other in (("Action", "lambda:GetFunction"), ("Resource", FUNCTION + "x"), ("Principal", {"AWS": "1"})):
        inverted = {key: value for key, value in bare.items() if key != element}
        assert decided({**inverted, f"Not{element}": other}) == "Allow"
        assert decided({**inverted, f"Not{element}": bare[element]}) is None


def test_a_statement_that_denies_wins_wherever_it_stands() -> None:
    allow, deny = statement(), statement(Sid="no", Effect="Deny", Principal={"AWS": "222222222222"})
    assert decided(allow, deny) == decided(deny, allow) == "Deny"
    assert decided(allow, deny, principal="s3.amazonaws.com") == "Allow"


def test_the_decision_names_the_statement_that_decided() -> None:
    first, second = statement(Sid="a", Action="lambda:GetFunction"), statement(Sid="b")
    request = Request(action="lambda:InvokeFunction", resource=FUNCTION, principal=USER)
    assert evaluate({"Statement": [first, second]}, request) == Decision(effect="Allow", statement=second)
    assert evaluate({"Statement": []}, request) == Decision(effect=None)
    assert evaluate({"Statement": second}, request).is_allowed


def test_the_conditions_that_permissions_write() -> None:
    sourced = statement(
        Principal={"Service": "s3.amazonaws.com"},
        Condition={
            "StringEquals": {"AWS:SourceAccount": "111111111111"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
        },
    )
    context = {"aws:SourceAccount": "111111111111", "aws:SourceArn": "arn:aws:s3:::bucket"}
    assert decided(sourced, principal="s3.amazonaws.com", context=context) == "Allow"
    assert (
        decided(sourced, principal="s3.amazonaws.com", context={**context, "aws:SourceArn": "arn:aws:s3:::x"}) is None
    )
    assert decided(sourced, principal="s3.amazonaws.com") is None


def test_a_function_url_needs_its_auth_type_and_says_that_it_invokes() -> None:
    url = statement(
        Action="lambda:InvokeFunctionUrl", Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    )
    invoke = statement(Condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}})
    named = {"lambda:FunctionUrlAuthType": "NONE"}
    assert decided(url, invoke, principal=None, action="lambda:InvokeFunctionUrl", context=named) == "Allow"
    other = {"lambda:functionurlauthtype": "AWS_IAM"}
    assert decided(url, invoke, principal=None, action="lambda:InvokeFunctionUrl", context=other) is None
    assert decided(url, invoke, principal=None, context={"lambda:InvokedViaFunctionUrl": True}) == "Allow"
    assert decided(url, invoke, principal=None) is None


def test_the_principal_brings_condition_keys() -> None:
    for condition in (
        {"StringEquals": {"aws:PrincipalAccount": "222222222222"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/worker"}},
        {"StringLike": {"aws:userid": "AROA*:session"}},
        {"Bool": {"aws:PrincipalIsAWSService": "false"}},
    ):
        assert decided(statement(Condition=condition), principal=SESSION) == "Allow"
        assert decided(statement(Condition=condition), principal="s3.amazonaws.com") is None


@pytest.mark.parametrize(
    "broken",
    [{"Condition": {"Odd": {"a": "b"}}}, {"Principal": 5}, {"Action": {"a": 1}}, {"Resource": None}],
)
def test_what_cannot_be_understood_allows_nothing_and_denies(broken: dict[str, Any]) -> None:
    assert decided(statement(**broken)) is None
    assert decided(statement(), statement(Effect="Deny", **broken)) == "Deny"
    elsewhere = statement(Effect="Deny", **broken) | {"Resource": FUNCTION + ":1"}
    assert decided(statement(), elsewhere) == "Allow"


_STATEMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(["Allow", "Deny"]),
            "Principal": st.sampled_from(["*", {"AWS": "222222222222"}, {"Service": "s3.amazonaws.com"}, 5]),
            "Action": st.sampled_from(["*", "lambda:InvokeFunction", "lambda:Get*", None]),
            "Resource": st.sampled_from(["*", FUNCTION, FUNCTION + ":1"]),
        }
    ),
    max_size=5,
)


@given(statements=_STATEMENTS, more=_STATEMENTS)
def test_more_statements_never_take_back_a_denial(statements: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    if decided(*statements) == "Deny":
        assert decided(*statements, *more) == "Deny"


@given(statements=_STATEMENTS)
def test_the_order_of_statements_does_not_matter(statements: list[dict[str, Any]]) -> None:
    assert decided(*statements) == decided(*reversed(statements))


@given(st.recursive(st.none() | st.text(max_size=8), lambda x: st.lists(x) | st.dictionaries(st.text(max_size=8), x)))
def test_nothing_is_allowed_by_what_is_no_policy(document: Any) -> None:
    request = Request(action="lambda:InvokeFunction", resource=FUNCTION, principal=USER)
    assert not evaluate(document if isinstance(document, dict) else {"Statement": document}, request).is_allowed
