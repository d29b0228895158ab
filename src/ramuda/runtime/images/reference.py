"""How an image is named (pure).

    HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]     in a registry
    oci:/PATH[:TAG]                           an OCI layout, a folder
    oci-archive:/PATH.tar[:TAG]               the same in a tar
    docker-archive:/PATH.tar[:NAME:TAG]       what `docker save` writes

The first form is AWS's; the local ones are ours, named as skopeo names them. A registry must be named: there is no
default one. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ramuda.kernel.ports.images import ImageError, ImageFault

Transport: TypeAlias = Literal["oci", "oci-archive", "docker-archive"]

LENGTH_MAX, REPOSITORY_MAX = 4096, 255
DEFAULT_TAG = "latest"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_DIGEST = r"sha256:[a-f0-9]{64}"
_IN_REGISTRY = re.compile(
    rf"({_HOST}(?::[0-9]{{1,5}})?)/({_COMPONENT}(?:/{_COMPONENT})*)(?::({_TAG}))?(?:@({_DIGEST}))?"
)
_LOCAL = re.compile(r"(oci|oci-archive|docker-archive):(/[^:@\0]*)(?::([^@\0]+))?(?:@(sha256:[a-f0-9]{64}))?")
_TRANSPORTS: dict[str, Transport] = {
    "oci": "oci",
    "oci-archive": "oci-archive",
    "docker-archive": "docker-archive",
}
_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?|::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryReference:
    """`host` includes the port. A digest wins over a tag."""

    host: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        return f"{self.host}/{self.repository}"

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    def pinned(self, digest: str) -> str:
        """The URI of the one image, as AWS writes ResolvedImageUri."""
        return f"{self.name}@{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalReference:
    """`name` is a tag, or in a docker archive `NAME:TAG`; None where there is only one image."""

    transport: Transport
    path: str
    name: str | None = None
    digest: str | None = None

    def pinned(self, digest: str) -> str:
        return f"{self.transport}:{self.path}@{digest}"


Reference: TypeAlias = RegistryReference | LocalReference


def is_loopback(host: str) -> bool:
    """Whether the host, with or without a port, is this machine."""
    return _LOOPBACK.fullmatch(host) is not None


def parse(text: str) -> Reference:
    """Raises ImageError."""
    if len(text) > LENGTH_MAX:
        raise _bad("too long")
    local = _LOCAL.fullmatch(text)
    if local is not None:
        transport, path, name, digest = local.groups()
        return LocalReference(transport=_TRANSPORTS[transport], path=path, name=name, digest=digest)
    found = _IN_REGISTRY.fullmatch(text)
    if found is None:
        raise _bad(f"{text!r} is not HOST[:PORT]/REPOSITORY[:TAG][@DIGEST] nor oci:/PATH[:TAG]")
    host, repository, tag, digest = found.groups()
    if not re.search(r"[.:]|^localhost$", host):
        raise _bad(f"{text!r} names no registry: write its host, as in registry.example/{text}")
    if len(repository) > REPOSITORY_MAX:
        raise _bad("the repository's name is too long")
    return RegistryReference(host=host, repository=repository, tag=tag, digest=digest)


def at(reference: Reference, digest: str) -> Reference:
    """The same place, but this very image."""
    return replace(reference, digest=digest)


def _bad(why: str) -> ImageError:
    return ImageError(ImageFault.BAD_URI, why)
