"""A registry over HTTP, played by a small one in this process: tokens, basic credentials, wrong content, absence."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images import Library, Options
from ramuda.runtime.images.registry import proxy_for
from ramuda.testing import ManualClock
from tests.images import MANIFEST, Image, Layer, blob, digest, image

BASIC = base64.b64encode(b"me:secret").decode()
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class FakeRegistry:
    """Manifests and blobs by path. `wants` is the Authorization it lets in; a token is given to `token_for`."""

    documents: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    wants: str | None = None
    token_for: str | None = None
    redirect: str | None = None
    status: int | None = None
    seen: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    def add(self, repository: str, tag: str, added: Image) -> None:
        for name in (tag, added.digest):
            self.documents[f"/v2/{repository}/manifests/{name}"] = (added.manifest, MANIFEST)
        for name, data in added.blobs.items():
            self.documents[f"/v2/{repository}/blobs/{name}"] = (data, "application/octet-stream")

    async def answer(self, request: web.Request) -> web.Response:
        authorization = request.headers.get("Authorization")
        self.seen.append((request.path, authorization))
        if self.status is not None:
            return web.Response(status=self.status)
        if request.path == "/token":
            given = authorization == f"Basic {BASIC}" if self.token_for == "me" else True
            scope = request.query.get("scope", "")
            if not given or scope != "repository:app:pull" or request.query.get("service") != "here":
                return web.Response(status=401)
            return web.json_response({"token": "t0ken"})
        if self.wants is not None and authorization != self.wants:
            challenge = f'Bearer realm="{self.url}/token",service="here",scope="repository:app:pull"'
            if self.wants.startswith("Basic"):
                challenge = 'Basic realm="here"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        if request.path not in self.documents:
            return web.Response(status=404)
        if self.redirect is not None and "/blobs/" in request.path:
            raise web.HTTPTemporaryRedirect(self.redirect + request.path)
        data, media_type = self.documents[request.path]
        return web.Response(body=data, headers={"Content-Type": media_type})


async def served(registry: FakeRegistry) -> TestServer:
    application = web.Application()
    application.router.add_get("/{path:.*}", registry.answer)
    server = TestServer(application)
    await server.start_server()
    registry.url = f"http://127.0.0.1:{server.port}"
    return server


@pytest.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    fake = FakeRegistry()
    server = await served(fake)
    yield fake
    await server.close()


@pytest.fixture
async def library(tmp_path: Path) -> Library:
    return await opened(tmp_path)


async def opened(tmp_path: Path, **options: object) -> Library:
    config = tmp_path / "config.json"
    library = Library(
        tmp_path / "images",
        Options(retry_after_s=(), docker_config=config, **options),  # type: ignore[arg-type]  # by name
        ManualClock(),
    )
    await library.open()
    return library


def small(**changes: object) -> Image:
    return image([blob(Layer().file("text", "1"))], {"Cmd": ["x"]}, **changes)


def uri(registry: FakeRegistry, rest: str = "app:v1") -> str:
    return f"{registry.url.removeprefix('http://')}/{rest}"


async def fault(library: Library, name: str) -> ImageFault:
    with pytest.raises(ImageError) as caught:
        await library.unpack(await library.resolve(name, "x86_64"))
    return caught.value.fault


async def test_an_image_is_found_by_its_tag_and_fetched_by_its_digest(registry: FakeRegistry, library: Library) -> None:
    made = small()
    registry.add("app", "v1", made)
    pinned = await library.resolve(uri(registry), "x86_64")
    assert pinned.resolved_uri == uri(registry, f"app@{made.digest}")
    registry.add("app", "v1", small(author="another"))
    assert ((await library.unpack(pinned)).root / "text").read_text() == "1"
    assert ("/v2/app/manifests/v1", None) in registry.seen


async def test_an_index_leads_to_the_image_for_the_architecture(registry: FakeRegistry, library: Library) -> None:
    arm, intel = small(architecture="arm64"), small(architecture="amd64")
    for each in (arm, intel):
        registry.add("app", each.digest, each)
    manifests = [
        {"digest": each.digest, "size": len(each.manifest), "platform": {"os": "linux", "architecture": name}}
        for name, each in (("arm64", arm), ("amd64", intel))
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
    registry.documents["/v2/app/manifests/v1"] = (index, INDEX)
    assert (await library.resolve(uri(registry), "x86_64")).digest == intel.digest
    assert (await library.resolve(uri(registry), "arm64")).digest == arm.digest


async def test_a_token_is_fetched_when_the_registry_wants_one(registry: FakeRegistry, library: Library) -> None:
    registry.add("app", "v1", small())
    registry.wants = "Bearer t0ken"
    assert (await library.unpack(await library.resolve(uri(registry), "x86_64"))).command == ("x",)


async def test_credentials_of_docker_login_are_used(registry: FakeRegistry, library: Library, tmp_path: Path) -> None:
    registry.add("app", "v1", small())
    host = registry.url.removeprefix("http://")
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": BASIC}}, "credsStore": "x"}))
    registry.wants, registry.token_for = "Bearer t0ken", "me"
    await library.resolve(uri(registry), "x86_64")
    registry.wants = f"Basic {BASIC}"
    await library.resolve(uri(registry), "x86_64")


async def test_without_credentials_a_registry_denies(registry: FakeRegistry, library: Library) -> None:
    registry.add("app", "v1", small())
    registry.wants = f"Basic {BASIC}"
    assert await fault(library, uri(registry)) is ImageFault.DENIED
    registry.wants, registry.token_for = "Bearer t0ken", "me"
    assert await fault(library, uri(registry)) is ImageFault.DENIED
    registry.status = 403
    assert await fault(library, uri(registry)) is ImageFault.DENIED


async def test_a_token_is_not_fetched_over_http_for_a_registry_with_https(
    registry: FakeRegistry, library: Library
) -> None:
    from ramuda.runtime.images.reference import RegistryReference
    from ramuda.runtime.images.registry import opened as registry_opened

    place = RegistryReference(host="registry.example", repository="app")
    async with registry_opened(place, Options()) as source:
        with pytest.raises(ImageError, match="not https"):
            await source._authorize(f'Bearer realm="{registry.url}/token"')
    assert registry.seen == []


async def test_credentials_are_not_sent_where_a_registry_redirects_to(registry: FakeRegistry, library: Library) -> None:
    registry.add("app", "v1", small())
    elsewhere = FakeRegistry(documents=registry.documents)
    server = await served(elsewhere)
    registry.wants, registry.redirect = "Bearer t0ken", elsewhere.url
    try:
        assert (await library.unpack(await library.resolve(uri(registry), "x86_64"))).command == ("x",)
    finally:
        await server.close()
    assert elsewhere.seen
    assert {authorization for _, authorization in elsewhere.seen} == {None}


async def test_what_is_not_there_is_missing(registry: FakeRegistry, library: Library) -> None:
    made = small()
    registry.add("app", "v1", made)
    assert await fault(library, uri(registry, "app:v2")) is ImageFault.MISSING
    assert await fault(library, uri(registry, "other:v1")) is ImageFault.MISSING
    assert await fault(library, uri(registry, f"app@{digest(b'x')}")) is ImageFault.MISSING


async def test_wrong_content_is_refused_and_nothing_of_it_kept(
    registry: FakeRegistry, library: Library, tmp_path: Path
) -> None:
    made = small()
    registry.add("app", "v1", made)
    for path, (data, media_type) in list(registry.documents.items()):
        if path.endswith("/v1"):
            continue
        for wrong in (data + b" ", data[:-1], b""):
            registry.documents[path] = (wrong, media_type)
            assert await fault(library, uri(registry)) is ImageFault.UNSUPPORTED
        registry.documents[path] = (data, media_type)
    assert list((tmp_path / "images" / "layers").iterdir()) == []


async def test_a_registry_in_trouble_is_no_fault_of_the_image(registry: FakeRegistry, library: Library) -> None:
    for status in (500, 429, 418):
        registry.status = status
        with pytest.raises(PortError, match=f"answers {status}"):
            await library.resolve(uri(registry), "x86_64")
    with pytest.raises(PortError, match="does not answer"):
        await library.resolve("127.0.0.1:1/app", "x86_64")


async def test_a_proxy_of_the_environment_is_used_but_not_for_this_machine(
    registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add("app", "v1", small())
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", registry.url)
    library = await opened(tmp_path, insecure_registries=("registry.example",))
    assert (await library.unpack(await library.resolve("registry.example/app:v1", "x86_64"))).command == ("x",)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    await library.resolve(uri(registry), "x86_64")
    monkeypatch.setenv("no_proxy", "registry.example")
    assert proxy_for("http://registry.example/v2/") is None
    assert proxy_for("http://other.example/v2/") == "http://127.0.0.1:1"


async def test_a_registry_may_be_elsewhere(registry: FakeRegistry, tmp_path: Path) -> None:
    made = small()
    registry.add("app", "v1", made)
    library = await opened(tmp_path, registries={"*.dkr.ecr.*.amazonaws.com": registry.url})
    name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app"
    pinned = await library.resolve(f"{name}:v1", "x86_64")
    assert pinned.resolved_uri == f"{name}@{made.digest}"
    assert (await library.unpack(pinned)).command == ("x",)
