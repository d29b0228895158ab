"""Images from this machine's files: found, pinned, unpacked once, collected; and what a crash leaves."""

import asyncio
import json
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault, PinnedImage, UnpackedImage
from ramuda.runtime.images import Library, Options
from ramuda.testing import ManualClock
from tests.images import Blob, Image, Layer, blob, digest, image, write_layout

RUN = {"Entrypoint": ["/bin/run"], "Cmd": ["a", "b"], "WorkingDir": "/w", "Env": ["A=1"]}


def small(text: str = "1", **run: object) -> Image:
    """Two layers, of which the first is the same in all of them."""
    return image([blob(Layer().file("bin/run", "x", 0o755)), blob(Layer().file("text", text))], {**RUN, **run})


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    opened = await fresh(tmp_path)
    yield opened
    await opened.close()


async def fresh(tmp_path: Path, **options: object) -> Library:
    library = Library(tmp_path / "images", Options(retry_after_s=(), **options), ManualClock())  # type: ignore[arg-type]  # by name
    await library.open()
    return library


async def unpacked(library: Library, uri: str) -> UnpackedImage:
    return await library.unpack(await library.resolve(uri, "x86_64"))


async def fault(library: Library, uri: str, architecture: str = "x86_64") -> ImageFault:
    with pytest.raises(ImageError) as caught:
        await library.unpack(await library.resolve(uri, architecture))
    return caught.value.fault


async def test_a_layout_s_image_is_pinned_by_its_digest_and_unpacked(library: Library, tmp_path: Path) -> None:
    made = small()
    layout = write_layout(tmp_path / "layout", {"v1": made, "v2": small("2")})
    pinned = await library.resolve(f"oci:{layout}:v1", "x86_64")
    assert pinned == PinnedImage(
        uri=f"oci:{layout}:v1",
        resolved_uri=f"oci:{layout}@{made.digest}",
        digest=made.digest,
        architecture="x86_64",
    )
    found = await library.unpack(pinned)
    assert (found.entry_point, found.command, found.working_dir) == (("/bin/run",), ("a", "b"), "/w")
    assert found.environment == (("A", "1"),)
    assert (found.root / "text").read_text() == "1"
    assert (found.root / "bin/run").stat().st_mode & 0o777 == 0o755


async def test_a_pinned_image_stays_what_it_was_when_its_tag_moves(library: Library, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"v1": small()})
    pinned = await library.resolve(f"oci:{layout}:v1", "x86_64")
    write_layout(layout, {"v1": small("2")})
    assert ((await library.unpack(pinned)).root / "text").read_text() == "1"
    assert ((await unpacked(library, f"oci:{layout}:v1")).root / "text").read_text() == "2"


async def test_layers_are_unpacked_once_and_shared(library: Library, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"v1": small(), "v2": small("2")})
    first, second = [await unpacked(library, f"oci:{layout}:{tag}") for tag in ("v1", "v2")]
    assert first.root != second.root
    assert (first.root / "bin/run").stat().st_ino == (second.root / "bin/run").stat().st_ino
    assert len(list((tmp_path / "images" / "layers").iterdir())) == 3


async def test_an_image_is_unpacked_once_whoever_asks_meanwhile(library: Library, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"v1": small()})
    pinned = await library.resolve(f"oci:{layout}", "x86_64")
    found = await asyncio.gather(*(library.unpack(pinned) for _ in range(5)))
    assert len({each.root for each in found}) == 1
    shutil.rmtree(layout)
    assert await library.unpack(pinned) == found[0]


async def test_archives_are_layouts_in_a_tar(library: Library, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"v1": small()})
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(layout, ".")
    assert ((await unpacked(library, f"oci-archive:{tmp_path}/a.tar:v1")).root / "text").read_text() == "1"


async def test_what_docker_saves_is_unpacked(library: Library, tmp_path: Path) -> None:
    layers = [Layer().file("a", "1").data(), Layer().file("b", "2").data()]
    config = {"architecture": "amd64", "os": "linux", "config": RUN}
    config["rootfs"] = {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}
    saved = [{"Config": "c.json", "RepoTags": ["x/y:1"], "Layers": ["1/layer.tar", "2/layer.tar"]}]
    archive = Layer().file("manifest.json", json.dumps(saved)).file("c.json", json.dumps(config))
    archive.file("1/layer.tar", layers[0]).file("3/layer.tar", layers[1]).link("2/layer.tar", "../3/layer.tar")
    (tmp_path / "d.tar").write_bytes(archive.data())
    pinned = await library.resolve(f"docker-archive:{tmp_path}/d.tar:x/y:1", "x86_64")
    root = (await library.unpack(pinned)).root
    assert ((root / "a").read_text(), (root / "b").read_text()) == ("1", "2")
    assert await fault(library, f"docker-archive:{tmp_path}/d.tar:x/y:2") is ImageFault.MISSING
    other = f"docker-archive:{tmp_path}/d.tar@sha256:{'0' * 64}"
    assert await fault(library, other) is ImageFault.MISSING


