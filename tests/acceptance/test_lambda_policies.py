"""Resource policies over the wire: whole answers, compared with what was recorded from AWS (see the README of
`aws-recorded`): create_multiple_lambda_permissions, permission_exceptions, lambda_permission_fn_versioning."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.test_lambda_functions import ACCOUNT, HANDLER, ROLE, Aws, Zipped, active, arn, refused

OTHER = "222222222222"
GONE = "The resource you requested does not exist."


def answered(response: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body of an answer."""
    status: int = response["ResponseMetadata"]["HTTPStatusCode"]
    return status, {name: value for name, value in response.items() if name != "ResponseMetadata"}


def error(code: str, message: str, spelling: str = "message") -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}, "Type": "User", spelling: message}


def missing(message: str) -> tuple[int, dict[str, Any]]:
    return 404, error("ResourceNotFoundException", message, "Message")


def invalid(message: str) -> tuple[int, dict[str, Any]]:
    return 400, error("InvalidParameterValueException", message)


def statement(sid: str, name: str, principal: Any, **more: Any) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": "lambda:InvokeFunction",
        "Resource": arn(name),
    } | more


def written(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws("lambda")


@pytest.fixture
def function(client: Any, unique: str, zipped: Zipped) -> Iterator[str]:
    client.create_function(
        FunctionName=unique, Runtime="python3.11", Handler="app.handler", Role=ROLE, Code={"ZipFile": zipped(HANDLER)}
    )
    active(client, unique)
    yield unique
    client.delete_function(FunctionName=unique)


@pytest.fixture
def permit(client: Any, function: str) -> Callable[..., dict[str, Any]]:
    """`permit("sid", Principal=...)` adds a permission to the function."""

    def add(sid: str = "s3", **params: Any) -> dict[str, Any]:
        defaults = {"FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
        added: dict[str, Any] = client.add_permission(StatementId=sid, **{**defaults, **params})
        return added

    return add


def test_permissions_make_up_a_policy(client: Any, function: str, permit: Callable[..., dict[str, Any]]) -> None:
    logs = statement("logs", function, {"Service": "logs.amazonaws.com"})
    kinesis = statement("kinesis", function, {"Service": "kinesis.amazonaws.com"})
    assert answered(permit("logs", Principal="logs.amazonaws.com")) == (201, {"Statement": written(logs)})
    assert answered(permit("kinesis", Principal="kinesis.amazonaws.com")) == (201, {"Statement": written(kinesis)})
    policy = client.get_policy(FunctionName=function)
    assert answered(policy) == (
        200,
        {
            "Policy": written({"Version": "2012-10-17", "Id": "default", "Statement": [logs, kinesis]}),
            "RevisionId": policy["RevisionId"],
        },
    )
    removed = client.remove_permission(FunctionName=function, StatementId="logs", RevisionId=policy["RevisionId"])
    assert answered(removed) == (204, {})
    left = client.get_policy(FunctionName=function)
    assert json.loads(left["Policy"])["Statement"] == [kinesis]
    assert left["RevisionId"] != policy["RevisionId"]


@pytest.mark.parametrize(
    ("params", "principal", "more"),
    [
        ({"Principal": OTHER}, {"AWS": f"arn:aws:iam::{OTHER}:root"}, {}),
        ({"Principal": f"arn:aws:iam::{OTHER}:role/r"}, {"AWS": f"arn:aws:iam::{OTHER}:role/r"}, {}),
        (
            {"SourceArn": "arn:aws:s3:::bucket", "SourceAccount": OTHER},
            {"Service": "s3.amazonaws.com"},
            {
                "Condition": {
                    "StringEquals": {"AWS:SourceAccount": OTHER},
                    "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
                }
            },
        ),
        (
            {"Principal": "*", "PrincipalOrgID": "o-aaaaaaaaaa"},
            "*",
            {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-aaaaaaaaaa"}}},
        ),
        (
            {"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "amzn1.skill"},
            {"Service": "alexa-appkit.amazon.com"},
            {"Condition": {"StringEquals": {"lambda:EventSourceToken": "amzn1.skill"}}},
        ),
        (
            {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
            "*",
            {
                "Action": "lambda:InvokeFunctionUrl",
                "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
            },
        ),
        (
            {"Principal": "*", "InvokedViaFunctionUrl": True},
            "*",
            {"Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}},
        ),
    ],
)
def test_each_member_of_a_permission_has_its_place_in_the_statement(
    function: str, permit: Callable[..., dict[str, Any]], params: dict[str, Any], principal: Any, more: dict[str, Any]
) -> None:
    added = permit("s3", **params)
    assert answered(added) == (201, {"Statement": written(statement("s3", function, principal, **more))})


def test_versions_and_aliases_have_policies_of_their_own(
    client: Any, function: str, permit: Callable[..., dict[str, Any]]
) -> None:
    permit()
    policy = client.get_policy(FunctionName=function)
    client.publish_version(FunctionName=function)
    assert client.get_policy(FunctionName=function)["RevisionId"] == policy["RevisionId"]
    assert refused(client.get_policy, FunctionName=function, Qualifier="1") == missing(GONE)
    alias = client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    permit(Qualifier="1")
    status, answer = refused(permit, Qualifier="live", RevisionId="wrong")
    assert (status, answer) == (
        412,
        error(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetPolicy API to retrieve the latest Revision Id",
        ),
    )
    permit(Qualifier="live", RevisionId=alias["RevisionId"])
    for qualifier in ("1", "live"):
        shown = json.loads(client.get_policy(FunctionName=function, Qualifier=qualifier)["Policy"])
        assert [one["Resource"] for one in shown["Statement"]] == [arn(function, qualifier)]

    client.delete_alias(FunctionName=function, Name="live")
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    assert refused(client.get_policy, FunctionName=function, Qualifier="live") == missing(GONE)
    client.delete_alias(FunctionName=function, Name="live")
    client.delete_function(FunctionName=function, Qualifier="1")
    assert refused(client.get_policy, FunctionName=function, Qualifier="1") == missing(GONE)


def test_what_cannot_be_added_is_refused_as_recorded(
    client: Any, function: str, permit: Callable[..., dict[str, Any]]
) -> None:
    status, answer = refused(permit, sid="example.com")
    assert (status, answer) == (
        400,
        {
            "Error": {
                "Code": "ValidationException",
                "Message": "1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
            }
        },
    )
    assert refused(permit, FunctionName=arn(function, "alias-not-42"), Qualifier="42") == invalid(
        "The derived qualifier from the function name does not match the specified qualifier."
    )
    assert refused(permit, Qualifier="$LATEST") == invalid("We currently do not support adding policies for $LATEST.")
    assert refused(permit, Principal="invalid.nonaws.com") == invalid(
        "The provided principal was invalid. Please check the principal and try again."
    )
    status, answer = refused(permit, Qualifier="invalid-qualifier-with-?-char")
    assert (status, answer["Error"]) == (
        400,
        {
            "Code": "ValidationException",
            "Message": "1 validation error detected: Value 'invalid-qualifier-with-?-char' at 'qualifier' failed to "
            r"satisfy constraint: Member must satisfy regular expression pattern: "
            r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
        },
    )
    permit()
    taken = "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing "
    assert refused(permit) == (409, error("ResourceConflictException", taken + "statement."))
    status, answer = refused(permit, Action="s3:GetObject")
    assert (status, answer["Error"]["Code"]) == (400, "ValidationException")


def test_what_is_not_there_is_missed_as_recorded(
    client: Any, function: str, permit: Callable[..., dict[str, Any]]
) -> None:
    gone = arn("doesnotexist")
    assert refused(client.get_policy, FunctionName="doesnotexist") == missing(GONE)
    assert refused(client.get_policy, FunctionName=function, Qualifier="42") == missing(GONE)
    assert refused(permit, FunctionName="doesnotexist") == missing(f"Function not found: {gone}")
    assert refused(permit, Qualifier="42") == missing(f"Function not found: {arn(function, '42')}")
    assert refused(permit, Qualifier="nope") == missing(f"Cannot find alias arn: {arn(function, 'nope')}")
    odd = "valid-with-$-but-doesnotexist"
    assert refused(permit, Qualifier=odd) == missing(f"Function not found: {arn(function, odd)}")
    remove = client.remove_permission
    assert refused(remove, FunctionName=function, StatementId="s3") == missing(
        "No policy is associated with the given resource."
    )
    assert refused(remove, FunctionName="doesnotexist", StatementId="s3") == missing(f"No policy found for: {gone}")
    assert refused(remove, FunctionName=function, StatementId="s3", Qualifier="nope") == missing(
        f"Cannot find alias arn: {arn(function, 'nope')}"
    )
    permit()
    assert refused(remove, FunctionName=function, StatementId="x") == missing(
        "Statement x is not found in resource policy."
    )


def test_a_policy_has_twenty_kilobytes_at_most(permit: Callable[..., dict[str, Any]]) -> None:
    bucket = "arn:aws:s3:::" + "b" * 9_900
    permit("1", SourceArn=bucket)
    permit("2", SourceArn=bucket)
    status, answer = refused(permit, sid="3", SourceArn=bucket)
    message = answer["message"]
    assert (status, answer) == (400, error("PolicyLengthExceededException", message))
    assert message.startswith("The final policy size (30") and message.endswith(") is bigger than the limit (20480).")


def test_a_whole_document_is_put_read_and_deleted(client: Any, function: str) -> None:
    wanted = {
        "Version": "2012-10-17",
        "Statement": [statement("one", function, {"AWS": f"arn:aws:iam::{OTHER}:root"})],
    }
    put = client.put_resource_policy(ResourceArn=arn(function), Policy=json.dumps(wanted))
    assert answered(put) == (200, {"Policy": written(wanted), "RevisionId": put["RevisionId"]})
    assert answered(client.get_resource_policy(ResourceArn=arn(function))) == answered(put)
    assert answered(client.get_policy(FunctionName=function)) == answered(put)
    stale = {"ResourceArn": arn(function), "RevisionId": "00000000-0000-4000-8000-000000000000"}
    assert refused(client.delete_resource_policy, **stale)[0] == 412
    assert refused(client.put_resource_policy, **stale, Policy=json.dumps(wanted))[0] == 412
    deleted = client.delete_resource_policy(ResourceArn=arn(function), RevisionId=put["RevisionId"])
    assert answered(deleted) == (204, {})
    assert refused(client.get_resource_policy, ResourceArn=arn(function)) == missing(GONE)
    assert refused(client.delete_resource_policy, ResourceArn=arn(function)) == missing(
        "No policy is associated with the given resource."
    )
    assert refused(client.put_resource_policy, ResourceArn=arn(function), Policy="no JSON") == invalid(
        "The policy document is invalid: it is not valid JSON."
    )


def test_another_account_invokes_where_the_policy_lets_it(
    aws: Aws, client: Any, function: str, permit: Callable[..., dict[str, Any]]
) -> None:
    foreigner = aws("lambda", account=OTHER)
    status, answer = refused(foreigner.invoke, FunctionName=arn(function))
    assert (status, answer["Error"]["Code"]) == (403, "AccessDeniedException")
    permit("other", Principal=OTHER)
    invoked = foreigner.invoke(FunctionName=arn(function), Payload=b'{"a": 1}')
    assert (invoked["StatusCode"], json.loads(invoked["Payload"].read())) == (200, {"a": 1})
    accepted = foreigner.invoke(FunctionName=arn(function), InvocationType="Event", Payload=b"{}")
    assert (accepted["StatusCode"], accepted["Payload"].read()) == (202, b"")
    streamed = foreigner.invoke_with_response_stream(FunctionName=arn(function), Payload=b"{}")
    assert list(streamed["EventStream"]) == [{"PayloadChunk": {"Payload": b"{}"}}, {"InvokeComplete": {}}]
    assert refused(foreigner.get_function, FunctionName=arn(function))[0] == 403
    assert refused(aws("lambda", account="333333333333").invoke, FunctionName=arn(function))[0] == 403
    client.remove_permission(FunctionName=function, StatementId="other")
    assert refused(foreigner.invoke, FunctionName=arn(function))[0] == 403


def test_a_policy_that_names_a_role_lets_its_sessions_in_and_nobody_else(
    aws: Aws, function: str, permit: Callable[..., dict[str, Any]]
) -> None:
    permit("role", Principal=f"arn:aws:iam::{OTHER}:role/some/path/worker")

    def session(role: str) -> Any:
        assumed = aws("sts", account=OTHER).assume_role(
            RoleArn=f"arn:aws:iam::{OTHER}:role/{role}", RoleSessionName="session"
        )
        keys = assumed["Credentials"]
        return aws(
            "lambda",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    assert session("worker").invoke(FunctionName=arn(function), Payload=b"1")["Payload"].read() == b"1"
    assert refused(session("other").invoke, FunctionName=arn(function))[0] == 403
    assert refused(aws("lambda", account=OTHER).invoke, FunctionName=arn(function))[0] == 403


def test_a_denial_holds_for_everybody_at_once(client: Any, function: str) -> None:
    assert client.invoke(FunctionName=function, Payload=b"1")["Payload"].read() == b"1"
    asleep = statement("no", function, "*", Effect="Deny")
    client.put_resource_policy(
        ResourceArn=arn(function), Policy=written({"Version": "2012-10-17", "Statement": asleep})
    )
    caller = f"arn:aws:iam::{ACCOUNT}:root"
    message = (
        f"User: {caller} is not authorized to perform: lambda:InvokeFunction on resource: {arn(function)} "
        "with an explicit deny in a resource-based policy"
    )
    expected = {"Error": {"Code": "AccessDeniedException", "Message": message}}
    assert refused(client.invoke, FunctionName=function) == (403, expected)
    client.delete_resource_policy(ResourceArn=arn(function))
    assert client.invoke(FunctionName=function, Payload=b"1")["Payload"].read() == b"1"


def test_what_the_model_says_of_a_document_is_checked_first(client: Any, function: str) -> None:
    put = client.put_resource_policy
    status, answer = refused(put, ResourceArn=arn(function), Policy="x" * 20_481)
    assert (status, answer["Error"]["Code"]) == (400, "ValidationException")
    assert answer["Error"]["Message"].endswith("Member must have length less than or equal to 20480")
    status, answer = refused(put, ResourceArn=function, Policy="{}")
    assert (status, answer["Error"]["Code"]) == (400, "ValidationException")
    assert "at 'resourceArn' failed to satisfy constraint" in answer["Error"]["Message"]
    status, answer = refused(put, ResourceArn=arn(function), Policy="{}", RevisionId="x" * 36)
    assert (status, answer["Error"]["Code"]) == (400, "ValidationException")
