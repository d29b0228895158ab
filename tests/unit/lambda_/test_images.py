"""Functions that are container images, over a real database: whole answers as recorded, refusals, failures."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault, PinnedImage, UnpackedImage
from tests.unit.lambda_.harness import ROLE, Lambda, arn, zipped

URI = "111111111111.dkr.ecr.us-east-1.amazonaws.com/app:latest"
DENIED = "Lambda does not have permission to access the ECR image. Check the ECR permissions."


class FakeImages:
    """Has every image, at the digest `digest`, until `missing` or `broken` say otherwise."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.digest = "sha256:" + "a" * 64
        self.missing: Exception | None = None
        self.broken: Exception | None = None
        self.collected: list[set[str]] = []

    async def resolve(self, uri: str, architecture: str) -> PinnedImage:
        if self.missing is not None:
            raise self.missing
        resolved_uri = f"{uri.rpartition(':')[0]}@{self.digest}"
        return PinnedImage(uri=uri, resolved_uri=resolved_uri, digest=self.digest, architecture=architecture)

    async def unpack(self, image: PinnedImage) -> UnpackedImage:
        if self.broken is not None:
            raise self.broken
        return UnpackedImage(
            root=self.root / image.digest.removeprefix("sha256:"),
            entry_point=("/entry",),
            command=("app.handler",),
            working_dir="/w",
            environment=(("A", "1"),),
        )

    async def collect(self, used: set[str]) -> int:
        self.collected.append(used)
        return 0


@pytest.fixture
async def lambda_(tmp_path: Path) -> AsyncIterator[Lambda]:
    it = Lambda(tmp_path)
    it.images = FakeImages(tmp_path)
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
def images(lambda_: Lambda) -> FakeImages:
    assert isinstance(lambda_.images, FakeImages)
    return lambda_.images


async def create(lambda_: Lambda, **params: Any) -> Any:
    result = await lambda_(
        "CreateFunction",
        **{"FunctionName": "f", "PackageType": "Image", "Role": ROLE, "Code": {"ImageUri": URI}, **params},
    )
    await lambda_.settled()
    return result


def recorded(**changed: Any) -> dict[str, Any]:
    """FunctionConfiguration as AWS answered in the recorded case lambda_image_and_image_config_crud."""
    return {
        "Architectures": ["x86_64"],
        "CodeSha256": "a" * 64,
        "CodeSize": 0,
        "Description": "",
        "Environment": {"Variables": {"CUSTOM_ENV": "test"}},
        "EphemeralStorage": {"Size": 512},
        "FunctionArn": arn("f"),
        "FunctionName": "f",
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
        "MemorySize": 128,
        "PackageType": "Image",
        "Role": ROLE,
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "Timeout": 3,
        "TracingConfig": {"Mode": "PassThrough"},
        "Version": "$LATEST",
        **changed,
    }


def whole(answer: Any) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in ("LastModified", "RevisionId")}


async def test_an_image_and_its_config_live_as_recorded(lambda_: Lambda) -> None:
    pending = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    updating = {
        "State": "Active",
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": "The function is being created.",
        "LastUpdateStatusReasonCode": "Creating",
    }
    done = {"State": "Active", "LastUpdateStatus": "Successful"}
    code = {
        "ImageUri": URI,
        "RepositoryType": "ECR",
        "ResolvedImageUri": f"{URI.rpartition(':')[0]}@sha256:{'a' * 64}",
    }
    config = {"Command": ["-c", "echo test"], "EntryPoint": ["sh"], "WorkingDirectory": "/app1"}
    created = await create(lambda_, ImageConfig=config, Environment={"Variables": {"CUSTOM_ENV": "test"}})
    first = {"ImageConfigResponse": {"ImageConfig": config}}
    assert whole(created) == recorded(**first, **pending)
    shown = await lambda_("GetFunction", FunctionName="f")
    assert (whole(shown["Configuration"]), shown["Code"]) == (recorded(**first, **done), code)
    assert whole(await lambda_("GetFunctionConfiguration", FunctionName="f")) == recorded(**first, **done)

    changed = {"Command": ["-c", "echo test1"], "WorkingDirectory": "/app1"}
    second = {"ImageConfigResponse": {"ImageConfig": changed}}
    answer = await lambda_("UpdateFunctionConfiguration", FunctionName="f", ImageConfig=changed)
    assert whole(answer) == recorded(**second, **updating)
    await lambda_.settled()
    assert whole(await lambda_("GetFunctionConfiguration", FunctionName="f")) == recorded(**second, **done)

    answer = await lambda_("UpdateFunctionConfiguration", FunctionName="f", ImageConfig={})
    assert whole(answer) == recorded(**updating)
    await lambda_.settled()
    shown = await lambda_("GetFunction", FunctionName="f")
    assert (whole(shown["Configuration"]), shown["Code"]) == (recorded(**done), code)


