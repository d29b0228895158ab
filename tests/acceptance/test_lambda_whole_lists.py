"""Lists of an account, compared whole: each test in an account of its own."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.test_lambda_versions import REGION, Account, answered
from tests.conftest import Aws


@pytest.fixture
def account(aws: Aws, zipped: Callable[..., bytes]) -> Account:
    return Account(aws, zipped)


def test_layers_are_listed_with_their_newest_version_in_pages(account: Account, zipped: Callable[..., bytes]) -> None:
    client = account.client
    assert answered(client.list_layers()) == (200, {"Layers": []})
    made = {
        name: [client.publish_layer_version(LayerName=name, Content={"ZipFile": zipped({"a": name})}) for _ in "12"]
        for name in ("one", "two")
    }
    entries = []
    for name, versions in made.items():
        arn = f"arn:aws:lambda:{REGION}:{account.id}:layer:{name}"
        newest = {
            "LayerVersionArn": f"{arn}:2",
            "Version": 2,
            "Description": "",
            "CreatedDate": versions[1]["CreatedDate"],
        }
        entries.append({"LayerName": name, "LayerArn": arn, "LatestMatchingVersion": newest})
    assert answered(client.list_layers()) == (200, {"Layers": entries})
    status, first = answered(client.list_layers(MaxItems=1))
    marker = first.pop("NextMarker")
    assert (status, first) == (200, {"Layers": entries[:1]})
    assert answered(client.list_layers(MaxItems=1, Marker=marker)) == (200, {"Layers": entries[1:]})
    for name in made:
        for number in (1, 2):
            client.delete_layer_version(LayerName=name, VersionNumber=number)
    assert answered(client.list_layers()) == (200, {"Layers": []})


def test_what_is_published_of_a_layer_says_what_was_uploaded(account: Account, zipped: Callable[..., bytes]) -> None:
    code = zipped({"a": "1"})
    content = account.client.publish_layer_version(LayerName="l", Content={"ZipFile": code})["Content"]
    assert content.pop("Location").startswith("http://")
    assert content == {
        "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
        "CodeSize": len(code),
    }


def test_code_signing_configurations_are_listed_in_pages(account: Account) -> None:
    client = account.client
    assert answered(client.list_code_signing_configs()) == (200, {"CodeSigningConfigs": []})
    publishers = {"SigningProfileVersionArns": [f"arn:aws:signer:{REGION}:{account.id}:/signing-profiles/p/12345678"]}
    made: list[dict[str, Any]] = [
        client.create_code_signing_config(AllowedPublishers=publishers)["CodeSigningConfig"] for _ in "12"
    ]
    for config in made:
        assert config == {
            "AllowedPublishers": publishers,
            "CodeSigningConfigArn": f"arn:aws:lambda:{REGION}:{account.id}:code-signing-config:"
            f"{config['CodeSigningConfigId']}",
            "CodeSigningConfigId": config["CodeSigningConfigId"],
            "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
            "LastModified": config["LastModified"],
        }
    status, listed = answered(client.list_code_signing_configs())
    assert (status, listed.keys()) == (200, {"CodeSigningConfigs"})
    every = listed["CodeSigningConfigs"]
    assert sorted(every, key=lambda each: each["CodeSigningConfigId"]) == sorted(
        made, key=lambda each: each["CodeSigningConfigId"]
    )
    status, first = answered(client.list_code_signing_configs(MaxItems=1))
    marker = first.pop("NextMarker")
    assert (status, first) == (200, {"CodeSigningConfigs": every[:1]})
    assert answered(client.list_code_signing_configs(MaxItems=1, Marker=marker)) == (
        200,
        {"CodeSigningConfigs": every[1:]},
    )


def test_provisioned_and_other_settings_of_functions_are_listed_in_pages(account: Account) -> None:
    """Recorded: lambda_eventinvokeconfig_lifecycle, url_config_lifecycle for the shape of an empty list."""
    client = account.client
    account.create("f", Publish=True)
    assert answered(client.list_function_event_invoke_configs(FunctionName="f")) == (
        200,
        {"FunctionEventInvokeConfigs": []},
    )
    assert answered(client.list_function_url_configs(FunctionName="f")) == (200, {"FunctionUrlConfigs": []})
    assert answered(client.list_provisioned_concurrency_configs(FunctionName="f")) == (
        200,
        {"ProvisionedConcurrencyConfigs": []},
    )
    assert answered(client.list_aliases(FunctionName="f")) == (200, {"Aliases": []})
    for alias in ("a", "b"):
        client.create_alias(FunctionName="f", Name=alias, FunctionVersion="1")
        client.create_function_url_config(FunctionName="f", Qualifier=alias, AuthType="NONE")
    every = client.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"]
    assert [each["FunctionArn"] for each in every] == [account.arn("f", "a"), account.arn("f", "b")]
    status, first = answered(client.list_function_url_configs(FunctionName="f", MaxItems=1))
    marker = first.pop("NextMarker")
    assert (status, first) == (200, {"FunctionUrlConfigs": every[:1]})
    assert answered(client.list_function_url_configs(FunctionName="f", MaxItems=1, Marker=marker)) == (
        200,
        {"FunctionUrlConfigs": every[1:]},
    )
