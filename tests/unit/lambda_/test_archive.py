"""Archives that mean harm, and those that do not."""

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ramuda.services.lambda_ import archive
from ramuda.services.lambda_.archive import BadArchive, Entry, TooLarge

LINK = stat.S_IFLNK | 0o777


def made(*entries: tuple[str, bytes, int], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of (name, content, Unix mode)."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as target:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            info.compress_type = method
            target.writestr(info, content)
    return sink.getvalue()


def everything(folder: Path) -> dict[str, str]:
    """What is below a folder, links not followed."""
    found = {}
    for path, folders, files in os.walk(folder):
        for name in folders + files:
            entry = Path(path, name)
            shown = str(entry.relative_to(folder))
            if entry.is_symlink():
                found[shown] = f"-> {entry.readlink()}"
            else:
                found[shown] = "folder" if entry.is_dir() else entry.read_text()
    return found


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "above" / "target"
    folder.mkdir(parents=True)
    return folder


def test_files_folders_and_links_come_out_as_they_went_in(target: Path) -> None:
    data = made(
        ("./a.py", b"a", 0o600),
        ("bin/", b"", stat.S_IFDIR | 0o755),
        ("bin/run", b"run", stat.S_IFREG | 0o755),
        ("pkg//b.py", b"b", 0),
        ("a.py", b"a again", 0o644),
        ("link", b"pkg/b.py", LINK),
        ("pkg/up", b"../a.py", LINK),
        ("tool", b"/opt/bin/tool", LINK),
        ("empty/", b"", stat.S_IFDIR | 0o700),
    )
    assert archive.unpack(data, target) == len("runba again")
    assert everything(target) == {
        "a.py": "a again",
        "bin": "folder",
        "bin/run": "run",
        "pkg": "folder",
        "pkg/b.py": "b",
        "pkg/up": "-> ../a.py",
        "link": "-> pkg/b.py",
        "tool": "-> /opt/bin/tool",
        "empty": "folder",
    }
    assert os.access(target / "bin/run", os.X_OK)
    assert stat.S_IMODE((target / "a.py").stat().st_mode) & 0o111 == 0


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([("../evil", b"", 0o644)], id="traversal"),
        pytest.param([("a/../../evil", b"", 0o644)], id="traversal further down"),
        pytest.param([("a/..", b"", 0o644)], id="traversal to the root"),
        pytest.param([("/etc/evil", b"", 0o644)], id="absolute"),
        pytest.param([("//evil", b"", 0o644)], id="absolute twice"),
        pytest.param([("x" * 256, b"", 0o644)], id="a name too long"),
        pytest.param([("/".join(["d" * 200] * 30), b"", 0o644)], id="a path too long"),
        pytest.param([("link", b"/etc/passwd", LINK)], id="a link to the host"),
        pytest.param([("link", b"../..", LINK)], id="a link upwards"),
        pytest.param([("d/link", b"../../x", LINK)], id="a link upwards from below"),
        pytest.param([("link", b"/tmp/../etc/passwd", LINK)], id="a link through a place it may name"),
        pytest.param([("link", b"", LINK)], id="a link to nothing"),
        pytest.param([("link", b"x" * 5000, LINK)], id="a link too long"),
        pytest.param([("link", b"\xff", LINK)], id="a link that is no text"),
        pytest.param([("d", b"/tmp", LINK), ("d/file", b"x", 0o644)], id="a file written through a link"),
        pytest.param([("d/file", b"x", 0o644), ("d", b"/tmp", LINK)], id="a link laid over a folder"),
        pytest.param([("d/", b"", stat.S_IFDIR), ("d", b"/tmp", LINK)], id="a link in place of a folder"),
        pytest.param([("f", b"x", 0o644), ("f/g", b"x", 0o644)], id="a file below a file"),
        pytest.param([("dev", b"", stat.S_IFCHR | 0o666)], id="a device"),
        pytest.param([("pipe", b"", stat.S_IFIFO | 0o666)], id="a pipe"),
        pytest.param([("socket", b"", stat.S_IFSOCK | 0o666)], id="a socket"),
        pytest.param([("link/", b"/tmp", LINK)], id="a link named like a folder"),
        pytest.param([("", b"x", 0o644)], id="a file without a name"),
    ],
)
def test_entries_that_reach_outside_are_refused(target: Path, entries: list[tuple[str, bytes, int]]) -> None:
    with pytest.raises(BadArchive):
        archive.unpack(made(("good.py", b"good", 0o644), *entries), target)
    above = target.parent
    assert {path.name for path in above.iterdir()} == {"target"}
    assert [path.name for path in above.parent.iterdir()] == ["above"]


def damaged(how: Callable[[bytearray], None]) -> bytes:
    data = bytearray(made(("a.py", b"a" * 1000, 0o644)))
    how(data)
    return bytes(data)


def central(data: bytearray) -> int:
    return data.index(b"PK\x01\x02")


def _encrypt(data: bytearray) -> None:
    data[6] |= 1
    data[central(data) + 8] |= 1


def _lie_about_size(data: bytearray) -> None:
    struct.pack_into("<L", data, central(data) + 24, 10)


def _lie_about_offset(data: bytearray) -> None:
    struct.pack_into("<L", data, len(data) - 6, 0xFFFFFF)


