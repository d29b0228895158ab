"""Container images as runtimes: added, preferred, shown, removed when nobody runs them."""

from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError
from ramuda.kernel.ports.sandbox import Boot
from ramuda.runtime.catalogue import Catalogue
from ramuda.runtime.catalogue import Options as CatalogueOptions
from ramuda.runtime.catalogue.images import RuntimeImages
from ramuda.runtime.images import Options
from ramuda.testing import ManualClock
from tests.images import Image, Layer, blob, image, write_layout


def base(text: str = "1") -> Image:
    layer = (
        Layer().file("var/runtime/bootstrap", "#!/bin/sh\n", 0o755).file("text", text).folder("var/task").folder("opt")
    )
    return image([blob(layer)], {"Env": ["PATH=/own/bin", "OWN=1"]})


@pytest.fixture
def layout(tmp_path: Path) -> str:
    return f"oci:{write_layout(tmp_path / 'layout', {'v1': base(), 'v2': base('2')})}"


async def add(cache: Path, identifier: str, reference: str) -> None:
    await RuntimeImages(cache).add(identifier, reference, Options(), ManualClock())


async def test_an_image_goes_before_what_the_machine_has(tmp_path: Path, layout: str) -> None:
    catalogue = Catalogue(CatalogueOptions(cache_dir=tmp_path / "cache", install=False))
    try:
        await add(tmp_path / "cache", "dotnet8", f"{layout}:v1")  # which this machine could not run at all
        runtime = await catalogue.provide("dotnet8")
        assert runtime.runtime_version.endswith(f".image.{base().sha256[:12]}")
        assert (runtime.spec.boot, runtime.spec.argv) == (Boot.EXEC, ("/var/runtime/bootstrap",))
        assert runtime.spec.root == tmp_path / "cache" / "images" / "roots" / base().sha256 / "tree"
        environment = dict(runtime.spec.environment)
        assert (environment["PATH"], environment["OWN"]) == ("/own/bin", "1")
        (status,) = [each for each in await catalogue.survey() if each.identifier == "dotnet8"]
        assert (status.runnable, status.version, status.mend) == (True, base().sha256[:12], "")
        assert status.interpreter == f"{layout}:v1 (container image)"

        await add(tmp_path / "cache", "dotnet8", f"{layout}:v2")  # while the catalogue is in use
        changed = await catalogue.provide("dotnet8")
        assert changed.runtime_version.endswith(f".image.{base('2').sha256[:12]}")
        assert await RuntimeImages(tmp_path / "cache").remove("dotnet8", Options(), ManualClock())
        with pytest.raises(PortError):
            await catalogue.provide("dotnet8")
    finally:
        await catalogue.close()


async def test_a_sandbox_that_cannot_run_images_does_not_get_them(tmp_path: Path, layout: str) -> None:
    await add(tmp_path, "dotnet8", f"{layout}:v1")
    catalogue = Catalogue(CatalogueOptions(cache_dir=tmp_path, install=False), runs_images=False)
    with pytest.raises(PortError):
        await catalogue.provide("dotnet8")
    await catalogue.close()


async def test_an_image_s_files_stay_while_somebody_runs_it(tmp_path: Path, layout: str) -> None:
    await add(tmp_path, "python3.13", f"{layout}:v1")
    user = RuntimeImages(tmp_path)
    runtime = user.provide("python3.13")
    assert runtime is not None
    assert runtime.spec.root is not None
    assert await RuntimeImages(tmp_path).remove("python3.13", Options(), ManualClock())
    assert (runtime.spec.root / "text").read_text() == "1"
    assert user.provide("python3.13") is None
    user.close()
    await add(tmp_path, "ruby3.4", f"{layout}:v2")
    assert await RuntimeImages(tmp_path).remove("ruby3.4", Options(), ManualClock())
    assert list((tmp_path / "images" / "roots").iterdir()) == []
    assert not await RuntimeImages(tmp_path).remove("ruby3.4", Options(), ManualClock())


async def test_an_image_that_is_no_base_image_is_not_made_a_runtime(tmp_path: Path) -> None:
    for number, layer in enumerate(
        (
            Layer().file("x", "1"),
            Layer().file("var/runtime/bootstrap", "x", 0o644),
            Layer().file("var/runtime/bootstrap", "x", 0o755).link("opt", "/usr"),
        )
    ):
        layout = write_layout(tmp_path / str(number), {"v1": image([blob(layer)])})
        with pytest.raises(ImageError, match="the image has no"):
            await add(tmp_path / "cache", "python3.13", f"oci:{layout}")
    assert RuntimeImages(tmp_path / "cache").all() == {}


async def test_a_broken_list_is_told_and_can_be_written_anew(tmp_path: Path, layout: str) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "runtimes.json").write_text("[")
    with pytest.raises(PortError, match="`ramuda runtimes add` writes it anew"):
        RuntimeImages(tmp_path).all()
    await add(tmp_path, "python3.13", f"{layout}:v1")
    assert list(RuntimeImages(tmp_path).all()) == ["python3.13"]
