"""Reserved and provisioned concurrency as boto3 sees them: whole answers, compared with what was recorded from AWS."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.exceptions
import pytest

from ramuda.testing import RunningServer, running_server

Aws = Callable[..., Any]
Deploy = Callable[..., str]
REGION = "us-east-1"
SAYS_HOW = (
    "import os, time\n"
    "def handler(event, context):\n"
    "    time.sleep(event.get('seconds', 0))\n"
    "    return [os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], context.function_version]\n"
)
RATE_EXCEEDED = {"Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}, "Type": "User"}


def arn(name: str, qualifier: str, account: str = "000000000000") -> str:
    return f"arn:aws:lambda:{REGION}:{account}:function:{name}:{qualifier}"


def answered(response: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and members of an answer; its date is checked and left out."""
    members = dict(response)
    status = members.pop("ResponseMetadata")["HTTPStatusCode"]
    if "LastModified" in members:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", members.pop("LastModified"))
    return status, members


def refused(call: Callable[..., Any], **params: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**params)
    return answered(dict(caught.value.response))


def error(code: str, said: str, *, member: str = "message") -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": said}, "Type": "User", member: said}


def provisioned(requested: int, started: int, status: str) -> dict[str, Any]:
    return {
        "RequestedProvisionedConcurrentExecutions": requested,
        "AllocatedProvisionedConcurrentExecutions": started,
        "AvailableProvisionedConcurrentExecutions": started,
        "Status": status,
    }


def until_done(client: Any, name: str, qualifier: str) -> dict[str, Any]:
    """The configuration once it is not IN_PROGRESS any more."""
    for _ in range(3_000):
        shown = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        if shown["Status"] != "IN_PROGRESS":
            return answered(shown)[1]
    raise AssertionError("still in progress")


def run(client: Any, name: str, qualifier: str | None = None, **event: Any) -> Any:
    named = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    return json.loads(client.invoke(Payload=json.dumps(event), **named)["Payload"].read())


def again_and_again(client: Any, name: str) -> None:
    for _ in range(200):
        run(client, name)


def publish(client: Any, name: str) -> str:
    version: str = client.publish_version(FunctionName=name)["Version"]
    client.get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier=version, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600}
    )
    return version


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws("lambda")


@pytest.fixture
def function(deployed: Deploy, client: Any) -> str:
    """A function with version 1, and the alias `live` of it."""
    name = deployed({"app.py": SAYS_HOW}, Timeout=10)
    publish(client, name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


def test_reserved_concurrency_is_put_shown_and_taken_away(client: Any, function: str) -> None:
    for reserved in (0, 1):
        put = client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=reserved)
        assert answered(put) == (200, {"ReservedConcurrentExecutions": reserved})
    assert answered(client.get_function_concurrency(FunctionName=function)) == (
        200,
        {"ReservedConcurrentExecutions": 1},
    )
    assert answered(client.delete_function_concurrency(FunctionName=function)) == (204, {})
    assert answered(client.get_function_concurrency(FunctionName=function)) == (200, {})
    said = (
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN."
    )
    assert refused(
        client.put_function_concurrency, FunctionName=arn(function, "1"), ReservedConcurrentExecutions=1
    ) == (400, error("InvalidParameterValueException", said))
    missing = f"Function not found: {arn('doesnotexist', '$LATEST')}"
    assert refused(client.put_function_concurrency, FunctionName="doesnotexist", ReservedConcurrentExecutions=1) == (
        404,
        error("ResourceNotFoundException", missing, member="Message"),
    )


def test_a_function_with_nothing_reserved_for_it_is_throttled_whoever_asks(client: Any, function: str) -> None:
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    answer = {
        **RATE_EXCEEDED,
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "message": "Rate Exceeded.",
    }
    for qualifier in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        assert refused(client.invoke, FunctionName=function, **qualifier) == (429, answer)


def test_the_account_keeps_a_hundred(aws: Aws, unique: str, zipped: Callable[..., bytes]) -> None:
    account = "333333333333"
    client = aws("lambda", account=account)
    client.create_function(
        FunctionName=unique,
        Runtime="python3.11",
        Handler="app.handler",
        Role=f"arn:aws:iam::{account}:role/r",
        Code={"ZipFile": zipped({"app.py": SAYS_HOW})},
        Publish=True,
    )
    for reserved in (901, 1001):
        said = (
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            "below its minimum value of [100]."
        )
        assert refused(client.put_function_concurrency, FunctionName=unique, ReservedConcurrentExecutions=reserved) == (
            400,
            {"Error": {"Code": "InvalidParameterValueException", "Message": said}, "message": said},
        )
    for wanted, said in (
        (1001, "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."),
        (
            901,
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            "below its minimum value of [100].",
        ),
    ):
        assert refused(
            client.put_provisioned_concurrency_config,
            FunctionName=unique,
            Qualifier="1",
            ProvisionedConcurrentExecutions=wanted,
        ) == (400, {"Error": {"Code": "InvalidParameterValueException", "Message": said}, "message": said})
    client.delete_function(FunctionName=unique)


