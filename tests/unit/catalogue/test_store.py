import fcntl
import os
import threading
from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.runtime.provision.store import Store, link_tree


def fill(folder: Path) -> None:
    (folder / "a").write_text("a")


def test_a_folder_is_filled_once(tmp_path):
    store, calls = Store(tmp_path / "cache"), []

    def counted(folder: Path) -> None:
        calls.append(folder)
        fill(folder)

    folders = {store.ensure("key", counted) for _ in range(2)}
    assert folders == {tmp_path / "cache/key"}
    assert len(calls) == 1
    assert store.find("key") == tmp_path / "cache/key"
    assert store.find("other") is None


def test_whoever_asks_meanwhile_waits_for_the_one_that_fills(tmp_path):
    store, began, may_end, calls = Store(tmp_path), threading.Event(), threading.Event(), []

    def slowly(folder: Path) -> None:
        calls.append(folder)
        began.set()
        assert may_end.wait(10)
        fill(folder)

    answers: list[Path] = []
    threads = [threading.Thread(target=lambda: answers.append(store.ensure("key", slowly))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert began.wait(10)
    may_end.set()
    for thread in threads:
        thread.join()
    assert answers == [tmp_path / "key"] * 3
    assert len(calls) == 1


def test_what_fails_leaves_nothing_behind_and_can_be_tried_again(tmp_path):
    store = Store(tmp_path)

    def failing(folder: Path) -> None:
        fill(folder)
        raise PortError("no network")

    with pytest.raises(PortError, match="no network"):
        store.ensure("key", failing)
    assert [path.name for path in tmp_path.iterdir()] == [".lock-key"]
    assert (store.ensure("key", fill) / "a").read_text() == "a"


def test_what_a_dead_process_left_half_done_is_removed(tmp_path):
    (tmp_path / ".staging-key-dead").mkdir()
    (tmp_path / ".staging-key-dead/half").write_text("")
    Store(tmp_path).ensure("key", fill)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock-key", "key"]


def test_a_stopped_store_does_not_wait_for_another_process(tmp_path):
    store = Store(tmp_path)
    with (tmp_path / ".lock-key").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        store.stop()
        with pytest.raises(PortError, match="installed by another process"):
            store.ensure("key", fill)


def test_installed_files_can_be_read_by_the_functions_user(tmp_path):
    def private(folder: Path) -> None:
        (folder / "sub").mkdir(mode=0o700)
        for name, mode in (("sub/data", 0o600), ("sub/tool", 0o700)):
            (folder / name).write_text("")
            (folder / name).chmod(mode)

    folder = Store(tmp_path).ensure("key", private)
    modes = {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    assert modes == {"key": 0o755, "sub": 0o755, "data": 0o644, "tool": 0o755}


def test_a_tree_is_linked_but_private_files_are_copied(tmp_path):
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep/open").write_text("1")
    (source / "private").write_text("2")
    (source / "private").chmod(0o600)
    (source / "link").symlink_to("deep/open")
    link_tree(source, tmp_path / "target")
    target = tmp_path / "target"
    assert (target / "deep/open").samefile(source / "deep/open")
    assert (target / "private").read_text() == "2"
    assert not (target / "private").samefile(source / "private")
    assert os.readlink(target / "link") == "deep/open"