async def test_what_is_invoked_is_the_image_with_the_config_in_force(lambda_: Lambda, images: FakeImages) -> None:
    await create(lambda_, ImageConfig={"Command": ["other.handler"]}, MemorySize=256)
    await lambda_("Invoke", FunctionName="f")
    function = lambda_.invoker.asked[0].function
    assert function.image is not None
    assert (function.image.entry_point, function.image.command) == (("/entry",), ("other.handler",))
    assert (function.image.working_dir, function.image.environment) == ("/w", (("A", "1"),))
    assert function.image.root == images.root / ("a" * 64)
    assert (function.runtime, function.handler) == ("", "")


@pytest.mark.parametrize(
    ("error", "code", "status", "message"),
    [
        (
            ImageError(ImageFault.MISSING, "gone"),
            "InvalidParameterValueException",
            None,
            f"Source image {URI} does not exist. Provide a valid source image.",
        ),
        (
            ImageError(ImageFault.BAD_URI, "bad"),
            "InvalidParameterValueException",
            None,
            f"Source image {URI} is not valid. Provide a valid source image.",
        ),
        (ImageError(ImageFault.DENIED, "no"), "AccessDeniedException", 403, DENIED),
        (
            ImageError(ImageFault.UNSUPPORTED, "odd"),
            "InvalidParameterValueException",
            None,
            f"The image manifest, config or layer media type for the source image {URI} is not supported.",
        ),
        (
            ImageError(ImageFault.TOO_LARGE, "its layers have more than 5 bytes"),
            "InvalidParameterValueException",
            None,
            f"Source image {URI} cannot be used: its layers have more than 5 bytes.",
        ),
        (
            PortError("no answer"),
            "ServiceException",
            None,
            f"The image {URI} cannot be looked at: no answer",
        ),
    ],
)
async def test_an_image_that_cannot_be_had_is_refused_in_aws_s_words(
    lambda_: Lambda, images: FakeImages, error: Exception, code: str, status: int | None, message: str
) -> None:
    await create(lambda_)
    images.missing = error
    for operation, params in (
        ("CreateFunction", {"FunctionName": "g", "PackageType": "Image", "Role": ROLE, "Code": {"ImageUri": URI}}),
        ("UpdateFunctionCode", {"FunctionName": "f", "ImageUri": URI}),
    ):
        refusal = await lambda_.refusal(operation, **params)
        assert (refusal.code, refusal.status, refusal.message) == (code, status, message)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (
            ImageError(ImageFault.MISSING, "no such blob"),
            "ImageDeleted",
            f"The container image {URI[:-7]}@sha256:{'a' * 64} was deleted: no such blob.",
        ),
        (ImageError(ImageFault.DENIED, "no"), "ImageAccessDenied", DENIED),
        (
            ImageError(ImageFault.UNSUPPORTED, "a layer is not a good tar"),
            "InvalidImage",
            f"The container image {URI[:-7]}@sha256:{'a' * 64} is not valid: a layer is not a good tar.",
        ),
        (
            PortError("the disk is full"),
            "InternalError",
            f"The container image {URI[:-7]}@sha256:{'a' * 64} could not be unpacked: the disk is full.",
        ),
    ],
)
async def test_a_function_whose_image_cannot_be_unpacked_fails_and_an_update_leaves_what_ran(
    lambda_: Lambda, images: FakeImages, error: Exception, code: str, reason: str
) -> None:
    await create(lambda_, FunctionName="g")
    images.broken = error
    await create(lambda_)
    shown = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert (shown["State"], shown["StateReasonCode"], shown["StateReason"]) == ("Failed", code, reason)
    await lambda_("UpdateFunctionCode", FunctionName="g", ImageUri=URI)
    await lambda_.settled()
    shown = await lambda_("GetFunctionConfiguration", FunctionName="g")
    assert (shown["State"], shown["LastUpdateStatus"], shown["LastUpdateStatusReasonCode"]) == (
        "Active",
        "Failed",
        code,
    )


