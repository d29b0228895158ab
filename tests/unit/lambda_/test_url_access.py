"""Who may use a function URL."""

from dataclasses import replace
from typing import Any

from ramuda.kernel.call import Principal
from ramuda.services.lambda_.model import FunctionUrl
from ramuda.services.lambda_.rules import url_access

ARN = "arn:aws:lambda:us-east-1:111111111111:function:f"
OPEN = FunctionUrl(
    account="111111111111",
    region="us-east-1",
    name="f",
    url_id="a" * 32,
    auth_type="NONE",
    creation_time="",
    last_modified_time="",
)
SIGNED = replace(OPEN, auth_type="AWS_IAM")
OWN = Principal(account="111111111111", arn="arn:aws:iam::111111111111:user/u", user_id="U")
OTHER = Principal(account="222222222222", arn="arn:aws:iam::222222222222:user/u", user_id="V")
URL_ACTION, INVOKE = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"


def statement(action: str, principal: Any = "*", effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    told = {"Sid": action, "Effect": effect, "Principal": principal, "Action": action, "Resource": ARN}
    return {**told, "Condition": condition} if condition else told


def of_type(auth_type: str, principal: Any = "*") -> dict[str, Any]:
    return statement(URL_ACTION, principal, StringEquals={"lambda:FunctionUrlAuthType": auth_type})


def via_url(principal: Any = "*") -> dict[str, Any]:
    return statement(INVOKE, principal, Bool={"lambda:InvokedViaFunctionUrl": "true"})


def missing(url: FunctionUrl, statements: list[dict[str, Any]], caller: Principal | None) -> str | None:
    return url_access.missing(url, statements, caller, "127.0.0.1")


def test_an_open_url_needs_both_permissions_for_everybody() -> None:
    assert missing(OPEN, [], None) == URL_ACTION
    assert missing(OPEN, [of_type("NONE")], None) == INVOKE
    assert missing(OPEN, [via_url()], None) == URL_ACTION
    assert missing(OPEN, [of_type("NONE"), via_url()], None) is None
    assert missing(OPEN, [of_type("NONE"), statement(INVOKE)], None) is None


def test_permissions_of_another_auth_type_or_for_somebody_else_do_not_open_a_url() -> None:
    assert missing(OPEN, [of_type("AWS_IAM"), via_url()], None) == URL_ACTION
    assert missing(OPEN, [of_type("NONE", {"AWS": "222222222222"}), via_url()], None) == URL_ACTION
    assert missing(replace(OPEN, qualifier="live"), [of_type("NONE"), via_url()], None) == URL_ACTION


def test_the_accounts_own_principals_need_no_resource_policy_for_a_signed_url() -> None:
    assert missing(SIGNED, [], OWN) is None


def test_a_denial_counts_for_the_account_itself_too() -> None:
    assert missing(SIGNED, [statement(INVOKE, effect="Deny")], OWN) == INVOKE
    assert missing(SIGNED, [statement("lambda:*", {"AWS": OWN.arn}, effect="Deny")], OWN) == URL_ACTION


def test_another_account_needs_both_permissions_from_the_resource_policy() -> None:
    allowed = {"AWS": "arn:aws:iam::222222222222:root"}
    assert missing(SIGNED, [], OTHER) == URL_ACTION
    assert missing(SIGNED, [of_type("AWS_IAM", allowed)], OTHER) == INVOKE
    assert missing(SIGNED, [of_type("AWS_IAM", allowed), via_url(allowed)], OTHER) is None
    assert missing(SIGNED, [of_type("NONE", allowed), via_url(allowed)], OTHER) == URL_ACTION
