"""Code signing: configurations, the functions that have one, and deployments of code that nobody signed."""

from dataclasses import replace
from typing import Any

from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.model import ImageRef
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, arn, zipped

PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/test"
CONFIG = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config"
MISSING = f"{CONFIG}:csc-00000000000000000"
GONE = f"The Lambda code signing configuration {MISSING} can not be found."
GONE_FOR_FUNCTION = (
    f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {MISSING}."
)


async def make(lambda_: Lambda, on_untrusted: str | None = None, **params: Any) -> str:
    if on_untrusted is not None:
        params["CodeSigningPolicies"] = {"UntrustedArtifactOnDeployment": on_untrusted}
    made = await lambda_(
        "CreateCodeSigningConfig", AllowedPublishers={"SigningProfileVersionArns": [PROFILE]}, **params
    )
    config_arn: str = made["CodeSigningConfig"]["CodeSigningConfigArn"]
    return config_arn


def counted(lambda_: Lambda) -> int:
    return len(lambda_.recorder.values("SignatureValidationErrors", (("FunctionName", "f"),)))


async def test_a_configuration_lives_from_creation_to_deletion(lambda_: Lambda) -> None:
    created = await lambda_(
        "CreateCodeSigningConfig",
        Description="Testing CodeSigning Config",
        AllowedPublishers={"SigningProfileVersionArns": [PROFILE]},
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
    )
    config_id = created["CodeSigningConfig"]["CodeSigningConfigId"]
    assert created == {
        "CodeSigningConfig": {
            "CodeSigningConfigId": config_id,
            "CodeSigningConfigArn": f"{CONFIG}:{config_id}",
            "Description": "Testing CodeSigning Config",
            "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]},
            "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"},
            "LastModified": "2023-11-14T22:13:20.000+0000",
        }
    }
    assert len(config_id) == len("csc-") + 17
    config_arn = f"{CONFIG}:{config_id}"
    assert await lambda_("GetCodeSigningConfig", CodeSigningConfigArn=config_arn) == created
    assert await lambda_("UpdateCodeSigningConfig", CodeSigningConfigArn=config_arn) == created

    await lambda_.clock.advance(1)
    updated = await lambda_(
        "UpdateCodeSigningConfig",
        CodeSigningConfigArn=config_arn,
        Description="",
        AllowedPublishers={"SigningProfileVersionArns": [PROFILE + "2"]},
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"},
    )
    assert updated["CodeSigningConfig"] == {
        **created["CodeSigningConfig"],
        "Description": "",
        "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE + "2"]},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
        "LastModified": "2023-11-14T22:13:21.000+0000",
    }
    assert await lambda_("ListCodeSigningConfigs") == {"CodeSigningConfigs": [updated["CodeSigningConfig"]]}
    assert await lambda_("DeleteCodeSigningConfig", CodeSigningConfigArn=config_arn) == {}
    assert await lambda_("ListCodeSigningConfigs") == {"CodeSigningConfigs": []}


