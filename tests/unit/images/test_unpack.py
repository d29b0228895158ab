"""Layers become a root, and nothing outside of it: whiteouts, links, hostile names, limits."""

import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.images import ImageError, ImageFault
from ramuda.runtime.images import root
from ramuda.runtime.images.unpack import Budget, Marks, unpack
from tests.images import Layer

Merge = Callable[..., Path]
PLACES = {"dev", "etc", "etc/hosts", "etc/resolv.conf", "proc", "run", "tmp", "opt", "var", "var/task"}


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    """`merge(layer, layer, ...)` is the root of an image of these layers."""

    def work(*layers: Layer, budget: Budget | None = None) -> Path:
        budget = budget or Budget(image_bytes=1_000_000, entries=1000)
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        unpacked: list[tuple[Path, Marks]] = []
        for number, layer in enumerate(layers):
            tree = folder / f"layer-{number}"
            tree.mkdir()
            unpacked.append((tree, unpack(io.BytesIO(layer.data()), tree, budget)))
        merged = folder / "root"
        merged.mkdir()
        root.build(unpacked, merged)
        return merged

    return work


def content(folder: Path) -> dict[str, str]:
    """Everything in a root but the places that every root has."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text()
        else:
            found[name] = "/"
    return {name: text for name, text in found.items() if name not in PLACES}


def fault(work: Callable[[], object]) -> ImageFault:
    with pytest.raises(ImageError) as caught:
        work()
    return caught.value.fault


def test_later_layers_lie_over_earlier_ones(merge: Merge) -> None:
    lower = Layer().file("a", "1").file("b/c", "1").folder("d", 0o700).link("e", "a")
    upper = Layer().file("b/c", "2").folder("d", 0o755).file("d/f", "2").file("e", "2")
    merged = merge(lower, upper)
    assert content(merged) == {"a": "1", "b": "/", "b/c": "2", "d": "/", "d/f": "2", "e": "2"}
    assert stat.S_IMODE((merged / "d").stat().st_mode) == 0o755


def test_a_whiteout_takes_away_what_lies_below_and_only_that(merge: Merge) -> None:
    lower = Layer().file("a", "1").file("b/c", "1").file("b/d/e", "1").link("l", "b")
    upper = Layer().file("b/.wh.d", "").file(".wh.a", "").file(".wh.nothing", "").file("b/d", "2").file("l/.wh.c", "")
    assert content(merge(lower, upper)) == {"b": "/", "b/d": "2", "l": "-> b"}


def test_an_opaque_folder_hides_all_that_lies_below(merge: Merge) -> None:
    lower = Layer().file("b/c", "1").file("b/d/e", "1")
    upper = Layer().file("b/f", "2").file("b/.wh..wh..opq", "").file(".wh..wh.plnk", "")
    assert content(merge(lower, upper)) == {"b": "/", "b/f": "2"}


def test_files_below_a_link_of_a_lower_layer_go_where_it_leads(merge: Merge) -> None:
    lower = Layer().folder("usr/lib").link("lib", "usr/lib").link("abs", "/usr/lib")
    upper = Layer().file("lib/x", "2").file("abs/y", "2")
    assert content(merge(lower, upper)) == {
        "abs": "-> /usr/lib",
        "lib": "-> usr/lib",
        "usr": "/",
        "usr/lib": "/",
        "usr/lib/x": "2",
        "usr/lib/y": "2",
    }


def test_a_folder_that_is_in_the_layer_replaces_a_link(merge: Merge) -> None:
    lower = Layer().folder("usr/lib").link("lib", "usr/lib")
    upper = Layer().folder("lib").file("lib/x", "2")
    assert content(merge(lower, upper)) == {"lib": "/", "lib/x": "2", "usr": "/", "usr/lib": "/"}


def test_hard_links_lead_to_files_of_the_same_or_a_lower_layer(merge: Merge) -> None:
    lower = Layer().file("a", "1").entry("b", type=tarfile.LNKTYPE, linkname="a")
    upper = Layer().entry("c", type=tarfile.LNKTYPE, linkname="/a")
    merged = merge(lower, upper)
    assert content(merged) == {"a": "1", "b": "1", "c": "1"}
    assert len({(merged / name).stat().st_ino for name in "abc"}) == 1
    astray = Layer().entry("d", type=tarfile.LNKTYPE, linkname="gone")
    assert fault(lambda: merge(astray)) is ImageFault.UNSUPPORTED


def test_devices_set_id_bits_and_owners_are_left_out_and_times_are_kept(merge: Merge) -> None:
    layer = Layer().entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3).entry("pipe", type=tarfile.FIFOTYPE)
    layer.entry("su", b"x", size=1, mode=0o6755, uid=4242, mtime=1_234_567_890)
    merged = merge(layer)
    assert set(content(merged)) == {"su"}
    status = (merged / "su").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_mtime) == (0o755, os.getuid(), 1_234_567_890)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/../x", "a/" * 300 + "x", "a" * 300, "b" * 200 + "/c" * 1000])
def test_a_name_that_leads_out_or_too_deep_is_refused(merge: Merge, tmp_path: Path, name: str) -> None:
    assert fault(lambda: merge(Layer().file(name, "x"))) is ImageFault.UNSUPPORTED
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "lead", ["/", "..", "../../..", "/../..", "a/../../..", "/proc/self/root", "/etc", "//etc/../../etc"]
)
def test_a_link_leads_nowhere_but_into_the_image(merge: Merge, tmp_path: Path, lead: str) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    layer = Layer().link("out", lead).file(f"out{outside}", "hostile").file("out/hostile", "hostile")
    merge(layer, Layer().file(f"out{tmp_path}/.wh.outside", "").file("out/.wh..wh..opq", ""))
    assert outside.read_text() == "untouched"
    assert not Path("/hostile").exists()
    assert not Path("/etc/hostile").exists()


@pytest.mark.parametrize("lead", ["/etc", "../../../../../../../../../../etc", "/proc/self/root/etc"])
def test_a_hard_link_leads_to_files_of_the_image_only(merge: Merge, lead: str) -> None:
    layer = Layer().link("out", lead).entry("l", type=tarfile.LNKTYPE, linkname="out/passwd")
    assert fault(lambda: merge(layer)) is ImageFault.UNSUPPORTED
    own = Layer().file("etc/passwd", "the image's").file("proc/self/root/etc/passwd", "the image's")
    assert (merge(own, layer) / "l").read_text() == "the image's"


def test_links_in_circles_are_refused(merge: Merge) -> None:
    layer = Layer().link("a", "b").link("b", "a").file("a/x", "1")
    assert fault(lambda: merge(layer)) is ImageFault.UNSUPPORTED


def test_the_places_of_a_sandbox_are_folders_and_files_whatever_the_image_has(merge: Merge) -> None:
    layer = Layer().link("dev", "/etc").file("proc", "x").link("tmp", "..").link("run", "/").folder("etc/hosts/x")
    layer.link("etc/resolv.conf", "/run/resolv.conf").link("var", "/").link("opt", "/usr")
    merged = merge(layer)
    for name in ("dev", "etc", "proc", "run", "tmp"):
        assert stat.S_ISDIR((merged / name).lstat().st_mode)
    for name in ("etc/hosts", "etc/resolv.conf"):
        assert stat.S_ISREG((merged / name).lstat().st_mode)
    assert (merged / "var").is_symlink()


def test_an_unpacked_file_is_not_written_through_a_hard_link_to_a_place(merge: Merge) -> None:
    layer = Layer().file("secret", "1").entry("etc/hosts", type=tarfile.LNKTYPE, linkname="secret")
    merged = merge(layer)
    assert ((merged / "secret").read_text(), (merged / "etc/hosts").read_text()) == ("1", "")
    assert (merged.parent / "layer-0" / "secret").read_text() == "1"


def test_what_is_too_large_is_refused_while_it_is_unpacked(merge: Merge) -> None:
    small = Budget(image_bytes=10, entries=100)
    assert fault(lambda: merge(Layer().file("a", "123456").file("b", "78901"), budget=small)) is ImageFault.TOO_LARGE


def test_too_many_files_are_refused(merge: Merge) -> None:
    few = Budget(image_bytes=10, entries=2)
    assert fault(lambda: merge(Layer().file("a/b/c", "1"), budget=few)) is ImageFault.TOO_LARGE


def test_unpacking_ends_when_it_is_told_to(merge: Merge) -> None:
    budget = Budget(image_bytes=10, entries=10)
    budget.stop()
    with pytest.raises(PortError, match="ended"):
        merge(Layer().file("a", "1"), budget=budget)


NAMES = st.lists(
    st.sampled_from(["a", "b", "etc", "dev", "..", ".wh.a", ".wh..wh..opq", ".wh..", "l"]), min_size=1, max_size=4
)
ENTRIES = st.lists(
    st.tuples(
        NAMES.map("/".join),
        st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]),
        st.sampled_from(["", "/", "..", "a", "/a/b", "../../a", "/etc", "l", "."]),
    ),
    max_size=12,
)


@given(st.lists(ENTRIES, min_size=1, max_size=3))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_layers_hold_nothing_outside_changes(
    tmp_path_factory: pytest.TempPathFactory, layers: list[list[tuple[str, bytes, str]]]
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "a").mkdir()
    unpacked: list[tuple[Path, Marks]] = []
    try:
        for number, entries in enumerate(layers):
            layer = Layer()
            for name, kind, link in entries:
                layer.entry(name, b"x" if kind == tarfile.REGTYPE else b"", type=kind, linkname=link)
            tree = folder / f"layer-{number}"
            tree.mkdir()
            data = layer.data()
            unpacked.append((tree, unpack(io.BytesIO(data), tree, Budget(image_bytes=10_000, entries=1000))))
        merged = folder / "root"
        merged.mkdir()
        root.build(unpacked, merged)
    except ImageError:
        pass
    else:
        for name in ("dev", "etc", "proc", "run", "tmp"):
            assert stat.S_ISDIR((merged / name).lstat().st_mode)
    assert list((folder / "a").iterdir()) == []
    assert {path.name for path in folder.iterdir()} <= {"a", "root", "layer-0", "layer-1", "layer-2"}


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.REGTYPE], ids=["device", "whiteout"])
def test_data_that_is_thrown_away_counts_as_well(tmp_path: Path, kind: bytes) -> None:
    """Else a few megabytes of gzip would keep the machine busy for hours."""
    info = tarfile.TarInfo(".wh.x")
    info.type, info.size = kind, 1 << 40

    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.head = info.tobuf(tarfile.GNU_FORMAT)
            self.read_bytes = 0

        def read(self, size: int = -1, /) -> bytes:
            head, self.head = self.head[:size], self.head[size:]
            self.read_bytes += size
            assert self.read_bytes < 1 << 26, "it goes on reading"
            return head or bytes(size)

    budget = Budget(image_bytes=1_000_000, entries=1000)
    assert fault(lambda: unpack(Endless(), tmp_path, budget)) is ImageFault.TOO_LARGE


def test_what_a_layer_takes_away_is_bounded_in_memory(merge: Merge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ramuda.runtime.images.unpack.MARKS_MAX", 100)
    assert fault(lambda: merge(Layer().file(".wh." + "x" * 60, "").file(".wh." + "y" * 60, ""))) is ImageFault.TOO_LARGE
    linked = Layer().entry("x" * 60, type=tarfile.LNKTYPE, linkname="y" * 60)
    assert fault(lambda: merge(linked)) is ImageFault.TOO_LARGE
    deep = Layer().file("/".join(["x" * 20] * 5) + "/f", "")
    assert fault(lambda: merge(deep)) is ImageFault.TOO_LARGE
