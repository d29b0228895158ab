"""Functions that are container images: what may be asked of them, and AWS's sentences.

Sources: recorded answers; https://docs.aws.amazon.com/lambda/latest/dg/images-create.html and images-parms;
sentences that were not recorded are as AWS's users quote them, or marked as ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError
from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.services.lambda_.model import CodeRef, Settings
from ramuda.services.lambda_.rules import refusals

CONFIG_BYTES = 16 * 1024  # DG: gettingstarted-limits, "Container image settings size"
DEFAULT_WORKING_DIR = "/"
_ARCHIVE_MEMBERS = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion")
_OF_ARCHIVES = ("Runtime", "Handler", "Layers")


def is_image(params: Mapping[str, Any]) -> bool:
    """Whether CreateFunction asks for one."""
    return params.get("PackageType") == "Image"


def check_source(source: Mapping[str, Any], *, is_image: bool, verb: str) -> None:
    """Whether the code that is given fits the function's package type. `verb` is `creating` or `updating`."""
    if not is_image:
        if source.get("ImageUri"):
            raise refusals.invalid(f"Please don't provide ImageUri when {verb} a function with packageType Zip.")
        return
    given = next((member for member in _ARCHIVE_MEMBERS if member in source), None)
    if given is not None:
        raise refusals.invalid(f"Please don't provide {given} when {verb} a function with packageType Image.")
    if not source.get("ImageUri"):
        raise refusals.invalid(f"Please provide ImageUri when {verb} a function with packageType Image.")


def check_settings(params: Mapping[str, Any], *, is_image: bool) -> None:
    """Whether the members fit the function's package type."""
    if not is_image:
        if params.get("ImageConfig"):
            raise refusals.invalid("Please don't provide ImageConfig when the intended function PackageType is Zip.")
        return
    if any(params.get(member) for member in _OF_ARCHIVES):
        raise refusals.invalid(
            "Please don't provide handler or runtime or layer when the intended function PackageType is Image."
        )
    if params.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        raise refusals.invalid("SnapStart is not supported for functions with packageType Image.")  # ours


def config(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """ImageConfig as it is kept and shown: without what is empty; None for nothing. It replaces the former one."""
    kept = {member: given[member] for member in ("EntryPoint", "Command", "WorkingDirectory") if given.get(member)}
    if len(encode_json(kept)) > CONFIG_BYTES:
        raise refusals.invalid(f"ImageConfig must be smaller than {CONFIG_BYTES} bytes.")  # ours
    working_dir = kept.get("WorkingDirectory", "/")
    if not working_dir.startswith("/"):
        raise refusals.invalid(f"WorkingDirectory {working_dir} is not an absolute path.")  # ours
    return kept or None


def show(shape: dict[str, Any], settings: Settings) -> None:
    """Makes FunctionConfiguration that of an image."""
    for member in ("Runtime", "Handler", "RuntimeVersionConfig"):
        shape.pop(member, None)
    shape["PackageType"] = "Image"
    if settings.image_config is not None:
        shape["ImageConfigResponse"] = {"ImageConfig": settings.image_config}


def location(code: CodeRef) -> dict[str, str] | None:
    """FunctionCodeLocation of an image; None for an archive."""
    if code.image is None:
        return None
    return {
        "RepositoryType": "ECR",
        "ImageUri": code.image.uri,
        "ResolvedImageUri": code.image.resolved_uri,
    }


def refused(error: ImageError, uri: str) -> ApiError:
    """Why CreateFunction and UpdateFunctionCode do not take the image."""
    match error.fault:
        case ImageFault.MISSING:
            return refusals.invalid(f"Source image {uri} does not exist. Provide a valid source image.")
        case ImageFault.BAD_URI:
            return refusals.invalid(f"Source image {uri} is not valid. Provide a valid source image.")
        case ImageFault.DENIED:
            message = "Lambda does not have permission to access the ECR image. Check the ECR permissions."
            return ApiError("AccessDeniedException", message, status=403, members=refusals.USER)
        case ImageFault.UNSUPPORTED:
            return refusals.invalid(
                f"The image manifest, config or layer media type for the source image {uri} is not supported."
            )
        case ImageFault.ARCHITECTURE | ImageFault.TOO_LARGE | ImageFault.NOT_HERE:
            return refusals.invalid(f"Source image {uri} cannot be used: {error}.")  # ours


def failed(error: ImageError, uri: str) -> tuple[str, str]:
    """StateReason and StateReasonCode of a function whose image could not be unpacked. The texts are ours."""
    match error.fault:
        case ImageFault.MISSING:
            return f"The container image {uri} was deleted: {error}.", "ImageDeleted"
        case ImageFault.DENIED:
            return "Lambda does not have permission to access the ECR image. Check the ECR permissions.", (
                "ImageAccessDenied"
            )
        case _:
            return f"The container image {uri} is not valid: {error}.", "InvalidImage"


def command(
    config: Mapping[str, Any] | None, entry_point: Sequence[str], command: Sequence[str], working_dir: str
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Entry point, command and working directory in force: each member of ImageConfig over the image's own."""
    given = config or {}
    return (
        tuple(given.get("EntryPoint", entry_point)),
        tuple(given.get("Command", command)),
        given.get("WorkingDirectory") or working_dir or DEFAULT_WORKING_DIR,
    )
