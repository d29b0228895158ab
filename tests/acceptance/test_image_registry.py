"""The real thing: Debian's docker-registry, started here, pushed to by us and by skopeo, pulled from by the server."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ramuda.testing import RunningServer, running_server
from tests.acceptance.test_lambda_functions import active, refused
from tests.conftest import ROLE
from tests.images import Blob, Image, Layer, base_layers, blob, function, push, write_layout

pytestmark = pytest.mark.slow

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "debian"
CONFIG = """
version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}
http:
  addr: 127.0.0.1:{port}
"""
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
LOOK = "def handler(event, context):\n    return open('/var/task/text').read()\n"


def program(name: str) -> str:
    """A program of Debian's package of the same name: installed, or fetched and unpacked here without being so."""
    found = shutil.which(name) or shutil.which(name, path=str(CACHE / "usr" / "bin"))
    if found is None and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", name], cwd=CACHE, capture_output=True, check=False)
        for package in CACHE.glob(f"{name}_*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(CACHE)], check=True)
        found = shutil.which(name, path=str(CACHE / "usr" / "bin"))
    if found is None:
        pytest.skip(f"{name} is not installed, and apt-get cannot fetch it")
    return found


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`127.0.0.1:PORT` of an empty registry."""
    command = program("docker-registry")
    folder = tmp_path_factory.mktemp("registry")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "config.yml").write_text(CONFIG.format(folder=folder / "data", port=port))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([command, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/v2/", process, folder / "log")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def base() -> Sequence[Blob]:
    return base_layers()


@pytest.fixture
def server(registry: str, tmp_path: Path) -> Iterator[RunningServer]:
    """A server that finds ECR's images in the registry here."""
    config = tmp_path / "ramuda.toml"
    config.write_text(f'[images.registries]\n"*.dkr.ecr.*.amazonaws.com" = "http://{registry}"\n')
    with running_server("--config", str(config)) as started:
        yield started


def made(base: Sequence[Blob], text: str) -> Image:
    return function(base, {"app.py": LOOK, "text": text})


def create(client: Any, name: str, uri: str) -> None:
    client.create_function(FunctionName=name, PackageType="Image", Role=ROLE, Code={"ImageUri": uri}, MemorySize=256)
    active(client, name)


def answer(client: Any, name: str) -> Any:
    return json.loads(client.invoke(FunctionName=name)["Payload"].read())


def test_an_image_is_pulled_from_a_registry_by_its_own_name_and_by_ecr_s(
    registry: str, server: RunningServer, base: Sequence[Blob]
) -> None:
    first, second = made(base, "first"), made(base, "second")
    push(f"http://{registry}", "team/app", "v1", first)
    client = server.client("lambda")
    create(client, "f", f"{registry}/team/app:v1")
    shown = client.get_function(FunctionName="f")
    assert shown["Code"] == {
        "RepositoryType": "ECR",
        "ImageUri": f"{registry}/team/app:v1",
        "ResolvedImageUri": f"{registry}/team/app@{first.digest}",
    }
    assert (shown["Configuration"]["CodeSha256"], answer(client, "f")) == (first.sha256, "first")

    push(f"http://{registry}", "team/app", "v1", second)
    assert answer(client, "f") == "first"
    client.update_function_code(FunctionName="f", ImageUri=f"{ECR}/team/app:v1")
    active(client, "f")
    assert client.get_function(FunctionName="f")["Code"]["ResolvedImageUri"] == f"{ECR}/team/app@{second.digest}"
    assert answer(client, "f") == "second"
    assert len(list((server.data_dir / "images" / "layers").iterdir())) == 4  # the base's two are there once

    gone = f"{registry}/team/app:v9"
    status, told = refused(
        client.create_function, FunctionName="g", PackageType="Image", Role=ROLE, Code={"ImageUri": gone}
    )
    assert (status, told["Error"]["Message"]) == (
        400,
        f"Source image {gone} does not exist. Provide a valid source image.",
    )


def test_what_skopeo_pushes_and_writes_is_run(
    registry: str, server: RunningServer, base: Sequence[Blob], tmp_path: Path
) -> None:
    skopeo = program("skopeo")
    layout = write_layout(tmp_path / "layout", {"v1": made(base, "by skopeo")})
    client = server.client("lambda")
    places = {
        "pushed": f"docker://{registry}/skopeo/app:v1",
        "saved": f"docker-archive:{tmp_path}/saved.tar:skopeo/app:v1",
        "archived": f"oci-archive:{tmp_path}/archived.tar:v1",
    }
    for name, place in places.items():
        command = [skopeo, "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:v1", place]
        subprocess.run(command, check=True)
        create(client, name, place.removeprefix("docker://"))
        assert answer(client, name) == "by skopeo"


def test_an_image_made_by_umoci_is_run(server: RunningServer, base: Sequence[Blob], tmp_path: Path) -> None:
    umoci = program("umoci")
    image = f"{write_layout(tmp_path / 'layout', {'v1': made(base, 'before')})}:v1"
    (tmp_path / "text").write_text("by umoci")
    for command in (
        ["insert", "--rootless", "--image", image, str(tmp_path / "text"), "/var/task/text"],
        ["insert", "--rootless", "--image", image, "--whiteout", "/var/runtime/simplejson/ordered_dict.py"],
        ["config", "--image", image, "--config.env", "MADE_BY=umoci"],
    ):
        subprocess.run([umoci, *command], check=True, capture_output=True)
    client = server.client("lambda")
    create(client, "f", f"oci:{image}")
    assert answer(client, "f") == "by umoci"


@pytest.mark.parametrize("count", [60])
def test_an_image_of_many_layers_is_run(registry: str, server: RunningServer, base: Sequence[Blob], count: int) -> None:
    layers = [blob(Layer().file("var/task/text", str(number))) for number in range(count)]
    pushed = function([*base, *layers], {"app.py": LOOK})
    push(f"http://{registry}", "many", "v1", pushed)
    client = server.client("lambda")
    create(client, "f", f"{registry}/many:v1")
    assert answer(client, "f") == str(count - 1)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s and process.poll() is None:
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, ConnectionError):
            threading.Event().wait(0.05)
    raise AssertionError(f"docker-registry does not answer:\n{log.read_text()}")
