"""Images in this machine's files: OCI layouts as folders and archives, and what `docker save` writes.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images.manifest import (
    INDEX_TYPES,
    LAYERS_MAX,
    MANIFEST_BYTES,
    MANIFEST_TYPES,
    Descriptor,
    Index,
    digest_of,
    parse,
)
from ramuda.runtime.images.reference import LocalReference
from ramuda.runtime.images.source import checked, other_content, too_large
from ramuda.runtime.images.tar import BadTar, Kind, Stream, TarReader

T = TypeVar("T")

REF_NAME = "org.opencontainers.image.ref.name"
MEMBERS_MAX = 10_000
COPY_BYTES = 1024 * 1024
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"


class Files(Protocol):
    """The files of a layout, by name."""

    def opened(self, name: str) -> AbstractContextManager[Stream]:
        """A context with a `Stream`. Raises KeyError."""
        ...


class Folder:
    """A layout as it lies there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def opened(self, name: str) -> Iterator[Stream]:
        try:
            file = (self._path / name).open("rb")
        except (FileNotFoundError, NotADirectoryError) as e:
            raise KeyError(name) from e
        with file:
            yield file


class Archive:
    """A layout in a tar, which is not compressed: looked through once, then read where the files lie."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        links: dict[str, str] = {}
        with path.open("rb") as file:
            for member in TarReader(file, lambda count: file.seek(count, os.SEEK_CUR)):
                name = os.path.normpath(member.name)
                if member.kind is Kind.FILE:
                    self._places[name] = (file.tell(), member.size)
                elif member.kind in (Kind.SYMLINK, Kind.HARD_LINK):  # `docker save` writes a layer once
                    above = os.path.dirname(name) if member.kind is Kind.SYMLINK else ""
                    links[name] = os.path.normpath(os.path.join(above, member.link))
                if len(self._places) + len(links) > MEMBERS_MAX:
                    raise BadTar(f"it has more than {MEMBERS_MAX} files")
        self._places |= {name: self._places[link] for name, link in links.items() if link in self._places}

    def names(self) -> list[str]:
        return list(self._places)

    @contextmanager
    def opened(self, name: str) -> Iterator[Stream]:
        at, size = self._places[name]
        with self._path.open("rb") as file:
            file.seek(at)
            yield _Part(file, size)


class _Part:
    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data


class Layout:
    """Implements `Source` over an OCI layout."""

    def __init__(self, files: Files, reference: LocalReference) -> None:
        self._files = files
        self._reference = reference

    async def manifest(self, digest: str | None) -> tuple[bytes, str]:
        return await asyncio.to_thread(_told, self._manifest, self._reference, digest or self._reference.digest)

    async def blob(self, descriptor: Descriptor, limit_bytes: int) -> bytes:
        return await asyncio.to_thread(_told, self._blob, self._reference, descriptor.digest, limit_bytes)

    async def fetch(self, descriptor: Descriptor, target: Path, stopped: Callable[[], bool]) -> None:
        await asyncio.to_thread(_told, self._fetch, self._reference, descriptor, target, stopped)

    def _manifest(self, digest: str | None) -> tuple[bytes, str]:
        if digest is not None:
            return self._blob(digest, MANIFEST_BYTES), ""
        with self._files.opened("index.json") as stream:
            index = parse(_read(stream, MANIFEST_BYTES), INDEX_TYPES[0])
        if not isinstance(index, Index):
            raise ImageError(ImageFault.UNSUPPORTED, f"{self._reference.path}: index.json is no index")
        chosen = _named(index, self._reference)
        return self._blob(chosen.digest, MANIFEST_BYTES), chosen.media_type

    def _blob(self, digest: str, limit_bytes: int) -> bytes:
        with self._files.opened(f"blobs/{digest.replace(':', '/')}") as stream:
            return checked(_read(stream, limit_bytes), digest)

    def _fetch(self, descriptor: Descriptor, target: Path, stopped: Callable[[], bool]) -> None:
        with self._files.opened(f"blobs/{descriptor.digest.replace(':', '/')}") as stream:
            _copy(stream, descriptor, target, stopped)


class DockerArchive:
    """Implements `Source` over what `docker save` writes: `manifest.json` names a configuration and the layers' tars.
    It has no manifest of the registry's kind, so we make one; its digest follows from the content."""

    def __init__(self, files: Archive, reference: LocalReference) -> None:
        self._files = files
        self._reference = reference
        self._names: dict[str, str] = {}
        self._made: bytes | None = None

    async def manifest(self, digest: str | None) -> tuple[bytes, str]:
        data = await asyncio.to_thread(_told, self._manifest, self._reference)
        wanted = digest or self._reference.digest
        if wanted is not None and digest_of(data) != wanted:
            raise ImageError(ImageFault.MISSING, f"{self._reference.path} has another image now")
        return data, MANIFEST_TYPES[1]

    async def blob(self, descriptor: Descriptor, limit_bytes: int) -> bytes:
        def read() -> bytes:
            with self._files.opened(self._names[descriptor.digest]) as stream:
                return checked(_read(stream, limit_bytes), descriptor.digest)

        return await asyncio.to_thread(_told, read, self._reference)

    async def fetch(self, descriptor: Descriptor, target: Path, stopped: Callable[[], bool]) -> None:
        def copy() -> None:
            with self._files.opened(self._names[descriptor.digest]) as stream:
                _copy(stream, descriptor, target, stopped)

        await asyncio.to_thread(_told, copy, self._reference)

    def _manifest(self) -> bytes:
        if self._made is None:
            with self._files.opened("manifest.json") as stream:
                saved = msgspec.json.decode(_read(stream, MANIFEST_BYTES), type=list[_Saved])
            chosen = _chosen(saved, self._reference)
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPES[1],
                "config": self._describe(chosen.config, CONFIG_TYPE),
                "layers": [self._describe(layer, LAYER_TYPE) for layer in chosen.layers[:LAYERS_MAX]],
            }
            self._made = msgspec.json.encode(manifest)
        return self._made

    def _describe(self, name: str, media_type: str) -> dict[str, object]:
        seen, size = hashlib.sha256(), 0
        with self._files.opened(os.path.normpath(name)) as stream:
            while data := stream.read(COPY_BYTES):
                seen.update(data)
                size += len(data)
        digest = f"sha256:{seen.hexdigest()}"
        self._names[digest] = os.path.normpath(name)
        return {"mediaType": media_type, "digest": digest, "size": size}