def _lie_about_directory(data: bytearray) -> None:
    struct.pack_into("<L", data, len(data) - 10, 0x7FFFFFFF)


def _damage_content(data: bytearray) -> None:
    data[36:40] = b"\xff\xff\xff\xff"


def _damage_checksum(data: bytearray) -> None:
    struct.pack_into("<L", data, central(data) + 16, 1)


def _strange_method(data: bytearray) -> None:
    struct.pack_into("<H", data, central(data) + 10, 14)


def _future_version(data: bytearray) -> None:
    struct.pack_into("<H", data, central(data) + 6, 99)


def _local_header_gone(data: bytearray) -> None:
    data[:4] = b"XXXX"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x05\x06", id="an end and nothing else"),
        pytest.param(b"plain text", id="no archive"),
        pytest.param(made(("a", b"a", 0o644))[:-30], id="cut off"),
        pytest.param(made(("a", b"a" * 9, 0o644), method=zipfile.ZIP_BZIP2), id="bzip2"),
        pytest.param(damaged(_encrypt), id="encrypted"),
        pytest.param(damaged(_lie_about_offset), id="a directory that is elsewhere"),
        pytest.param(damaged(_lie_about_directory), id="a directory of two gigabytes"),
        pytest.param(damaged(_damage_content), id="content that cannot be inflated"),
        pytest.param(damaged(_damage_checksum), id="a checksum that is wrong"),
        pytest.param(damaged(_strange_method), id="a method nobody knows"),
        pytest.param(damaged(_future_version), id="a version nobody knows"),
        pytest.param(damaged(_local_header_gone), id="an entry that is not where it should be"),
    ],
)
def test_a_broken_archive_is_refused(target: Path, data: bytes) -> None:
    with pytest.raises(BadArchive):
        archive.unpack(data, target)


def test_a_declared_bomb_is_refused_before_anything_is_written(target: Path) -> None:
    data = made(("bomb", bytes(2_000_000), 0o644))
    assert len(data) < 5000
    with pytest.raises(TooLarge):
        archive.unpack(data, target, limit_bytes=2_000_000)
    assert everything(target) == {}
    assert archive.unpack(data, target, limit_bytes=2_000_001) == 2_000_000


def test_a_bomb_that_lies_about_its_size_does_not_go_off(target: Path) -> None:
    with pytest.raises(BadArchive):  # zipfile stops at the declared size, and the checksum is then wrong
        archive.unpack(damaged(_lie_about_size), target)
    assert sum(path.stat().st_size for path in target.iterdir()) <= 10


def test_many_small_bombs_are_one_bomb(target: Path) -> None:
    data = made(*[(f"{i}", bytes(1000), 0o644) for i in range(100)])
    with pytest.raises(TooLarge):
        archive.measure(data, limit_bytes=100_000)
    assert archive.measure(data, limit_bytes=100_001) == 100_000


def test_entries_are_counted() -> None:
    with pytest.raises(BadArchive, match="more than 65535 entries"):
        archive.plan(Entry(name=f"{i}") for i in range(65_536))


def test_a_huge_directory_is_not_even_parsed() -> None:
    directory = b"PK\x01\x02" * 4
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 64 * 2**20, 0, 0)
    with pytest.raises(BadArchive, match="central directory is too large"):
        archive.measure(directory + end)
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    with pytest.raises(BadArchive, match="central directory is too large"):
        archive.measure(record + locator + end)


def test_an_archive_may_have_something_in_front(target: Path) -> None:
    archive.unpack(b"#!/usr/bin/env python3\n" + made(("a", b"a", 0o644)), target)
    assert everything(target) == {"a": "a"}


_PARTS = st.sampled_from(["a", "b", "..", ".", "", "opt", "tmp", "etc"])
_NAMES = st.lists(_PARTS, min_size=1, max_size=5).map("/".join)
_MODES = st.sampled_from([0, 0o755, stat.S_IFREG, stat.S_IFDIR, LINK, stat.S_IFCHR])


@given(st.lists(st.builds(Entry, name=_NAMES, mode=_MODES), max_size=8))
def test_whatever_is_planned_stays_inside_and_never_passes_through_a_link(entries: list[Entry]) -> None:
    try:
        items = archive.plan(entries)
    except BadArchive:
        return
    places = {item.path: item.kind for item in items}
    assert len(places) == len(items)
    for path in places:
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert all(places.get(parent, "folder") == "folder" for parent in path.parents)


@given(st.lists(st.sampled_from(["d", "e"]), min_size=1, max_size=4), _NAMES)
@example(["d"], "..")
@example(["d", "e"], "../..")
def test_a_link_that_may_stay_leads_nowhere_outside(place: list[str], link: str) -> None:
    path = PurePosixPath(*place)
    if not archive.link_stays_inside(path, link):
        return
    if link.startswith("/"):
        assert os.path.normpath(link).startswith(archive.SANDBOX_PLACES)
    else:
        assert not os.path.normpath(str(path.parent / link)).startswith("..")


@given(st.binary(max_size=200), st.integers(0, 300))
def test_garbage_is_an_archive_or_is_refused(noise: bytes, at: int) -> None:
    data = bytearray(made(("a.py", b"content", 0o644), ("b/c", b"x", LINK)))
    at = min(at, len(data))
    data[at : at + len(noise)] = noise
    try:
        archive.measure(bytes(data))
    except (BadArchive, TooLarge):
        return
