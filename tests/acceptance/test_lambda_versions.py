"""Versions, and functions as lists, over the wire: whole answers as boto3 sees them, each test in its own account."""

import base64
import hashlib
import random
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

from tests.conftest import Aws

REGION = "us-east-1"
CODE = {"app.py": "def handler(event, context):\n    return event\n"}


class Account:
    """A client, and what its account's answers look like."""

    def __init__(self, aws: Aws, zipped: Callable[..., bytes]) -> None:
        self.id = str(random.randrange(10**11, 10**12))
        self.client = aws("lambda", account=self.id)
        self.code = zipped(CODE)
        self.role = f"arn:aws:iam::{self.id}:role/r"

    def arn(self, name: str, qualifier: str | None = None) -> str:
        text = f"arn:aws:lambda:{REGION}:{self.id}:function:{name}"
        return f"{text}:{qualifier}" if qualifier else text

    def create(self, name: str, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.create_function(
            FunctionName=name,
            **{"Runtime": "python3.11", "Handler": "app.handler", "Role": self.role, **params},
            Code={"ZipFile": self.code},
        )
        self.settle(name)
        return answer

    def update(self, name: str, **params: Any) -> None:
        self.client.update_function_configuration(FunctionName=name, **params)
        self.settle(name)

    def settle(self, name: str) -> None:
        for waiter in ("function_active_v2", "function_updated_v2"):
            quick = {"Delay": 0.05, "MaxAttempts": 600}
            self.client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig=quick)

    def listed(self, name: str, version: str, *, qualified: bool = True, **changed: Any) -> dict[str, Any]:
        """FunctionConfiguration in a list, without what differs from time to time."""
        return {
            "Architectures": ["x86_64"],
            "CodeSha256": base64.b64encode(hashlib.sha256(self.code).digest()).decode(),
            "CodeSize": len(self.code),
            "Description": "",
            "EphemeralStorage": {"Size": 512},
            "FunctionArn": self.arn(name, version if qualified else None),
            "FunctionName": name,
            "Handler": "app.handler",
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
            "MemorySize": 128,
            "PackageType": "Zip",
            "Role": self.role,
            "Runtime": "python3.11",
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "Timeout": 3,
            "TracingConfig": {"Mode": "PassThrough"},
            "Version": version,
            **changed,
        }

    def shown(self, name: str, version: str, *, qualified: bool = True, **changed: Any) -> dict[str, Any]:
        """FunctionConfiguration of an active version alone."""
        runtime = hashlib.sha256(b"python3.11").hexdigest()
        return {
            **self.listed(name, version, qualified=qualified),
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "RuntimeVersionConfig": {"RuntimeVersionArn": f"arn:aws:lambda:{REGION}::runtime:{runtime}"},
            **changed,
        }


@pytest.fixture
def account(aws: Aws, zipped: Callable[..., bytes]) -> Account:
    return Account(aws, zipped)


