"""The content-addressed folder: what a crash may leave behind, and work as another user than root."""

import os
import shutil
import stat
import sys
import textwrap
from pathlib import Path
from subprocess import run

import pytest

from ramuda.kernel.errors import PortError
from ramuda.storage.files import FileStore


def fill(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "a.py").write_text("x")


def test_what_a_crash_left_unfinished_is_removed_at_the_next_start(tmp_path: Path) -> None:
    FileStore(tmp_path)
    left = tmp_path / ".incoming" / "half" / "folder"
    left.mkdir(parents=True)
    (left / "a.py").write_text("x")
    left.chmod(0o555)
    store = FileStore(tmp_path)
    assert list((tmp_path / ".incoming").iterdir()) == []
    assert store.path("half") is None


def test_nothing_is_left_in_the_way_after_work(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put("a/b", b"x")
    store.put_folder("a/c", fill)
    store.delete("a/c")
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [".incoming", "a", "a/b"]


def test_a_folder_whose_last_step_a_crash_took_does_not_count_and_is_finished_by_the_next_put(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    folder = store.put_folder("tree", fill)
    folder.chmod(0o755)  # as it is between the rename and the end

    def never(folder: Path) -> None:
        raise AssertionError("filled again")

    assert store.path("tree") is None
    assert store.put_folder("tree", never) == folder
    assert (store.path("tree"), stat.S_IMODE(folder.stat().st_mode)) == (folder, 0o555)


def test_the_folders_of_the_store_are_private(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "deep" / "blobs")
    store.put("a/b/c", b"x")
    root = tmp_path / "deep" / "blobs"
    assert [stat.S_IMODE((root / name).stat().st_mode) for name in (".", ".incoming", "a", "a/b")] == [0o700] * 4


def test_a_store_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PortError, match="file"):
        FileStore(tmp_path / "file" / "blobs")


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_a_user_who_is_not_root_can_store_and_delete_read_only_trees(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from ramuda.storage.files import FileStore
        os.setgid(65534); os.setuid(65534)
        store = FileStore(Path(sys.argv[1]) / "blobs")
        def fill(folder):
            (folder / "sub").mkdir()
            (folder / "sub" / "a.py").write_text("x")
        store.put_folder("a/tree", fill)
        assert store.path("a/tree")
        store.delete("a/tree")
        assert store.path("a/tree") is None
        assert not list((Path(sys.argv[1]) / "blobs" / ".incoming").iterdir())
        print("done")
    """)
    place = Path("/tmp") / f"ramuda-files-{os.getpid()}"  # pytest's own folder is closed to other users
    place.mkdir()
    try:
        os.chown(place, 65534, 65534)
        done = run([sys.executable, "-c", script, str(place)], capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("done\n", "")
    finally:
        shutil.rmtree(place)
