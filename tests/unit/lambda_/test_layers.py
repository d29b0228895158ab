"""Layers, alone and in functions."""

from pathlib import Path
from typing import Any

from tests.unit.lambda_.harness import ACCOUNT, ENDPOINT, REGION, Lambda, zipped

LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer"


async def publish(
    lambda_: Lambda, name: str, files: dict[str, str | bytes] | None = None, **params: Any
) -> dict[str, Any]:
    return await lambda_("PublishLayerVersion", LayerName=name, Content={"ZipFile": zipped(files)}, **params)


async def test_a_layer_version_is_shown_as_it_was_published(lambda_: Lambda) -> None:
    published = await publish(
        lambda_,
        "l",
        Description="d",
        LicenseInfo="MIT",
        CompatibleRuntimes=["python3.12"],
        CompatibleArchitectures=["x86_64"],
    )
    content = published["Content"]
    assert published == {
        "CompatibleArchitectures": ["x86_64"],
        "CompatibleRuntimes": ["python3.12"],
        "Content": content,
        "CreatedDate": "2023-11-14T22:13:20.000+0000",
        "Description": "d",
        "LayerArn": f"{LAYER}:l",
        "LayerVersionArn": f"{LAYER}:l:1",
        "LicenseInfo": "MIT",
        "Version": 1,
    }
    assert content.keys() == {"CodeSha256", "CodeSize", "Location"}
    assert await lambda_.service.downloads.read(content["Location"].removeprefix(ENDPOINT)) == zipped()
    assert await lambda_("GetLayerVersion", LayerName="l", VersionNumber=1) == published
    assert await lambda_("GetLayerVersion", LayerName=f"{LAYER}:l", VersionNumber=1) == published
    assert await lambda_("GetLayerVersionByArn", Arn=f"{LAYER}:l:1") == published


async def test_what_was_not_given_is_not_shown(lambda_: Lambda) -> None:
    published = await publish(lambda_, "l")
    assert published.keys() == {"Content", "CreatedDate", "Description", "LayerArn", "LayerVersionArn", "Version"}


async def test_layers_are_listed_newest_first(lambda_: Lambda) -> None:
    await publish(lambda_, "b", CompatibleRuntimes=["python3.12"])
    await publish(lambda_, "a")
    await publish(lambda_, "a", CompatibleRuntimes=["nodejs22.x"], CompatibleArchitectures=["arm64"])
    listed = await lambda_("ListLayers")
    assert [(layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) for layer in listed["Layers"]] == [
        ("a", 2),
        ("b", 1),
    ]
    assert listed["Layers"][1] == {
        "LayerName": "b",
        "LayerArn": f"{LAYER}:b",
        "LatestMatchingVersion": {
            "LayerVersionArn": f"{LAYER}:b:1",
            "Version": 1,
            "Description": "",
            "CreatedDate": "2023-11-14T22:13:20.000+0000",
            "CompatibleRuntimes": ["python3.12"],
        },
    }
    page = await lambda_("ListLayers", MaxItems=1)
    rest = await lambda_("ListLayers", Marker=page["NextMarker"])
    assert page["Layers"] + rest["Layers"] == listed["Layers"]
    matching = await lambda_("ListLayers", CompatibleRuntime="nodejs22.x", CompatibleArchitecture="arm64")
    assert [layer["LayerName"] for layer in matching["Layers"]] == ["a"]
    assert await lambda_("ListLayers", CompatibleRuntime="ruby3.3") == {"Layers": []}

    versions = await lambda_("ListLayerVersions", LayerName="a")
    assert [version["Version"] for version in versions["LayerVersions"]] == [2, 1]
    page = await lambda_("ListLayerVersions", LayerName="a", MaxItems=1)
    rest = await lambda_("ListLayerVersions", LayerName="a", Marker=page["NextMarker"])
    assert page["LayerVersions"] + rest["LayerVersions"] == versions["LayerVersions"]
    assert await lambda_("ListLayerVersions", LayerName="nope") == {"LayerVersions": []}