def answered(answer: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    body = dict(answer)
    metadata = body.pop("ResponseMetadata")
    return metadata["HTTPStatusCode"], body


def refused(call: Callable[..., Any], **params: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**params)
    return answered(dict(caught.value.response))


def lasting(shape: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if name not in ("LastModified", "RevisionId")}


def test_a_function_is_created_shown_and_updated(account: Account, zipped: Callable[..., bytes]) -> None:
    client = account.client
    reason = ("The function is being created.", "Creating")
    status, created = answered(account.create("f", Description="d", Tags={"a": "1"}, MemorySize=256))
    expected = account.shown("f", "$LATEST", qualified=False, Description="d", MemorySize=256)
    pending = {"State": "Pending", "StateReason": reason[0], "StateReasonCode": reason[1]}
    without_status = {name: value for name, value in expected.items() if name != "LastUpdateStatus"}
    assert (status, lasting(created)) == (201, without_status | pending)
    status, shown = answered(client.get_function(FunctionName="f"))
    assert (status, lasting(shown.pop("Configuration"))) == (200, expected)
    assert shown.pop("Code").keys() == {"RepositoryType", "Location"}
    assert shown == {"Tags": {"a": "1"}}

    updating = {
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": reason[0],
        "LastUpdateStatusReasonCode": reason[1],
    }
    changes: dict[str, Any] = {"Timeout": 9, "Environment": {"Variables": {"KEY": "1"}}, "Description": "e"}
    expected |= changes
    status, updated = answered(client.update_function_configuration(FunctionName="f", **changes))
    assert (status, lasting(updated)) == (200, expected | updating)
    account.settle("f")
    assert lasting(answered(client.get_function_configuration(FunctionName="f"))[1]) == expected

    account.code = zipped({**CODE, "more.py": ""})
    listed = account.listed("f", "$LATEST")
    expected |= {"CodeSha256": listed["CodeSha256"], "CodeSize": listed["CodeSize"]}
    tried = client.update_function_code(FunctionName="f", ZipFile=account.code, DryRun=True)
    assert (tried["CodeSha256"], tried["LastUpdateStatus"]) == (listed["CodeSha256"], "Successful")
    assert client.get_function_configuration(FunctionName="f")["CodeSha256"] == created["CodeSha256"]
    status, updated = answered(client.update_function_code(FunctionName="f", ZipFile=account.code))
    assert (status, lasting(updated)) == (200, expected | updating)
    account.settle("f")
    assert lasting(answered(client.get_function_configuration(FunctionName="f"))[1]) == expected
    revisions = [
        shape["RevisionId"] for shape in (created, updated, client.get_function_configuration(FunctionName="f"))
    ]
    assert len(set(revisions)) == 3
    assert answered(client.delete_function(FunctionName="f")) == (204, {"StatusCode": 204})


def test_a_version_is_published_shown_listed_and_deleted(account: Account) -> None:
    client = account.client
    account.create("f")
    status, published = answered(client.publish_version(FunctionName="f", Description="one"))
    assert (status, lasting(published)) == (201, account.shown("f", "1", Description="one"))
    for form in ({"FunctionName": "f:1"}, {"FunctionName": account.arn("f"), "Qualifier": "1"}):
        assert answered(client.get_function_configuration(**form)) == (200, published)
        status, function = answered(client.get_function(**form))
        assert (status, function.pop("Configuration")) == (200, published)
        assert function.pop("Code").keys() == {"RepositoryType", "Location"}
        assert function == {}
    again = client.publish_version(FunctionName="f", Description="two")
    assert answered(again) == (201, published)

    account.update("f", Timeout=9)
    client.publish_version(FunctionName="f")
    status, listed = answered(client.list_versions_by_function(FunctionName="f"))
    assert (status, [lasting(version) for version in listed.pop("Versions")], listed) == (
        200,
        [
            account.listed("f", "$LATEST", Timeout=9),
            account.listed("f", "1", Description="one"),
            account.listed("f", "2", Timeout=9),
        ],
        {},
    )
    assert answered(client.delete_function(FunctionName="f", Qualifier="1")) == (204, {"StatusCode": 204})
    assert answered(client.delete_function(FunctionName="f:1")) == (204, {"StatusCode": 204})
    pages = client.get_paginator("list_versions_by_function").paginate(
        FunctionName="f", PaginationConfig={"PageSize": 1}
    )
    assert [[version["Version"] for version in page["Versions"]] for page in pages] == [["$LATEST"], ["2"]]
    account.update("f", Timeout=3)
    assert client.publish_version(FunctionName="f")["Version"] == "3"


def test_what_cannot_be_published_or_deleted_is_refused(account: Account) -> None:
    client = account.client
    sha256 = account.create("f")["CodeSha256"]
    for call, params, status, code, message, member in (
        (
            client.publish_version,
            {"CodeSha256": "somenonexistentsha256"},
            400,
            "InvalidParameterValueException",
            f"CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST ({sha256}). "
            "Please try again with the CodeSHA256 in $LATEST.",
            "message",
        ),
        (
            client.publish_version,
            {"RevisionId": "wrong"},
            412,
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
            "message",
        ),
        (
            client.delete_function,
            {"Qualifier": "$LATEST"},
            400,
            "InvalidParameterValueException",
            "$LATEST version cannot be deleted without deleting the function.",
            "message",
        ),
        (
            client.get_function,
            {"Qualifier": "7"},
            404,
            "ResourceNotFoundException",
            f"Function not found: {account.arn('f', '7')}",
            "Message",
        ),
    ):
        assert refused(call, FunctionName="f", **params) == (
            status,
            {"Error": {"Code": code, "Message": message}, "Type": "User", member: message},
        )


def test_functions_are_listed_with_all_their_versions_or_without(account: Account) -> None:
    client = account.client
    created = account.create("b", Publish=True)
    assert (created["Version"], created["FunctionArn"]) == ("1", account.arn("b"))
    account.create("a")
    status, listed = answered(client.list_functions())
    assert (status, [lasting(function) for function in listed.pop("Functions")], listed) == (
        200,
        [account.listed("a", "$LATEST", qualified=False), account.listed("b", "$LATEST", qualified=False)],
        {},
    )
    pages = client.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 2})
    assert [lasting(function) for page in pages for function in page["Functions"]] == [
        account.listed("a", "$LATEST"),
        account.listed("b", "$LATEST"),
        account.listed("b", "1"),
    ]
    assert answered(client.list_functions(FunctionVersion="ALL", MasterRegion="us-east-1")) == (200, {"Functions": []})
    assert refused(client.list_functions, FunctionVersion="invalid") == (
        400,
        {
            "Error": {
                "Code": "ValidationException",
                "Message": "1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy "
                "constraint: Member must satisfy enum value set: [ALL]",
            },
        },
    )


def test_an_update_may_publish(account: Account, zipped: Callable[..., bytes]) -> None:
    account.create("f")
    account.code = zipped({**CODE, "more.py": ""})
    status, updated = answered(
        account.client.update_function_code(FunctionName="f", ZipFile=account.code, Publish=True)
    )
    creating: dict[str, Any] = {
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
    }
    expected = account.shown("f", "1", **creating)
    del expected["LastUpdateStatus"]
    assert (status, lasting(updated)) == (200, expected)
    account.settle("f")
    quick = {"Delay": 0.05, "MaxAttempts": 600}
    account.client.get_waiter("published_version_active").wait(FunctionName="f", Qualifier="1", WaiterConfig=quick)