def test_a_synchronous_caller_is_told_to_slow_down(client: Any, function: str) -> None:
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        again_and_again(client, function)
    answer: Any = caught.value.response
    assert answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    assert answered(dict(answer)) == (
        429,
        {
            **RATE_EXCEEDED,
            "Reason": "ReservedFunctionInvocationRateLimitExceeded",
            "message": "Rate Exceeded.",
            "retryAfterSeconds": "1",
        },
    )


def test_provisioned_concurrency_as_recorded(client: Any, function: str) -> None:
    """Case lambda_provisioned_lifecycle."""
    put, get = client.put_provisioned_concurrency_config, client.get_provisioned_concurrency_config
    version, alias = ({"FunctionName": function, "Qualifier": qualifier} for qualifier in ("1", "live"))
    assert answered(put(**version, ProvisionedConcurrentExecutions=1)) == (202, provisioned(1, 0, "IN_PROGRESS"))
    said = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
    assert refused(put, **alias, ProvisionedConcurrentExecutions=1) == (409, error("ResourceConflictException", said))
    assert answered(client.delete_provisioned_concurrency_config(**version)) == (204, {})
    said = "No Provisioned Concurrency Config found for this function"
    assert refused(get, **version) == (404, error("ProvisionedConcurrencyConfigNotFoundException", said))
    assert answered(put(**alias, ProvisionedConcurrentExecutions=1)) == (202, provisioned(1, 0, "IN_PROGRESS"))
    said = "Version is pointed by a Provisioned Concurrency alias"
    assert refused(put, **version, ProvisionedConcurrentExecutions=1) == (409, error("ResourceConflictException", said))
    client.delete_alias(FunctionName=function, Name="live")
    said = f"Cannot find alias arn: {arn(function, 'live')}"
    assert refused(get, **alias) == (404, error("ResourceNotFoundException", said, member="Message"))
    listed = client.list_provisioned_concurrency_configs(FunctionName=function)
    assert answered(listed) == (200, {"ProvisionedConcurrencyConfigs": []})


def test_what_is_refused_as_recorded(client: Any, function: str) -> None:
    """Case provisioned_concurrency_exceptions."""
    put, get = client.put_provisioned_concurrency_config, client.get_provisioned_concurrency_config
    delete, listed = client.delete_provisioned_concurrency_config, client.list_provisioned_concurrency_configs
    one = {"ProvisionedConcurrentExecutions": 1}
    for name, qualifier in (("doesnotexist", "noalias"), (function, "noalias"), ("doesnotexist", "1"), (function, "9")):
        where = arn(name, qualifier)
        said = f"Function not found: {where}" if qualifier.isdecimal() else f"Cannot find alias arn: {where}"
        answer = (404, error("ResourceNotFoundException", said, member="Message"))
        named = {"FunctionName": name, "Qualifier": qualifier}
        assert refused(get, **named) == refused(delete, **named) == refused(put, **named, **one) == answer
    latest = {"FunctionName": function, "Qualifier": "$LATEST"}
    said = "The function resource provided must be an alias or a published version."
    assert refused(get, **latest) == refused(delete, **latest) == (400, error("InvalidParameterValueException", said))
    said = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    assert refused(put, **latest, **one) == (400, error("InvalidParameterValueException", said))
    assert answered(delete(FunctionName=function, Qualifier="1")) == (204, {})
    said = f"Function not found: arn:aws:lambda:{REGION}:000000000000:function:doesnotexist"
    assert refused(listed, FunctionName="doesnotexist") == (
        404,
        error("ResourceNotFoundException", said, member="Message"),
    )
    assert answered(listed(FunctionName=function)) == (200, {"ProvisionedConcurrencyConfigs": []})


