"""Deployment packages made from folders and files."""

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from ramuda.cli import bundle


def _entries(package: bytes) -> dict[str, tuple[bytes, int]]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {e.filename: (archive.read(e), e.external_attr >> 16) for e in archive.infolist()}


def test_the_same_content_gives_the_same_bytes_whenever_it_was_written(tmp_path: Path) -> None:
    for name, at in (("a", 1_000_000_000), ("b", 1_700_000_000)):
        folder = tmp_path / name
        (folder / "lib").mkdir(parents=True)
        for file in (folder / "app.py", folder / "lib" / "more.py"):
            file.write_text("x = 1\n")
            os.utime(file, (at, at))
    assert bundle.read(tmp_path / "a") == bundle.read(tmp_path / "b")


def test_caches_version_control_and_virtual_environments_stay_out(tmp_path: Path) -> None:
    for name in (
        "app.py",
        ".git/config",
        "__pycache__/app.pyc",
        "old.pyc",
        ".venv/bin/python",
        "myenv/pyvenv.cfg",
        "lib/x.py",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    assert set(_entries(bundle.read(tmp_path))) == {"app.py", "lib/x.py"}


def test_programs_stay_programs_and_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "bootstrap").write_text("#!/bin/sh\n")
    (tmp_path / "bootstrap").chmod(0o700)
    (tmp_path / "data").write_text("d")
    (tmp_path / "data").chmod(0o600)
    (tmp_path / "alias").symlink_to("data")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder_alias").symlink_to("folder")
    assert _entries(bundle.read(tmp_path)) == {
        "bootstrap": (b"#!/bin/sh\n", stat.S_IFREG | 0o755),
        "data": (b"d", stat.S_IFREG | 0o644),
        "alias": (b"data", stat.S_IFLNK | 0o777),
        "folder_alias": (b"folder", stat.S_IFLNK | 0o777),
    }


def test_one_file_becomes_a_package_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x")
    (tmp_path / "other.py").write_text("y")
    assert set(_entries(bundle.read(tmp_path / "app.py"))) == {"app.py"}


def test_a_zip_is_taken_as_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("app.py", "x")
    assert bundle.read(tmp_path / "f.zip") == (tmp_path / "f.zip").read_bytes()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no files"):
        bundle.read(tmp_path)


def test_bytecode_comes_along_where_it_was_made_for_the_package(tmp_path: Path) -> None:
    for name in ("app.py", "__pycache__/app.cpython-311.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert set(_entries(bundle.read(tmp_path, with_bytecode=True))) == {"app.py", "__pycache__/app.cpython-311.pyc"}