def test_code_counts_against_the_accounts_storage(account: Account, zipped: Callable[..., bytes]) -> None:
    client, size = account.client, len(account.code)

    def settings(code: int, functions: int) -> dict[str, Any]:
        return {
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800,
                "CodeSizeUnzipped": 262_144_000,
                "CodeSizeZipped": 52_428_800,
                "ConcurrentExecutions": 1000,
                "UnreservedConcurrentExecutions": 1000,
            },
            "AccountUsage": {"TotalCodeSize": code, "FunctionCount": functions},
        }

    assert answered(client.get_account_settings()) == (200, settings(0, 0))
    account.create("f")
    assert answered(client.get_account_settings()) == (200, settings(size, 1))
    account.update("f", Timeout=9)
    assert answered(client.get_account_settings()) == (200, settings(size, 1))
    client.publish_version(FunctionName="f")
    assert answered(client.get_account_settings()) == (200, settings(2 * size, 1))
    layer = zipped({"python/x.py": "X = 1\n"})
    for number in (1, 2):
        client.publish_layer_version(LayerName="layer", Content={"ZipFile": layer})
        assert answered(client.get_account_settings()) == (200, settings(2 * size + number * len(layer), 1))
    client.delete_function(FunctionName="f", Qualifier="1")
    client.delete_function(FunctionName="f")
    assert answered(client.get_account_settings()) == (200, settings(2 * len(layer), 0))


def test_the_runtime_update_mode_is_kept_for_each_version(account: Account) -> None:
    client = account.client
    account.create("f", Publish=True)
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    latest = account.arn("f", "$LATEST")
    assert answered(client.get_runtime_management_config(FunctionName="f")) == (
        200,
        {"UpdateRuntimeOn": "Auto", "FunctionArn": latest},
    )
    pinned = f"arn:aws:lambda:{REGION}::runtime:" + "0" * 64
    put = client.put_runtime_management_config(
        FunctionName="f", Qualifier="1", UpdateRuntimeOn="Manual", RuntimeVersionArn=pinned
    )
    expected = {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": pinned, "FunctionArn": account.arn("f", "1")}
    assert answered(put) == (200, expected)
    for qualifier in ("1", "live"):
        got = client.get_runtime_management_config(FunctionName="f", Qualifier=qualifier)
        assert answered(got) == (200, expected)
    assert client.get_runtime_management_config(FunctionName="f")["UpdateRuntimeOn"] == "Auto"
    put = client.put_runtime_management_config(FunctionName="f", UpdateRuntimeOn="FunctionUpdate")
    assert answered(put) == (200, {"UpdateRuntimeOn": "FunctionUpdate", "FunctionArn": latest})
    sentence = "RuntimeVersionArn is required for, and only for, runtime update mode Manual."
    assert refused(client.put_runtime_management_config, FunctionName="f", UpdateRuntimeOn="Manual") == (
        400,
        {
            "Error": {"Code": "InvalidParameterValueException", "Message": sentence},
            "Type": "User",
            "message": sentence,
        },
    )


def test_tags_are_of_functions_and_not_of_versions(account: Account) -> None:
    client = account.client
    account.create("f", Tags={"a": "1"})
    function = account.arn("f")
    assert answered(client.tag_resource(Resource=function, Tags={"b": "2"})) == (204, {})
    assert answered(client.list_tags(Resource=function)) == (200, {"Tags": {"a": "1", "b": "2"}})
    assert client.get_function(FunctionName="f")["Tags"] == {"a": "1", "b": "2"}
    assert answered(client.untag_resource(Resource=function, TagKeys=["a"])) == (204, {})
    assert answered(client.list_tags(Resource=function)) == (200, {"Tags": {"b": "2"}})
    mapping = f"arn:aws:lambda:{REGION}:{account.id}:event-source-mapping:14e0db71-5d35-4eb5-b481-8945cf9d10c2"
    for resource, tags, status, code, message, member in (
        (
            f"{function}:1",
            {"a": "1"},
            400,
            "InvalidParameterValueException",
            "Tags on function aliases and versions are not supported. Please specify a function ARN.",
            "message",
        ),
        (
            function,
            {str(number): "" for number in range(51)},
            400,
            "InvalidParameterValueException",
            "Number of tags exceeds resource tag limit.",
            "message",
        ),
        (
            function,
            {},
            400,
            "InvalidParameterValueException",
            "An error occurred and the request cannot be processed.",
            "message",
        ),
        (
            account.arn("no"),
            {"a": "1"},
            404,
            "ResourceNotFoundException",
            f"Function not found: {account.arn('no')}",
            "Message",
        ),
        (
            mapping,
            {"a": "1"},
            404,
            "ResourceNotFoundException",
            "The resource you requested does not exist.",
            "Message",
        ),
    ):
        assert refused(client.tag_resource, Resource=resource, Tags=tags) == (
            status,
            {"Error": {"Code": code, "Message": message}, "Type": "User", member: message},
        )
