"""What a registry says about an image: indexes, manifests, configurations (pure).

https://github.com/opencontainers/image-spec/blob/main/manifest.md, image-index.md, config.md, and Docker's media types,
which have the same members.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import msgspec

from ramuda.kernel.ports.images import ImageError, ImageFault

_T = TypeVar("_T")

MANIFEST_BYTES, CONFIG_BYTES = 4 * 1024 * 1024, 4 * 1024 * 1024
"""The distribution specification asks registries for 4 MiB at least, and clients hold to it."""
LAYERS_MAX = 1000
DIGEST_PREFIX = "sha256:"

OCI, DOCKER = "application/vnd.oci.image.", "application/vnd.docker.distribution.manifest."
MANIFEST_TYPES = (f"{OCI}manifest.v1+json", f"{DOCKER}v2+json")
INDEX_TYPES = (f"{OCI}index.v1+json", f"{DOCKER}list.v2+json")
_LAYER_TYPES = (
    *(f"{OCI}layer.v1.tar{suffix}" for suffix in ("", "+gzip", "+zstd")),
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
)
_PLATFORMS = {"x86_64": "amd64", "arm64": "arm64"}


class Platform(msgspec.Struct, frozen=True):
    architecture: str = ""
    os: str = ""


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """Names a blob by its digest."""

    digest: str
    size: int
    media_type: str = ""
    platform: Platform | None = None
    annotations: dict[str, str] = {}

    @property
    def sha256(self) -> str:
        return self.digest.removeprefix(DIGEST_PREFIX)


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """One image for one platform."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


class Index(msgspec.Struct, frozen=True, rename="camel"):
    """Images for several platforms; in a layout also under several names."""

    manifests: tuple[Descriptor, ...]


class _Kind(msgspec.Struct, rename="camel"):
    media_type: str = ""
    manifests: object = None


class _Run(msgspec.Struct, frozen=True):
    entry_point: tuple[str, ...] | None = msgspec.field(name="Entrypoint", default=None)
    command: tuple[str, ...] | None = msgspec.field(name="Cmd", default=None)
    working_dir: str | None = msgspec.field(name="WorkingDir", default=None)
    env: tuple[str, ...] | None = msgspec.field(name="Env", default=None)


class _RootFs(msgspec.Struct, frozen=True):
    diff_ids: tuple[str, ...] = ()


class Configuration(msgspec.Struct, frozen=True):
    """What is run and how. `diff_ids` are the digests of the layers' tars, uncompressed."""

    architecture: str = ""
    os: str = ""
    rootfs: _RootFs = _RootFs()
    config: _Run | None = None

    @property
    def run(self) -> _Run:
        return self.config or _Run()

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        pairs = (entry.partition("=") for entry in self.run.env or ())
        return tuple((name, value) for name, separator, value in pairs if name and separator)


Document: TypeAlias = Manifest | Index


def digest_of(data: bytes) -> str:
    return DIGEST_PREFIX + hashlib.sha256(data).hexdigest()


def parse(data: bytes, media_type: str = "") -> Document:
    """`media_type` is what the registry called it, for documents that do not say it themselves."""
    kind = _decode(data, _Kind)
    told = kind.media_type or media_type.partition(";")[0].strip()
    if told in INDEX_TYPES or (told not in MANIFEST_TYPES and kind.manifests is not None):
        index = _decode(data, Index)
        _check(index.manifests)
        return index
    manifest = _decode(data, Manifest)
    _check((manifest.config, *manifest.layers))
    for layer in manifest.layers:
        if layer.media_type not in _LAYER_TYPES:
            raise _unsupported(f"a layer is of media type {layer.media_type}")
    return manifest


def parse_configuration(data: bytes, manifest: Manifest) -> Configuration:
    configuration = _decode(data, Configuration)
    if len(configuration.rootfs.diff_ids) != len(manifest.layers):
        raise _unsupported("its configuration names another number of layers than its manifest")
    return configuration


def choose(index: Index, architecture: str) -> Descriptor:
    """The image of an index for Lambda's architecture. Raises ImageError."""
    wanted = _PLATFORMS[architecture]
    for descriptor in index.manifests:
        platform = descriptor.platform
        if platform is None or (platform.os in ("linux", "") and platform.architecture == wanted):
            return descriptor
    there = ", ".join(f"{each.platform.os}/{each.platform.architecture}" for each in index.manifests if each.platform)
    raise ImageError(ImageFault.ARCHITECTURE, f"there is no image for linux/{wanted}, only for {there or 'nothing'}")


def check_platform(configuration: Configuration, architecture: str) -> None:
    """Whether an image that is not chosen from an index is for Lambda's architecture."""
    wanted = _PLATFORMS[architecture]
    there = f"{configuration.os or 'linux'}/{configuration.architecture or wanted}"
    if there != f"linux/{wanted}":
        raise ImageError(ImageFault.ARCHITECTURE, f"the image is for {there}, not for linux/{wanted}")


def check_size(manifest: Manifest, limit_bytes: int) -> None:
    """Whether its layers, even compressed, are within the limit. What they unpack to is counted while unpacking."""
    if sum(layer.size for layer in manifest.layers) > limit_bytes:
        raise ImageError(ImageFault.TOO_LARGE, f"its layers have more than {limit_bytes} bytes")


def _check(descriptors: Sequence[Descriptor]) -> None:
    if len(descriptors) > LAYERS_MAX:
        raise _unsupported(f"it has more than {LAYERS_MAX} parts")
    for each in descriptors:
        digits = each.sha256
        if not each.digest.startswith(DIGEST_PREFIX) or len(digits) != 64 or set(digits) - set("0123456789abcdef"):
            raise _unsupported(f"{each.digest[:80]!r} is not a SHA-256 digest")
        if each.size < 0:
            raise _unsupported("a size is negative")


def _decode(data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise _unsupported(str(e)) from e


def _unsupported(why: str) -> ImageError:
    return ImageError(ImageFault.UNSUPPORTED, why)
