"""Container images: found by their URI, pinned by their digest, unpacked to a folder that becomes a sandbox's root."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from ramuda.kernel.errors import RamudaError


class ImageFault(Enum):
    """Why an image cannot be used."""

    BAD_URI = "bad uri"
    MISSING = "missing"
    DENIED = "denied"
    UNSUPPORTED = "unsupported"
    """Its manifest, configuration or layers are of a kind, or in a state, that cannot be run."""
    ARCHITECTURE = "architecture"
    TOO_LARGE = "too large"
    NOT_HERE = "not here"
    """This machine or server cannot run images at all."""


class ImageError(RamudaError):
    """The image cannot be used, and trying again would not help. The message says why, for the log and the user."""

    def __init__(self, fault: ImageFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedImage:
    """An image as it was when its URI was resolved. `digest` is `sha256:...` of the manifest for one platform;
    `resolved_uri` names it so that it is found again. `architecture` is Lambda's word (`x86_64`, `arm64`)."""

    uri: str
    resolved_uri: str
    digest: str
    architecture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackedImage:
    """`root` is the image's file system, never to be written to. The rest is what its configuration says."""

    root: Path
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_dir: str = ""
    environment: tuple[tuple[str, str], ...] = ()


class Images(Protocol):
    async def resolve(self, uri: str, architecture: str) -> PinnedImage:
        """Finds the image and checks, without fetching its layers, that it can run. Raises ImageError, or PortError
        when it cannot be found out now."""
        ...

    async def unpack(self, image: PinnedImage) -> UnpackedImage:
        """The image's root; fetches and unpacks what is not here yet, once, whoever asks meanwhile. Idempotent, and
        complete or not there after a crash. Raises as `resolve` does."""
        ...

    async def collect(self, used: set[str]) -> int:
        """Deletes what belongs to no image of these digests and was not unpacked by this process; how many images."""
        ...