async def test_what_was_not_given_is_not_shown_and_warns(lambda_: Lambda) -> None:
    shown = await lambda_("GetCodeSigningConfig", CodeSigningConfigArn=await make(lambda_))
    assert "Description" not in shown["CodeSigningConfig"]
    assert shown["CodeSigningConfig"]["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}


async def test_configurations_and_their_functions_are_listed_in_pages(lambda_: Lambda) -> None:
    made = sorted([await make(lambda_) for _ in range(3)])
    first = await lambda_("ListCodeSigningConfigs", MaxItems=2)
    rest = await lambda_("ListCodeSigningConfigs", MaxItems=2, Marker=first["NextMarker"])
    shown = [config["CodeSigningConfigArn"] for config in first["CodeSigningConfigs"] + rest["CodeSigningConfigs"]]
    assert (shown, "NextMarker" in rest) == (made, False)

    for name in ("a", "b", "c"):
        await lambda_.create(name, CodeSigningConfigArn=made[0])
    first = await lambda_("ListFunctionsByCodeSigningConfig", CodeSigningConfigArn=made[0], MaxItems=2)
    rest = await lambda_("ListFunctionsByCodeSigningConfig", CodeSigningConfigArn=made[0], Marker=first["NextMarker"])
    assert first["FunctionArns"] + rest["FunctionArns"] == [arn("a"), arn("b"), arn("c")]
    assert await lambda_("ListFunctionsByCodeSigningConfig", CodeSigningConfigArn=made[1]) == {"FunctionArns": []}


async def test_tags_given_at_creation_go_with_the_configuration(lambda_: Lambda) -> None:
    config_arn = await make(lambda_, Tags={"team": "a"})
    assert await lambda_("ListTags", Resource=config_arn) == {"Tags": {"team": "a"}}
    await lambda_("DeleteCodeSigningConfig", CodeSigningConfigArn=config_arn)
    refused = await lambda_.refusal("ListTags", Resource=config_arn)
    assert refused.code == "ResourceNotFoundException"


async def test_a_function_gets_a_configuration_and_loses_it(lambda_: Lambda) -> None:
    config_arn = await make(lambda_)
    await lambda_.create()
    assert await lambda_("GetFunctionCodeSigningConfig", FunctionName="f") == {}
    assert await lambda_("DeleteFunctionCodeSigningConfig", FunctionName="f") == {}
    shown = {"CodeSigningConfigArn": config_arn, "FunctionName": "f"}
    assert (
        await lambda_("PutFunctionCodeSigningConfig", FunctionName=arn("f"), CodeSigningConfigArn=config_arn) == shown
    )
    assert await lambda_("GetFunctionCodeSigningConfig", FunctionName="f") == shown

    refused = await lambda_.refusal("DeleteCodeSigningConfig", CodeSigningConfigArn=config_arn)
    assert (refused.code, refused.message) == (
        "ResourceConflictException",
        f"The code signing configuration {config_arn} is used by functions and stays.",
    )
    await lambda_("DeleteFunctionCodeSigningConfig", FunctionName="f")
    assert await lambda_("GetFunctionCodeSigningConfig", FunctionName="f") == {}
    await lambda_("DeleteCodeSigningConfig", CodeSigningConfigArn=config_arn)


async def test_a_deleted_function_uses_no_configuration(lambda_: Lambda) -> None:
    config_arn = await make(lambda_)
    await lambda_.create(CodeSigningConfigArn=config_arn)
    await lambda_("DeleteFunction", FunctionName="f")
    assert await lambda_("DeleteCodeSigningConfig", CodeSigningConfigArn=config_arn) == {}


async def test_what_is_not_there_is_missed_in_the_words_of_aws(lambda_: Lambda) -> None:
    config_arn = await make(lambda_)
    for operation in (
        "GetCodeSigningConfig",
        "UpdateCodeSigningConfig",
        "DeleteCodeSigningConfig",
        "ListFunctionsByCodeSigningConfig",
    ):
        refused = await lambda_.refusal(operation, CodeSigningConfigArn=MISSING)
        assert (refused.code, refused.message, refused.members) == ("ResourceNotFoundException", GONE, {"Type": None})
    foreign = config_arn.replace(ACCOUNT, "222222222222")
    refused = await lambda_.refusal("GetCodeSigningConfig", CodeSigningConfigArn=foreign)
    assert refused.code == "ResourceNotFoundException"

    for params in ({"FunctionName": "none"}, {"FunctionName": "none", "CodeSigningConfigArn": config_arn}):
        for operation in ("Get", "Delete", "Put") if "CodeSigningConfigArn" in params else ("Get", "Delete"):
            refused = await lambda_.refusal(f"{operation}FunctionCodeSigningConfig", **params)
            assert (refused.code, refused.message) == (
                "ResourceNotFoundException",
                f"Function not found: {arn('none')}",
            )
    await lambda_.create()
    for name in ("f", "none"):  # the configuration is missed before the function is
        refused = await lambda_.refusal("PutFunctionCodeSigningConfig", FunctionName=name, CodeSigningConfigArn=MISSING)
        assert (refused.code, refused.message, refused.members) == (
            "CodeSigningConfigNotFoundException",
            GONE_FOR_FUNCTION,
            {"Type": "User"},
        )


async def test_a_function_is_not_made_with_a_configuration_that_is_not_there(lambda_: Lambda) -> None:
    params = {"Runtime": "python3.12", "Handler": "h.h", "Role": f"arn:aws:iam::{ACCOUNT}:role/r"}
    refused = await lambda_.refusal(
        "CreateFunction", FunctionName="f", Code={"ZipFile": zipped()}, CodeSigningConfigArn=MISSING, **params
    )
    assert (refused.code, refused.message) == ("CodeSigningConfigNotFoundException", GONE_FOR_FUNCTION)
    assert (await lambda_("ListFunctions"))["Functions"] == []


async def test_enforce_lets_no_unsigned_code_in(lambda_: Lambda) -> None:
    enforcing = await make(lambda_, "Enforce")
    await lambda_.create()
    await lambda_("PutFunctionCodeSigningConfig", FunctionName="f", CodeSigningConfigArn=enforcing)
    code = {"ZipFile": zipped({"index.py": "pass"})}
    layer = await lambda_("PublishLayerVersion", LayerName="l", Content={"ZipFile": zipped()})
    defaults = {"Runtime": "python3.12", "Handler": "h.h", "Role": f"arn:aws:iam::{ACCOUNT}:role/r"}
    before = await lambda_("GetFunctionConfiguration", FunctionName="f")
    for function, operation, params in (
        ("f", "UpdateFunctionCode", code),
        ("f", "UpdateFunctionCode", {**code, "DryRun": True}),
        ("f", "UpdateFunctionConfiguration", {"Layers": [layer["LayerVersionArn"]]}),
        ("g", "CreateFunction", {"Code": code, "CodeSigningConfigArn": enforcing, **defaults}),
    ):
        refused = await lambda_.refusal(operation, FunctionName=function, **params)
        assert (refused.code, refused.message, refused.members) == (
            "CodeVerificationFailedException",
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the "
            f"client is not configured to accept. Check the provided signature for {arn(function)}.",
            {"Type": "User"},
        )
    assert await lambda_("GetFunctionConfiguration", FunctionName="f") == before
    assert [function["FunctionName"] for function in (await lambda_("ListFunctions"))["Functions"]] == ["f"]
    await lambda_("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)  # no code is deployed
    await lambda_("Invoke", FunctionName="f")  # what runs keeps running
    assert counted(lambda_) == 0


async def test_warn_lets_unsigned_code_in_and_counts_it(lambda_: Lambda) -> None:
    await lambda_.create(CodeSigningConfigArn=await make(lambda_, "Warn"))
    assert counted(lambda_) == 1
    code = {"ZipFile": zipped({"index.py": "pass"})}
    await lambda_("UpdateFunctionCode", FunctionName="f", DryRun=True, **code)
    await lambda_("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await lambda_.settled()
    assert counted(lambda_) == 1
    await lambda_("UpdateFunctionCode", FunctionName="f", **code)
    await lambda_.settled()
    assert counted(lambda_) == 2
    layer = await lambda_("PublishLayerVersion", LayerName="l", Content={"ZipFile": zipped()})
    await lambda_("UpdateFunctionConfiguration", FunctionName="f", Layers=[layer["LayerVersionArn"]])
    assert counted(lambda_) == 3


async def test_a_function_without_a_configuration_counts_nothing(lambda_: Lambda) -> None:
    await lambda_.create()
    await lambda_("UpdateFunctionCode", FunctionName="f", ZipFile=zipped({"index.py": "pass"}))
    assert counted(lambda_) == 0


async def test_a_container_image_has_no_code_signing(lambda_: Lambda) -> None:
    config_arn = await make(lambda_)
    await lambda_.create()
    image = ImageRef(uri="example/image:1", resolved_uri="example/image@sha256:0")

    def change(tx: Transaction) -> None:
        latest = store.version(tx, ACCOUNT, REGION, "f")
        assert latest is not None
        code = replace(latest.deployment.code, image=image)
        store.put_version(tx, replace(latest, deployment=replace(latest.deployment, code=code)))

    await lambda_.database.write(change)
    for operation, params in (
        ("PutFunctionCodeSigningConfig", {"CodeSigningConfigArn": config_arn}),
        ("GetFunctionCodeSigningConfig", {}),
        ("DeleteFunctionCodeSigningConfig", {}),
        (
            "CreateFunction",
            {
                "PackageType": "Image",
                "Code": {"ImageUri": image.uri},
                "Role": f"arn:aws:iam::{ACCOUNT}:role/r",
                "CodeSigningConfigArn": config_arn,
            },
        ),
    ):
        refused = await lambda_.refusal(operation, FunctionName="f", **params)
        assert (refused.code, refused.message) == (
            "InvalidParameterValueException",
            "Code signing is not supported for functions created with container images.",
        )