async def test_what_does_not_fit_the_package_type_is_refused(lambda_: Lambda) -> None:
    await create(lambda_)
    await lambda_.create("zip")
    zip_only = "Please don't provide handler or runtime or layer when the intended function PackageType is Image."
    image = {"PackageType": "Image", "Role": ROLE, "FunctionName": "g", "Code": {"ImageUri": URI}}
    for operation, params, message in (
        (
            "UpdateFunctionCode",
            {"FunctionName": "zip", "ImageUri": URI},
            "Please don't provide ImageUri when updating a function with packageType Zip.",
        ),
        (
            "UpdateFunctionCode",
            {"FunctionName": "f", "S3Bucket": "b", "S3Key": "k"},
            "Please don't provide S3Bucket when updating a function with packageType Image.",
        ),
        (
            "UpdateFunctionCode",
            {"FunctionName": "f"},
            "Please provide ImageUri when updating a function with packageType Image.",
        ),
        (
            "UpdateFunctionConfiguration",
            {"FunctionName": "zip", "ImageConfig": {"Command": ["a"]}},
            "Please don't provide ImageConfig when the intended function PackageType is Zip.",
        ),
        ("UpdateFunctionConfiguration", {"FunctionName": "f", "Runtime": "python3.12"}, zip_only),
        ("CreateFunction", {**image, "Handler": "a.b"}, zip_only),
        (
            "CreateFunction",
            {**image, "SnapStart": {"ApplyOn": "PublishedVersions"}},
            "SnapStart is not supported for functions with packageType Image.",
        ),
        (
            "CreateFunction",
            {**image, "Code": {"ZipFile": zipped()}},
            "Please don't provide ZipFile when creating a function with packageType Image.",
        ),
        (
            "CreateFunction",
            {**image, "Code": {}},
            "Please provide ImageUri when creating a function with packageType Image.",
        ),
        (
            "CreateFunction",
            {**image, "PackageType": "Zip", "Runtime": "python3.12", "Handler": "a.b"},
            "Please don't provide ImageUri when creating a function with packageType Zip.",
        ),
        (
            "CreateFunction",
            {**image, "ImageConfig": {"EntryPoint": ["e" * 16_384]}},
            "ImageConfig must be smaller than 16384 bytes.",
        ),
        (
            "CreateFunction",
            {**image, "ImageConfig": {"WorkingDirectory": "w"}},
            "WorkingDirectory w is not an absolute path.",
        ),
    ):
        refusal = await lambda_.refusal(operation, **params)
        assert (refusal.code, refusal.message) == ("InvalidParameterValueException", message)


async def test_versions_pin_their_image(lambda_: Lambda, images: FakeImages) -> None:
    await create(lambda_)
    published = await lambda_("PublishVersion", FunctionName="f", CodeSha256="a" * 64)
    images.digest = "sha256:" + "b" * 64
    await lambda_("UpdateFunctionCode", FunctionName="f", ImageUri=URI)
    await lambda_.settled()
    assert (published["CodeSha256"], published["Version"]) == ("a" * 64, "1")
    first = await lambda_("GetFunction", FunctionName="f", Qualifier="1")
    latest = await lambda_("GetFunction", FunctionName="f")
    assert first["Code"]["ResolvedImageUri"].endswith("a" * 64)
    assert latest["Code"]["ResolvedImageUri"].endswith("b" * 64)


async def test_a_dry_run_changes_nothing(lambda_: Lambda, images: FakeImages) -> None:
    await create(lambda_)
    images.digest = "sha256:" + "b" * 64
    answer = await lambda_("UpdateFunctionCode", FunctionName="f", ImageUri=URI, DryRun=True)
    assert answer["CodeSha256"] == "b" * 64
    assert (await lambda_("GetFunctionConfiguration", FunctionName="f"))["CodeSha256"] == "a" * 64


async def test_after_a_start_images_of_no_version_are_collected(lambda_: Lambda, images: FakeImages) -> None:
    await create(lambda_)
    await lambda_("PublishVersion", FunctionName="f")
    images.digest = "sha256:" + "b" * 64
    await lambda_("UpdateFunctionCode", FunctionName="f", ImageUri=URI)
    await lambda_.create("zip")
    await lambda_.settled()
    await lambda_.stop()
    await lambda_.start()
    await lambda_.service.room.images.collected()
    assert images.collected[-1] == {"sha256:" + "a" * 64, "sha256:" + "b" * 64}


async def test_an_active_function_whose_image_is_gone_cannot_be_invoked_and_says_why(
    lambda_: Lambda, images: FakeImages
) -> None:
    await create(lambda_)
    images.broken = ImageError(ImageFault.MISSING, "no such blob")
    with pytest.raises(PortError, match="the function's container image cannot be run: no such blob"):
        await lambda_("Invoke", FunctionName="f")
    images.broken = None
    await lambda_("Invoke", FunctionName="f")


async def test_a_server_without_a_sandbox_for_images_refuses_them(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    lambda_ = await Lambda(tmp_path / "other").start()
    refusal = await lambda_.refusal(
        "CreateFunction", FunctionName="f", PackageType="Image", Role=ROLE, Code={"ImageUri": URI}
    )
    await lambda_.stop()
    assert refusal.message == (
        f"Source image {URI} cannot be used: container images need the isolated sandbox, "
        "and `ramuda doctor` says what is missing for it."
    )
