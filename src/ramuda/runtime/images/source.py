"""Where an image's documents and layers come from: a registry, or this machine's files."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images.manifest import DIGEST_PREFIX, Descriptor, digest_of


class Source(Protocol):
    """Opened for one image. Everything given out has the digest that was asked for."""

    async def manifest(self, digest: str | None) -> tuple[bytes, str]:
        """A manifest or index and its media type: of the digest, or what the reference names. Raises ImageError,
        PortError."""
        ...

    async def blob(self, descriptor: Descriptor, limit_bytes: int) -> bytes:
        """A small blob."""
        ...

    async def fetch(self, descriptor: Descriptor, target: Path, stopped: Callable[[], bool]) -> None:
        """Writes a blob into a new file, unless `stopped` says to end."""
        ...


def checked(data: bytes, digest: str) -> bytes:
    """The data, if it is what the digest names. Raises ImageError."""
    found = digest_of(data)
    if found != digest:
        raise other_content(digest, found)
    return data


def other_content(digest: str, found: str) -> ImageError:
    return ImageError(ImageFault.UNSUPPORTED, f"{digest} was asked for and {found.removeprefix(DIGEST_PREFIX)} came")


def too_large(what: str, limit_bytes: int) -> ImageError:
    return ImageError(ImageFault.UNSUPPORTED, f"{what} has more than {limit_bytes} bytes")
