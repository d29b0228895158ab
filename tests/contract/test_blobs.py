"""What every implementation of `ports.blobs.BlobStore` does. Run on each of them."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ramuda.kernel.ports.blobs import BlobStore
from ramuda.storage.files import FileStore

OpenAgain = Callable[[], BlobStore]


@pytest.fixture(params=["files"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> OpenAgain:
    return lambda: FileStore(tmp_path / "blobs")


@pytest.fixture
def blobs(open_again: OpenAgain) -> BlobStore:
    return open_again()


def package(folder: Path) -> None:
    """A small package: a module, a program, a package in a folder, a link."""
    (folder / "app.py").write_text("print('hello')")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "lib").mkdir()
    (folder / "lib" / "deep.py").write_text("x = 1")
    (folder / "link").symlink_to("app.py")


def modes(top: Path) -> dict[str, int]:
    return {
        str(path.relative_to(top.parent)): stat.S_IMODE(path.lstat().st_mode)
        for path in [top, *top.rglob("*")]
        if not path.is_symlink()
    }


def test_a_file_is_given_back_as_it_was(blobs: BlobStore) -> None:
    path = blobs.put("code/abc", b"\0bytes\xff")
    assert (blobs.get("code/abc"), path.read_bytes(), blobs.path("code/abc")) == (
        path.read_bytes(),
        b"\0bytes\xff",
        path,
    )


def test_the_same_key_again_keeps_the_first(blobs: BlobStore) -> None:
    first = blobs.put("code/abc", b"one")
    assert (blobs.put("code/abc", b"two"), blobs.get("code/abc")) == (first, b"one")


def test_what_was_stored_is_there_after_opening_again(open_again: OpenAgain) -> None:
    open_again().put("a", b"x")
    open_again().put_folder("tree/b", package)
    again = open_again()
    folder = again.path("tree/b")
    assert folder is not None
    assert (again.get("a"), (folder / "lib" / "deep.py").read_text()) == (b"x", "x = 1")


def test_what_is_not_there_is_a_key_error_or_none(blobs: BlobStore) -> None:
    blobs.put("code/abc", b"x")
    with pytest.raises(KeyError):
        blobs.get("code/abd")
    assert [blobs.path(key) for key in ("code/abd", "other", "code/abc/deeper")] == [None, None, None]


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", "A", "a.b", "a b", "a/\n", ".incoming"])
def test_a_key_that_could_lead_elsewhere_is_refused(blobs: BlobStore, key: str) -> None:
    for act in (
        lambda: blobs.put(key, b""),
        lambda: blobs.get(key),
        lambda: blobs.path(key),
        lambda: blobs.delete(key),
    ):
        with pytest.raises(ValueError, match="not a key"):
            act()


def test_files_and_folders_end_up_readable_by_all_and_writable_by_none(blobs: BlobStore) -> None:
    file, folder = blobs.put("f", b"x"), blobs.put_folder("tree", package)
    assert modes(file) | modes(folder) == {
        "f": 0o444,
        "tree": 0o555,
        "tree/app.py": 0o444,
        "tree/run": 0o555,
        "tree/lib": 0o555,
        "tree/lib/deep.py": 0o444,
    }
    assert os.readlink(folder / "link") == "app.py"


def test_a_folder_that_is_there_is_not_filled_again(blobs: BlobStore) -> None:
    first = blobs.put_folder("tree", package)

    def never(folder: Path) -> None:
        raise AssertionError("called")

    assert blobs.put_folder("tree", never) == first


def test_a_folder_whose_filling_fails_does_not_appear(blobs: BlobStore) -> None:
    def fail(folder: Path) -> None:
        package(folder)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        blobs.put_folder("tree", fail)
    assert blobs.path("tree") is None
    assert blobs.put_folder("tree", package) == blobs.path("tree")


def test_threads_that_make_the_same_folder_all_get_it(blobs: BlobStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        paths = list(threads.map(lambda _: blobs.put_folder("tree", package), range(16)))
    assert set(paths) == {blobs.path("tree")}
    assert modes(paths[0])["tree"] == 0o555


def test_deleting_removes_files_and_read_only_folders(blobs: BlobStore) -> None:
    blobs.put("code/f", b"x")
    blobs.put_folder("code/tree", package)
    blobs.delete("code/f")
    blobs.delete("code/tree")
    assert (blobs.path("code/f"), blobs.path("code/tree")) == (None, None)
    assert blobs.put("code/tree", b"a file now").read_bytes() == b"a file now"


def test_deleting_what_is_not_there_is_no_error(blobs: BlobStore) -> None:
    blobs.put("file", b"x")
    blobs.delete("nothing/here")
    blobs.delete("file/below")
    assert blobs.get("file") == b"x"