def test_provisioning_nothing_is_refused_by_the_model(aws: Aws, function: str) -> None:
    from botocore.config import Config

    unchecked = aws("lambda", config=Config(parameter_validation=False))
    said = (
        "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )
    status, answer = refused(
        unchecked.put_provisioned_concurrency_config,
        FunctionName=function,
        Qualifier="1",
        ProvisionedConcurrentExecutions=0,
    )
    assert (status, answer["Error"]) == (400, {"Code": "ValidationException", "Message": said})


def test_environments_are_really_started_ahead_and_used_first(client: Any, aws: Aws, function: str) -> None:
    alias = {"FunctionName": function, "Qualifier": "live"}
    client.put_provisioned_concurrency_config(**alias, ProvisionedConcurrentExecutions=2)
    assert until_done(client, function, "live") == provisioned(2, 2, "READY")
    listed = client.list_provisioned_concurrency_configs(FunctionName=function)["ProvisionedConcurrencyConfigs"]
    (shown,) = listed
    assert shown.pop("LastModified")
    assert shown == {"FunctionArn": arn(function, "live"), **provisioned(2, 2, "READY")}
    assert run(client, function, "live") == ["provisioned-concurrency", "1"]
    assert run(client, function, "1") == ["on-demand", "1"]
    assert run(client, function) == ["on-demand", "$LATEST"]

    with ThreadPoolExecutor(3) as crowd:
        asked = [crowd.submit(run, aws("lambda"), function, "live", seconds=1) for _ in range(3)]
        how = sorted(future.result()[0] for future in asked)
    assert how == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]
    metrics = ("ProvisionedConcurrencyInvocations", "ProvisionedConcurrencySpilloverInvocations")
    assert [total(aws, name, function, "live") for name in metrics] == [3, 1]
    assert total(aws, "ProvisionedConcurrencyUtilization", function, "live", "Maximum") == 1
    assert total(aws, "ProvisionedConcurrentExecutions", function, "live", "Maximum") == 2


def total(aws: Aws, metric: str, name: str, qualifier: str, statistic: str = "Sum") -> float:
    now = datetime.now(UTC)
    points = aws("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": name}, {"Name": "Resource", "Value": f"{name}:{qualifier}"}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=5),
        Period=900,
        Statistics=[statistic],
    )["Datapoints"]
    found = [point[statistic] for point in points]
    return float(max(found) if statistic == "Maximum" else sum(found))


def test_a_reservation_that_is_all_provisioned_throttles_the_unpublished_version(client: Any, function: str) -> None:
    """Case lambda_concurrency_block."""
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    assert run(client, function) == ["on-demand", "$LATEST"]
    client.put_provisioned_concurrency_config(FunctionName=function, Qualifier="1", ProvisionedConcurrentExecutions=1)
    assert until_done(client, function, "1") == provisioned(1, 1, "READY")
    blocked = {
        **RATE_EXCEEDED,
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "message": "Rate Exceeded.",
    }
    assert refused(client.invoke, FunctionName=function) == (429, blocked)
    assert run(client, function, "1") == ["provisioned-concurrency", "1"]
    assert refused(client.invoke, FunctionName=function) == (429, blocked)
    said = " ReservedConcurrentExecutions  0 should not be lower than function's total provisioned concurrency [1]."
    assert refused(client.put_function_concurrency, FunctionName=function, ReservedConcurrentExecutions=0) == (
        400,
        error("InvalidParameterValueException", said),
    )
    said = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    assert refused(
        client.put_provisioned_concurrency_config,
        FunctionName=function,
        Qualifier="1",
        ProvisionedConcurrentExecutions=2,
    ) == (400, error("InvalidParameterValueException", said))


def test_a_function_that_cannot_start_fails_to_be_provisioned(client: Any, deployed: Deploy) -> None:
    name = deployed({"app.py": "raise RuntimeError('no')"})
    publish(client, name)
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1)
    assert until_done(client, name, "1") == {
        **provisioned(1, 0, "FAILED"),
        "StatusReason": "FUNCTION_ERROR_INIT_FAILURE",
    }


def test_provisioned_environments_follow_an_alias(client: Any, function: str, zipped: Callable[..., bytes]) -> None:
    client.put_provisioned_concurrency_config(
        FunctionName=function, Qualifier="live", ProvisionedConcurrentExecutions=1
    )
    until_done(client, function, "live")
    client.update_function_code(FunctionName=function, ZipFile=zipped({"app.py": SAYS_HOW + "# new\n"}))
    client.get_waiter("function_updated_v2").wait(
        FunctionName=function, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600}
    )
    assert publish(client, function) == "2"
    client.update_alias(FunctionName=function, Name="live", FunctionVersion="2")
    for _ in range(1000):
        if run(client, function, "live") == ["provisioned-concurrency", "2"]:
            break
    assert until_done(client, function, "live") == provisioned(1, 1, "READY")
    assert run(client, function, "1") == ["on-demand", "1"]


def test_provisioned_environments_are_there_again_after_a_restart(zipped: Callable[..., bytes]) -> None:
    with running_server() as server:
        client = started(server, zipped)
        server.kill()
        server.start()
        client = server.client("lambda")
        assert until_done(client, "f", "1") == provisioned(1, 1, "READY")
        assert run(client, "f", "1") == ["provisioned-concurrency", "1"]


def started(server: RunningServer, zipped: Callable[..., bytes]) -> Any:
    """A client of a server with a function whose version 1 is provisioned."""
    client = server.client("lambda")
    client.create_function(
        FunctionName="f",
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"ZipFile": zipped({"app.py": SAYS_HOW})},
    )
    client.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})
    publish(client, "f")
    client.put_provisioned_concurrency_config(FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1)
    until_done(client, "f", "1")
    return client
