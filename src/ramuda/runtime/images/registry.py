"""A client of the registry API: manifests and blobs, with the token dance.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
https://distribution.github.io/distribution/spec/auth/token/
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images import credentials
from ramuda.runtime.images.manifest import DIGEST_PREFIX, INDEX_TYPES, MANIFEST_BYTES, MANIFEST_TYPES, Descriptor
from ramuda.runtime.images.options import Options
from ramuda.runtime.images.reference import DEFAULT_TAG, RegistryReference, is_loopback
from ramuda.runtime.images.source import checked, other_content, too_large

ACCEPT = ", ".join((*MANIFEST_TYPES, *INDEX_TYPES))
CHUNK_BYTES = 1024 * 1024
TOKEN_BYTES = 64 * 1024
_PARAMETER = re.compile(r'([a-zA-Z_]+)="([^"]*)"')
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry.hub.docker.com")


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


@asynccontextmanager
async def opened(reference: RegistryReference, options: Options) -> "AsyncIterator[Registry]":
    """A source of the image."""
    timeout = aiohttp.ClientTimeout(total=None, connect=options.connect_timeout_s, sock_read=options.read_timeout_s)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        yield Registry(session, reference, options)


class Registry:
    """Implements `Source`. Not to be used after its `opened` ended."""

    def __init__(self, session: aiohttp.ClientSession, reference: RegistryReference, options: Options) -> None:
        self._session = session
        self._reference = reference
        self._options = options
        self._base, self._host, self._path = endpoint(reference, options)
        self._authorization: str | None = None

    async def manifest(self, digest: str | None) -> tuple[bytes, str]:
        wanted = digest or self._reference.digest or self._reference.tag or DEFAULT_TAG
        async with self._get(f"manifests/{wanted}", ACCEPT) as response:
            data = await _read(response, MANIFEST_BYTES, "a manifest")
            media_type = response.headers.get("Content-Type", "")
        if wanted.startswith(DIGEST_PREFIX):
            checked(data, wanted)
        return data, media_type

    async def blob(self, descriptor: Descriptor, limit_bytes: int) -> bytes:
        async with self._get(f"blobs/{descriptor.digest}") as response:
            return checked(await _read(response, limit_bytes, "a configuration"), descriptor.digest)

    async def fetch(self, descriptor: Descriptor, target: Path, stopped: Callable[[], bool]) -> None:
        seen = hashlib.sha256()
        size = 0
        async with self._get(f"blobs/{descriptor.digest}") as response:
            with target.open("xb") as file:
                async for data in response.content.iter_chunked(CHUNK_BYTES):
                    size += len(data)
                    if size > descriptor.size:
                        raise too_large("a layer", descriptor.size)
                    if stopped():
                        raise PortError("fetching was ended", retryable=True)
                    await asyncio.to_thread(_write, file.write, seen.update, data)
        if seen.hexdigest() != descriptor.sha256:
            raise other_content(descriptor.digest, seen.hexdigest())

    @asynccontextmanager
    async def _get(self, what: str, accept: str = "*/*") -> AsyncIterator[aiohttp.ClientResponse]:
        """A good answer. Asks for a token when the registry wants one."""
        url = f"{self._base}/v2/{self._path}/{what}"
        try:
            for attempt in (1, 2):
                headers = {"Accept": accept}
                if self._authorization is not None:
                    headers["Authorization"] = self._authorization
                async with self._session.get(url, headers=headers, proxy=proxy_for(url)) as response:
                    if response.status == 401 and attempt == 1:
                        self._authorization = await self._authorize(response.headers.get("WWW-Authenticate", ""))
                        continue
                    self._check(response.status)
                    yield response
                    return
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as e:
            raise PortError(
                f"the registry {self._host} does not answer: {e or type(e).__name__}", retryable=True
            ) from e

    def _check(self, status: int) -> None:
        name = f"{self._reference.name}:{self._reference.digest or self._reference.tag or DEFAULT_TAG}"
        match status:
            case 200:
                return
            case 404:
                raise ImageError(ImageFault.MISSING, f"the registry has no {name}")
            case 401 | 403:
                raise ImageError(ImageFault.DENIED, f"the registry does not give out {name}")
            case _:
                raise PortError(f"the registry {self._host} answers {status}", retryable=status >= 500 or status == 429)

    async def _authorize(self, challenge: str) -> str:
        """What to send as Authorization. Raises ImageError when there is nothing."""
        scheme, _, rest = challenge.partition(" ")
        basic = await asyncio.to_thread(credentials.basic, self._reference.host, self._options.docker_config)
        if scheme.lower() == "bearer":
            return await self._token(dict(_PARAMETER.findall(rest)), basic)
        if basic is None:
            where = self._options.docker_config or credentials.default_config()
            raise ImageError(ImageFault.DENIED, f"{self._host} wants credentials, and {where} has none for it")
        return f"Basic {basic}"

    async def _token(self, challenge: dict[str, str], basic: str | None) -> str:
        realm = challenge.get("realm", "")
        if not realm.startswith("https://") and not (self._base.startswith("http://") and realm.startswith("http://")):
            raise ImageError(ImageFault.DENIED, f"{self._host} wants a token from {realm!r}, which is not https")
        query = {"scope": challenge.get("scope") or f"repository:{self._path}:pull"}
        if "service" in challenge:
            query["service"] = challenge["service"]
        headers = {} if basic is None else {"Authorization": f"Basic {basic}"}
        async with self._session.get(realm, params=query, headers=headers, proxy=proxy_for(realm)) as response:
            self._check(response.status)
            data = await _read(response, TOKEN_BYTES, "a token")
        try:
            token = msgspec.json.decode(data, type=_Token)
        except msgspec.DecodeError as e:
            raise ImageError(ImageFault.DENIED, f"{urlsplit(realm).netloc} gave no token: {e}") from e
        return f"Bearer {token.token or token.access_token}"


def endpoint(reference: RegistryReference, options: Options) -> tuple[str, str, str]:
    """Where the registry is (`https://host`), its host, and the repository's path there (pure)."""
    for pattern, url in options.registries.items():
        if fnmatchcase(reference.host, pattern):
            return url.rstrip("/"), urlsplit(url).netloc, reference.repository
    if reference.host in _DOCKER_HUB:
        path = reference.repository if "/" in reference.repository else f"library/{reference.repository}"
        return "https://registry-1.docker.io", "registry-1.docker.io", path
    is_plain = reference.is_loopback or reference.host in options.insecure_registries
    return f"{'http' if is_plain else 'https'}://{reference.host}", reference.host, reference.repository


def proxy_for(url: str) -> str | None:
    """The proxy of the environment (HTTPS_PROXY, NO_PROXY ...); none for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)


def _write(write: Callable[[bytes], object], update: Callable[[bytes], object], data: bytes) -> None:
    write(data)
    update(data)


async def _read(response: aiohttp.ClientResponse, limit_bytes: int, what: str) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        data += chunk
        if len(data) > limit_bytes:
            raise too_large(what, limit_bytes)
    return bytes(data)