class _Saved(msgspec.Struct):
    config: str = msgspec.field(name="Config")
    layers: list[str] = msgspec.field(name="Layers")
    tags: list[str] | None = msgspec.field(name="RepoTags", default=None)


async def opened(reference: LocalReference) -> Layout | DockerArchive:
    """A source of the image. Raises ImageError, PortError."""

    def open_now() -> Layout | DockerArchive:
        path = Path(reference.path)
        if reference.transport == "oci":
            return Layout(Folder(path), reference)
        archive = Archive(path)
        return Layout(archive, reference) if reference.transport == "oci-archive" else DockerArchive(archive, reference)

    return await asyncio.to_thread(_told, open_now, reference)


def _named(index: Index, reference: LocalReference) -> Descriptor:
    """The image that the reference names; without a name the only one."""
    there = index.manifests
    if reference.name is not None:
        there = tuple(each for each in there if each.annotations.get(REF_NAME) == reference.name)
    if len(there) == 1:
        return there[0]
    if not there:
        raise ImageError(ImageFault.MISSING, f"{reference.path} has no image {reference.name or ''}".rstrip())
    raise ImageError(ImageFault.MISSING, f"{reference.path} has {len(there)} images: write which one behind a colon")


def _chosen(saved: list[_Saved], reference: LocalReference) -> _Saved:
    if reference.name is not None:
        names = {reference.name, f"docker.io/{reference.name}", f"docker.io/library/{reference.name}"}
        saved = [each for each in saved if names.intersection(each.tags or ())]
    if len(saved) != 1:
        raise ImageError(ImageFault.MISSING, f"{reference.path} has {len(saved)} such images, not one")
    return saved[0]


def _told(work: Callable[..., T], reference: LocalReference, *arguments: object) -> T:
    """Does `work`; what goes wrong as the image's fault, or the machine's."""
    try:
        return work(*arguments)
    except (KeyError, FileNotFoundError, NotADirectoryError, IsADirectoryError) as e:
        raise ImageError(ImageFault.MISSING, f"there is no {e.args[-1]} in {reference.path}") from e
    except PermissionError as e:
        raise ImageError(ImageFault.DENIED, f"{reference.path} cannot be read: {e.strerror}") from e
    except (BadTar, msgspec.DecodeError) as e:
        raise ImageError(ImageFault.UNSUPPORTED, f"{reference.path}: {e}") from e
    except OSError as e:
        raise PortError(f"{reference.path}: {e}", retryable=True) from e


def _read(stream: Stream, limit_bytes: int) -> bytes:
    data = b""
    while more := stream.read(limit_bytes + 1 - len(data)):
        data += more
    if len(data) > limit_bytes:
        raise too_large("a document of the image", limit_bytes)
    return data


def _copy(stream: Stream, descriptor: Descriptor, target: Path, stopped: Callable[[], bool]) -> None:
    seen, size = hashlib.sha256(), 0
    with target.open("xb") as file:
        while data := stream.read(COPY_BYTES):
            size += len(data)
            if size > descriptor.size:
                raise too_large("a layer", descriptor.size)
            if stopped():
                raise PortError("copying was ended", retryable=True)
            seen.update(data)
            file.write(data)
    if seen.hexdigest() != descriptor.sha256:
        raise other_content(descriptor.digest, seen.hexdigest())