async def test_a_deleted_versions_number_is_not_used_again(lambda_: Lambda) -> None:
    await publish(lambda_, "l")
    for _ in range(2):  # idempotent
        assert await lambda_("DeleteLayerVersion", LayerName="l", VersionNumber=1) == {}
    refused = await lambda_.refusal("GetLayerVersion", LayerName="l", VersionNumber=1)
    assert (refused.code, refused.message) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
    assert (await lambda_.refusal("GetLayerVersionByArn", Arn=f"{LAYER}:l:1")).message == refused.message
    assert (await publish(lambda_, "l"))["Version"] == 2
    for operation in ("GetLayerVersion", "DeleteLayerVersion"):
        refused = await lambda_.refusal(operation, LayerName="l", VersionNumber=0)
        assert refused.message == "Layer Version Cannot be less than 1."


async def test_later_layers_lie_over_earlier_ones(lambda_: Lambda) -> None:
    await publish(lambda_, "one", {"python/a.py": "one", "python/only.py": "one", "bin/tool": "one"})
    await publish(lambda_, "two", {"python/a.py": "two", "bin/tool/now_a_folder": "two"})
    arns = [f"{LAYER}:one:1", f"{LAYER}:two:1"]
    created = await lambda_.create(Layers=arns)
    assert [layer["Arn"] for layer in created["Layers"]] == arns
    assert all(layer["CodeSize"] > 0 for layer in created["Layers"])
    await lambda_("Invoke", FunctionName="f")

    opt = lambda_.invoker.asked[-1].function.opt_dir
    assert opt is not None
    assert _contents(opt) == {"python/a.py": "two", "python/only.py": "one", "bin/tool/now_a_folder": "two"}

    updated = await lambda_("UpdateFunctionConfiguration", FunctionName="f", Layers=arns[:1])
    assert [layer["Arn"] for layer in updated["Layers"]] == arns[:1]
    await lambda_.settled()
    await lambda_("DeleteLayerVersion", LayerName="one", VersionNumber=1)
    await lambda_("Invoke", FunctionName="f")
    opt = lambda_.invoker.asked[-1].function.opt_dir
    assert opt is not None
    assert _contents(opt) == {"python/a.py": "one", "python/only.py": "one", "bin/tool": "one"}

    assert "Layers" not in await lambda_("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
    await lambda_.settled()
    await lambda_("Invoke", FunctionName="f")
    assert lambda_.invoker.asked[-1].function.opt_dir is None


def _contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


async def test_layers_a_function_cannot_have_are_refused(lambda_: Lambda) -> None:
    await publish(lambda_, "l")
    await publish(lambda_, "l")
    await lambda_.create()

    async def refused(*arns: str) -> tuple[str, str | None]:
        error = await lambda_.refusal("UpdateFunctionConfiguration", FunctionName="f", Layers=list(arns))
        return error.code, error.message

    assert await refused(f"{LAYER}:l:1", f"{LAYER}:l:2") == (
        "InvalidParameterValueException",
        "Two different versions of the same layer are not allowed to be referenced in the same function. "
        f"{LAYER}:l:1 and {LAYER}:l:2 are versions of the same layer.",
    )
    assert await refused(f"{LAYER}:l:3") == (
        "InvalidParameterValueException",
        f"Layer version {LAYER}:l:3 does not exist.",
    )
    assert await refused(f"{LAYER}:l:1".replace(REGION, "eu-west-1")) == (
        "InvalidParameterValueException",
        "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
    )
    foreign = f"{LAYER}:l:1".replace(ACCOUNT, "222222222222")
    assert await refused(foreign) == (
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: lambda:GetLayerVersion on resource: "
        f"{foreign} because no resource-based policy allows the lambda:GetLayerVersion action",
    )


async def test_a_layer_names_runtimes_that_exist(lambda_: Lambda) -> None:
    refused = await lambda_.refusal(
        "PublishLayerVersion", LayerName="l", Content={"ZipFile": zipped()}, CompatibleRuntimes=["cobol", "python3.12"]
    )
    assert (refused.code, refused.status) == ("ValidationException", 400)
    assert str(refused.message).startswith(
        "1 validation error detected: Value '[cobol, python3.12]' at 'compatibleRuntimes' failed to satisfy "
        "constraint: Member must satisfy constraint: [Member must satisfy enum value set: [nodejs20.x, "
    )
