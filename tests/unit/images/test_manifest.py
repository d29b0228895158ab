"""What registries say about images is read strictly."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images import manifest
from ramuda.runtime.images.manifest import Index, Manifest

D = "sha256:" + "a" * 64
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": D, "size": 1}
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": D, "size": 1}


def document(**members: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, "config": CONFIG, "layers": [LAYER], **members}).encode()


def index(*platforms: tuple[str, str] | None) -> Index:
    manifests: list[dict[str, Any]] = []
    for number, platform in enumerate(platforms):
        each: dict[str, Any] = {"digest": f"sha256:{number:064d}", "size": 1, "mediaType": manifest.MANIFEST_TYPES[0]}
        if platform is not None:
            each["platform"] = {"os": platform[0], "architecture": platform[1]}
        manifests.append(each)
    found = manifest.parse(json.dumps({"schemaVersion": 2, "manifests": manifests}).encode())
    assert isinstance(found, Index)
    return found


def fault(data: bytes, media_type: str = "") -> ImageFault:
    with pytest.raises(ImageError) as caught:
        manifest.parse(data, media_type)
    return caught.value.fault


def test_manifests_and_indexes_are_told_apart_by_their_type_or_their_members() -> None:
    assert isinstance(manifest.parse(document()), Manifest)
    assert isinstance(manifest.parse(document(), manifest.MANIFEST_TYPES[1]), Manifest)
    assert isinstance(manifest.parse(b'{"manifests": []}'), Index)
    assert isinstance(manifest.parse(b'{"manifests": []}', f"{manifest.INDEX_TYPES[1]}; charset=utf-8"), Index)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        document(layers=None),
        document(layers=[{**LAYER, "digest": "sha256:x"}]),
        document(layers=[{**LAYER, "digest": "sha512:" + "a" * 128}]),
        document(layers=[{**LAYER, "digest": "sha256:../../../../etc/passwd" + "a" * 36}]),
        document(layers=[{**LAYER, "size": -1}]),
        document(layers=[{**LAYER, "mediaType": "application/wasm"}]),
        document(layers=[{**LAYER, "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}]),
        document(layers=[LAYER] * 2000),
    ],
)
def test_what_is_no_good_manifest_is_refused(data: bytes) -> None:
    assert fault(data) is ImageFault.UNSUPPORTED


@given(st.binary(max_size=300))
def test_any_bytes_are_a_document_or_refused(data: bytes) -> None:
    assert fault(data) is ImageFault.UNSUPPORTED


def test_an_index_gives_the_image_for_the_architecture() -> None:
    found = index(("linux", "arm64"), ("unknown", "unknown"), ("linux", "amd64"), ("windows", "amd64"))
    assert manifest.choose(found, "x86_64").digest.endswith("2")
    assert manifest.choose(found, "arm64").digest.endswith("0")
    with pytest.raises(ImageError) as caught:
        manifest.choose(index(("linux", "arm64"), ("windows", "amd64")), "x86_64")
    assert (caught.value.fault, str(caught.value)) == (
        ImageFault.ARCHITECTURE,
        "there is no image for linux/amd64, only for linux/arm64, windows/amd64",
    )


def test_an_image_without_an_index_must_be_for_the_architecture() -> None:
    found = manifest.parse(document())
    assert isinstance(found, Manifest)
    read = {"architecture": "arm64", "os": "linux", "rootfs": {"diff_ids": [D]}, "config": {"Cmd": ["a"]}}
    configuration = manifest.parse_configuration(json.dumps(read).encode(), found)
    manifest.check_platform(configuration, "arm64")
    with pytest.raises(ImageError, match="the image is for linux/arm64, not for linux/amd64"):
        manifest.check_platform(configuration, "x86_64")


def test_a_configuration_says_how_an_image_runs() -> None:
    found = manifest.parse(document())
    assert isinstance(found, Manifest)
    run = {"Entrypoint": ["/e"], "Cmd": None, "Env": ["A=1=2", "B=", "=C", "D"], "WorkingDir": "/w", "User": "1"}
    read = manifest.parse_configuration(json.dumps({"rootfs": {"diff_ids": [D]}, "config": run}).encode(), found)
    assert (read.run.entry_point, read.run.command, read.run.working_dir) == (("/e",), None, "/w")
    assert read.environment == (("A", "1=2"), ("B", ""))
    with pytest.raises(ImageError, match="another number of layers"):
        manifest.parse_configuration(b'{"rootfs": {"diff_ids": []}}', found)


def test_layers_beyond_the_limit_are_not_fetched() -> None:
    found = manifest.parse(document(layers=[{**LAYER, "size": 6}, {**LAYER, "size": 5}]))
    assert isinstance(found, Manifest)
    manifest.check_size(found, 11)
    with pytest.raises(ImageError) as caught:
        manifest.check_size(found, 10)
    assert caught.value.fault is ImageFault.TOO_LARGE