@pytest.mark.skipif(shutil.which("zstd") is None, reason="the program zstd is not installed")
async def test_zstd_layers_are_unpacked(library: Library, tmp_path: Path) -> None:
    tar = Layer().file("text", "1").data()
    packed = subprocess.run(["zstd", "-q", "-c"], input=tar, capture_output=True, check=True).stdout
    zstd = "application/vnd.oci.image.layer.v1.tar+zstd"
    write_layout(tmp_path / "z", {"v1": image([Blob(packed, digest(tar), zstd)])})
    assert ((await unpacked(library, f"oci:{tmp_path}/z")).root / "text").read_text() == "1"
    write_layout(tmp_path / "cut", {"v1": image([Blob(packed[:-9], digest(tar), zstd)])})
    assert await fault(library, f"oci:{tmp_path}/cut") is ImageFault.UNSUPPORTED


async def test_what_is_not_there_is_told_from_what_is_no_image(library: Library, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"v1": small(), "v2": small("2")})
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.tar").write_bytes(b"\x1f\x8b no tar")
    assert await fault(library, f"oci:{layout}:v3") is ImageFault.MISSING
    assert await fault(library, f"oci:{layout}") is ImageFault.MISSING  # which of the two?
    assert await fault(library, f"oci:{tmp_path}/empty") is ImageFault.MISSING
    assert await fault(library, f"oci:{tmp_path}/nothing") is ImageFault.MISSING
    assert await fault(library, f"oci-archive:{tmp_path}/nothing.tar") is ImageFault.MISSING
    assert await fault(library, f"oci-archive:{tmp_path}/no.tar") is ImageFault.UNSUPPORTED
    assert await fault(library, f"oci:{layout}:v1", "arm64") is ImageFault.ARCHITECTURE


async def test_content_that_is_not_what_its_digest_says_is_refused(library: Library, tmp_path: Path) -> None:
    made = small()
    layout = write_layout(tmp_path / "layout", {"v1": made})
    blobs = layout / "blobs" / "sha256"
    for name in (made.digest, *made.blobs):
        path = blobs / name.removeprefix("sha256:")
        good = path.read_bytes()
        path.write_bytes(good + b" ")
        assert await fault(library, f"oci:{layout}:v1") is ImageFault.UNSUPPORTED
        path.write_bytes(good)
    assert (await unpacked(library, f"oci:{layout}:v1")).root.is_dir()


async def test_a_layer_must_be_the_one_that_the_configuration_names(library: Library, tmp_path: Path) -> None:
    other = Blob(blob(Layer().file("a", "1")).data, "sha256:" + "0" * 64)
    write_layout(tmp_path / "layout", {"v1": image([other])})
    assert await fault(library, f"oci:{tmp_path}/layout") is ImageFault.UNSUPPORTED


async def test_an_image_beyond_the_limit_leaves_nothing(tmp_path: Path) -> None:
    library = await fresh(tmp_path, image_bytes=5_000)
    layer = blob(Layer().file("zeros", bytes(100_000)))
    write_layout(tmp_path / "layout", {"v1": image([layer])})
    assert len(layer.data) < 5_000
    assert await fault(library, f"oci:{tmp_path}/layout") is ImageFault.TOO_LARGE
    assert list((tmp_path / "images" / ".incoming").iterdir()) == []
    assert list((tmp_path / "images" / "layers").iterdir()) == []


async def test_a_server_may_take_no_images_from_its_own_files(tmp_path: Path) -> None:
    library = await fresh(tmp_path, local_paths=False)
    assert await fault(library, f"oci:{tmp_path}/layout") is ImageFault.BAD_URI


async def test_images_nobody_has_are_collected_and_shared_layers_stay(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"v1": small(), "v2": small("2")})
    library = await fresh(tmp_path)
    first, second = [await unpacked(library, f"oci:{layout}:{tag}") for tag in ("v1", "v2")]
    assert await library.collect(set()) == 0  # this process may be running them

    later = await fresh(tmp_path)
    assert await later.collect({small("2").digest}) == 1
    assert not first.root.exists()
    assert (second.root / "bin/run").read_text() == "x"
    assert len(list((tmp_path / "images" / "layers").iterdir())) == 2
    assert await later.collect(set()) == 1
    assert list((tmp_path / "images" / "layers").iterdir()) == []


async def test_what_a_crash_left_is_removed_and_unpacking_begins_anew(tmp_path: Path) -> None:
    left = tmp_path / "images" / ".incoming" / "left" / "tree"
    left.mkdir(parents=True)
    (left / "file").write_text("half")
    left.chmod(0o500)
    library = await fresh(tmp_path)
    assert list((tmp_path / "images" / ".incoming").iterdir()) == []
    layout = write_layout(tmp_path / "layout", {"v1": small()})
    assert (await unpacked(library, f"oci:{layout}")).root.is_dir()


async def test_a_disk_that_fails_is_no_fault_of_the_image_and_is_tried_again(tmp_path: Path) -> None:
    clock = ManualClock()
    library = Library(tmp_path / "images", Options(retry_after_s=(1.0,)), clock)
    await library.open()
    layout = write_layout(tmp_path / "layout", {"v1": small()})
    pinned = await library.resolve(f"oci:{layout}", "x86_64")
    shutil.rmtree(tmp_path / "images" / "layers")
    (tmp_path / "images" / "layers").write_text("in the way")
    unpacking = asyncio.ensure_future(library.unpack(pinned))
    while not unpacking.done():
        await clock.advance(1.0)
    with pytest.raises(PortError, match="images cannot be stored"):
        unpacking.result()
