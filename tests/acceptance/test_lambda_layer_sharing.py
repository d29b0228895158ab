"""Layers over the wire: whole answers, their policies, and layers of other accounts. Compared with what was recorded
from AWS (layer_policy_exceptions, layer_s3_content)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.test_lambda_functions import ACCOUNT, HANDLER, REGION, Aws, Zipped, active, refused
from tests.acceptance.test_lambda_policies import answered, error, missing, written

OTHER = "222222222222"


def layer_arn(name: str, version: int | None = None) -> str:
    text = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{name}"
    return text if version is None else f"{text}:{version}"


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws("lambda")


@pytest.fixture
def layer(client: Any, unique: str, zipped: Zipped) -> Iterator[str]:
    """A layer with one version."""
    client.publish_layer_version(
        LayerName=unique,
        Content={"ZipFile": zipped({"python/shared.py": "WHO = 'shared'\n"})},
        CompatibleRuntimes=["python3.12"],
        CompatibleArchitectures=["x86_64"],
    )
    yield unique
    client.delete_layer_version(LayerName=unique, VersionNumber=1)


@pytest.fixture
def permit(client: Any, layer: str) -> Callable[..., dict[str, Any]]:
    def add(sid: str = "s1", **params: Any) -> dict[str, Any]:
        defaults = {"LayerName": layer, "VersionNumber": 1, "Action": "lambda:GetLayerVersion", "Principal": "*"}
        added: dict[str, Any] = client.add_layer_version_permission(StatementId=sid, **{**defaults, **params})
        return added

    return add


def test_a_layer_version_is_answered_as_recorded(client: Any, unique: str, zipped: Zipped) -> None:
    published = client.publish_layer_version(
        LayerName=unique,
        Content={"ZipFile": zipped({"a": "1"})},
        CompatibleRuntimes=["python3.12"],
        CompatibleArchitectures=["x86_64"],
        LicenseInfo="MIT",
        Description="d",
    )
    shown = {
        "LayerArn": layer_arn(unique),
        "LayerVersionArn": layer_arn(unique, 1),
        "Version": 1,
        "Description": "d",
        "LicenseInfo": "MIT",
        "CompatibleRuntimes": ["python3.12"],
        "CompatibleArchitectures": ["x86_64"],
        "CreatedDate": published["CreatedDate"],
        "Content": published["Content"],
    }
    assert answered(published) == (201, shown)
    assert published["Content"].keys() == {"CodeSha256", "CodeSize", "Location"}
    for read in (
        client.get_layer_version(LayerName=unique, VersionNumber=1),
        client.get_layer_version_by_arn(Arn=layer_arn(unique, 1)),
    ):
        read["Content"]["Location"] = published["Content"]["Location"]  # each has a signature of its own
        assert answered(read) == (200, shown)
    listed = {name: value for name, value in shown.items() if name not in ("Content", "LayerArn")}
    assert answered(client.list_layer_versions(LayerName=unique)) == (200, {"LayerVersions": [listed]})
    layers = client.get_paginator("list_layers").paginate().build_full_result()["Layers"]
    assert [one for one in layers if one["LayerName"] == unique] == [
        {"LayerName": unique, "LayerArn": layer_arn(unique), "LatestMatchingVersion": listed}
    ]
    assert answered(client.delete_layer_version(LayerName=unique, VersionNumber=1)) == (204, {})
    assert answered(client.list_layer_versions(LayerName=unique)) == (200, {"LayerVersions": []})
    assert refused(client.get_layer_version, LayerName=unique, VersionNumber=1) == missing(
        "The resource you requested does not exist."
    )


def test_lists_are_filtered_by_runtime_and_architecture(client: Any, unique: str, zipped: Zipped) -> None:
    for runtime, architecture in (("python3.12", "x86_64"), ("python3.13", "arm64"), ("nodejs22.x", "arm64")):
        client.publish_layer_version(
            LayerName=unique,
            Content={"ZipFile": zipped({"a": "1"})},
            CompatibleRuntimes=[runtime],
            CompatibleArchitectures=[architecture],
        )

    def versions(**wanted: str) -> tuple[list[int], list[int]]:
        of_layer = client.list_layer_versions(LayerName=unique, **wanted)["LayerVersions"]
        layers = client.get_paginator("list_layers").paginate(**wanted).build_full_result()["Layers"]
        newest = [one["LatestMatchingVersion"]["Version"] for one in layers if one["LayerName"] == unique]
        return [one["Version"] for one in of_layer], newest

    assert versions() == ([3, 2, 1], [3])
    assert versions(CompatibleRuntime="python3.12") == ([1], [1])
    assert versions(CompatibleArchitecture="arm64") == ([3, 2], [3])
    assert versions(CompatibleRuntime="python3.13", CompatibleArchitecture="arm64") == ([2], [2])
    assert versions(CompatibleRuntime="python3.13", CompatibleArchitecture="x86_64") == ([], [])
    for number in (1, 2, 3):
        client.delete_layer_version(LayerName=unique, VersionNumber=number)


def test_a_layers_policy_is_answered_as_recorded(
    client: Any, layer: str, permit: Callable[..., dict[str, Any]]
) -> None:
    read, version = client.get_layer_version_policy, {"LayerName": layer, "VersionNumber": 1}
    assert refused(read, **version) == missing("No policy is associated with the given resource.")
    statement = {
        "Sid": "s1",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:GetLayerVersion",
        "Resource": layer_arn(layer, 1),
    }
    added = permit()
    assert answered(added) == (201, {"RevisionId": added["RevisionId"], "Statement": written(statement)})
    assert answered(read(**version)) == (
        200,
        {
            "Policy": written({"Version": "2012-10-17", "Id": "default", "Statement": [statement]}),
            "RevisionId": added["RevisionId"],
        },
    )
    status, answer = refused(permit, sid="s2", Action="*")
    assert (status, answer["Error"]["Message"]) == (
        400,
        "1 validation error detected: Value '*' at 'action' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: lambda:GetLayerVersion",
    )
    taken = "The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing "
    assert refused(permit) == (409, error("ResourceConflictException", taken + "statement."))
    stale = (
        412,
        error(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetLayerPolicy API to retrieve the latest Revision Id",
        ),
    )
    remove = client.remove_layer_version_permission
    assert refused(permit, sid="s2", RevisionId="wrong") == stale
    assert refused(remove, **version, StatementId="s1", RevisionId="wrong") == stale
    for params, gone in (({"LayerName": layer + "-x"}, (layer + "-x", 1)), ({"VersionNumber": 2}, (layer, 2))):
        sentence = f"Layer version {layer_arn(*gone)} does not exist."
        assert refused(permit, sid="s2", **params) == missing(sentence)
        assert refused(read, **{**version, **params}) == missing(sentence)
        assert refused(remove, **{**version, **params}, StatementId="s1") == missing(sentence)
    assert refused(remove, **version, StatementId="doesnotexist") == missing(
        "Statement doesnotexist is not found in resource policy."
    )
    assert answered(remove(**version, StatementId="s1", RevisionId=added["RevisionId"])) == (204, {})
    assert refused(read, **version) == missing("No policy is associated with the given resource.")


def test_a_layer_of_another_account_runs_where_its_policy_allows_it(
    aws: Aws, unique: str, layer: str, zipped: Zipped, permit: Callable[..., dict[str, Any]]
) -> None:
    foreigner = aws("lambda", account=OTHER)
    code = "import shared\ndef handler(event, context):\n    return shared.WHO\n"
    wanted: dict[str, Any] = {
        "FunctionName": unique,
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": f"arn:aws:iam::{OTHER}:role/r",
        "Code": {"ZipFile": zipped({"app.py": code})},
        "Layers": [layer_arn(layer, 1)],
    }
    status, answer = refused(foreigner.create_function, **wanted)
    assert (status, answer["Error"]) == (
        403,
        {
            "Code": "AccessDeniedException",
            "Message": f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: lambda:GetLayerVersion on "
            f"resource: {layer_arn(layer, 1)} because no resource-based policy allows the lambda:GetLayerVersion "
            "action",
        },
    )
    assert refused(foreigner.get_layer_version_by_arn, Arn=layer_arn(layer, 1))[0] == 403
    permit(Principal=OTHER)
    assert foreigner.get_layer_version_by_arn(Arn=layer_arn(layer, 1))["LayerVersionArn"] == layer_arn(layer, 1)
    foreigner.create_function(**wanted)
    active(foreigner, unique)
    assert foreigner.invoke(FunctionName=unique)["Payload"].read() == b'"shared"'
    foreigner.delete_function(FunctionName=unique)


def test_a_function_keeps_a_layer_that_was_deleted(
    client: Any, unique: str, zipped: Zipped, deployed: Callable[..., str]
) -> None:
    published = client.publish_layer_version(LayerName=unique, Content={"ZipFile": zipped({"python/x.py": "Y = 1\n"})})
    code = "import x\ndef handler(event, context):\n    return x.Y\n"
    name = deployed({**HANDLER, "app.py": code}, Layers=[published["LayerVersionArn"]])
    client.delete_layer_version(LayerName=unique, VersionNumber=1)
    assert client.invoke(FunctionName=name)["Payload"].read() == b"1"
    shown = client.get_function_configuration(FunctionName=name)["Layers"]
    assert shown == [{"Arn": published["LayerVersionArn"], "CodeSize": published["Content"]["CodeSize"]}]
