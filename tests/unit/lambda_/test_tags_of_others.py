"""Tags of what is not a function."""

from typing import Any

import pytest

from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda

PREFIX = f"arn:aws:lambda:{REGION}:{ACCOUNT}"
MAPPING = f"{PREFIX}:event-source-mapping:14e0db71-5d35-4eb5-b481-8945cf9d10c2"
SIGNING = f"{PREFIX}:code-signing-config:csc-0123456789abcdef0"
PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/p/12345678"


async def signing_config(lambda_: Lambda, **params: Any) -> str:
    created = await lambda_(
        "CreateCodeSigningConfig", AllowedPublishers={"SigningProfileVersionArns": [PROFILE]}, **params
    )
    return str(created["CodeSigningConfig"]["CodeSigningConfigArn"])


async def test_a_code_signing_configuration_has_tags_from_creation_to_deletion(lambda_: Lambda) -> None:
    resource = await signing_config(lambda_, Tags={"a": "1"})
    other = await signing_config(lambda_)
    assert await lambda_("ListTags", Resource=resource) == {"Tags": {"a": "1"}}
    assert await lambda_("TagResource", Resource=resource, Tags={"a": "2", "b": "3"}) == {}
    assert await lambda_("ListTags", Resource=resource) == {"Tags": {"a": "2", "b": "3"}}
    assert await lambda_("UntagResource", Resource=resource, TagKeys=["a", "b", "never"]) == {}
    assert await lambda_("ListTags", Resource=resource) == {"Tags": {}}
    assert await lambda_("ListTags", Resource=other) == {"Tags": {}}


async def test_others_have_fifty_tags_too(lambda_: Lambda) -> None:
    resource = await signing_config(lambda_)
    await lambda_("TagResource", Resource=resource, Tags={str(number): "" for number in range(50)})
    refused = await lambda_.refusal("TagResource", Resource=resource, Tags={"one": "more"})
    assert refused.message == "Number of tags exceeds resource tag limit."


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (MAPPING, "The resource you requested does not exist."),
        (SIGNING, f"The Lambda code signing configuration {SIGNING} can not be found."),
        (MAPPING.replace(REGION, "eu-west-1"), "The resource you requested does not exist."),
    ],
)
async def test_what_is_not_there_has_no_tags(lambda_: Lambda, resource: str, message: str) -> None:
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("ListTags", {}),
        ("TagResource", {"Tags": {"a": "b"}}),
        ("UntagResource", {"TagKeys": ["a"]}),
    )
    for operation, params in calls:
        refused = await lambda_.refusal(operation, Resource=resource, **params)
        assert (refused.code, refused.message) == ("ResourceNotFoundException", message)


async def test_another_accounts_are_closed(lambda_: Lambda) -> None:
    refused = await lambda_.refusal("ListTags", Resource=MAPPING.replace(ACCOUNT, "222222222222"))
    assert (refused.code, refused.message, refused.status) == ("AccessDeniedException", None, 403)


async def test_layers_cannot_be_tagged(lambda_: Lambda) -> None:
    refused = await lambda_.refusal("ListTags", Resource=f"{PREFIX}:layer:x")
    assert refused.code == "InvalidParameterValueException"
