"""Code that is a folder: an edit runs at the next invocation, and what runs keeps what it began with."""

import os
from pathlib import Path

import pytest

from ramuda.kernel.errors import ApiError
from ramuda.services import lambda_ as service
from ramuda.services.lambda_ import live_folders
from ramuda.services.lambda_.live_folders import NoFolder
from tests.unit.lambda_.harness import Lambda


def code(folder: Path) -> dict[str, str]:
    return {"S3Bucket": "hot-reload", "S3Key": str(folder)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / "lib").mkdir(parents=True)
    (made / "index.py").write_text("VERSION = 1")
    (made / "lib" / "a.py").write_text("A = 1")
    (made / "lib" / "link.py").symlink_to("a.py")
    for left_out in (".git", "__pycache__"):
        (made / left_out).mkdir()
        (made / left_out / "x").write_text("x")
    return made


async def running(lambda_: Lambda) -> tuple[str, Path]:
    """Revision and code of what an invocation would run now."""
    await lambda_("Invoke", FunctionName="f")
    function = lambda_.invoker.asked[-1].function
    return function.revision_id, function.task_dir


async def test_an_edit_runs_at_the_next_invocation_and_the_old_code_stays_as_it_was(
    lambda_: Lambda, folder: Path
) -> None:
    await lambda_.create("f", Code=code(folder))
    await lambda_.settled()
    first, first_dir = await running(lambda_)
    assert await running(lambda_) == (first, first_dir)
    (folder / "index.py").write_text("VERSION = 22")
    second, second_dir = await running(lambda_)
    assert second != first
    assert (second_dir / "index.py").read_text() == "VERSION = 22"
    assert (first_dir / "index.py").read_text() == "VERSION = 1"
    assert (second_dir / "lib" / "a.py").samefile(first_dir / "lib" / "a.py")


async def test_files_that_come_and_go_are_noticed(lambda_: Lambda, folder: Path) -> None:
    await lambda_.create("f", Code=code(folder))
    await lambda_.settled()
    first, _ = await running(lambda_)
    (folder / "new.py").write_text("")
    second, with_new = await running(lambda_)
    (folder / "new.py").unlink()
    third, without = await running(lambda_)
    assert len({first, second}) == 2
    assert third == first
    assert (with_new / "new.py").exists()
    assert not (without / "new.py").exists()


async def test_what_is_not_code_is_left_out_and_links_stay_links(lambda_: Lambda, folder: Path) -> None:
    await lambda_.create("f", Code=code(folder))
    await lambda_.settled()
    _, copied = await running(lambda_)
    assert sorted(os.listdir(copied)) == ["index.py", "lib"]
    assert os.readlink(copied / "lib" / "link.py") == "a.py"


async def test_the_folder_is_shown_as_where_the_code_is(lambda_: Lambda, folder: Path) -> None:
    made = await lambda_.create("f", Code=code(folder))
    assert made["CodeSize"] == 0
    shown = await lambda_("GetFunction", FunctionName="f")
    assert shown["Code"] == {"RepositoryType": "S3", "Location": folder.as_uri()}


async def test_a_folder_can_take_the_place_of_an_archive_and_back(lambda_: Lambda, folder: Path) -> None:
    await lambda_.create("f")
    await lambda_.settled()
    _, archive_dir = await running(lambda_)
    await lambda_("UpdateFunctionCode", FunctionName="f", **code(folder))
    await lambda_.settled()
    _, live_dir = await running(lambda_)
    assert (live_dir / "lib" / "a.py").exists()
    assert not (archive_dir / "lib").exists()


async def test_a_layer_can_be_a_folder(lambda_: Lambda, folder: Path) -> None:
    layer = await lambda_("PublishLayerVersion", LayerName="l", Content=code(folder / "lib"))
    await lambda_.create("f", Layers=[layer["LayerVersionArn"]])
    await lambda_.settled()
    first, _ = await running(lambda_)
    (folder / "lib" / "a.py").write_text("A = 22")
    assert (await running(lambda_))[0] != first
    opt_dir = lambda_.invoker.asked[-1].function.opt_dir
    assert opt_dir is not None
    assert (opt_dir / "a.py").read_text() == "A = 22"


@pytest.mark.parametrize("key", ["relative", "/nowhere/at/all", "/etc/hostname"])
async def test_what_is_no_folder_is_refused(lambda_: Lambda, key: str) -> None:
    with pytest.raises(ApiError) as raised:
        await lambda_.create("f", Code={"S3Bucket": "hot-reload", "S3Key": key})
    assert (raised.value.code, raised.value.message) == (
        "InvalidParameterValueException",
        f"S3Key names no folder of the server's machine: {key}",
    )


async def test_only_folders_below_the_roots_are_taken(tmp_path: Path, folder: Path) -> None:
    lambda_ = await Lambda(tmp_path / "data", service.Options(live_code_roots=(str(folder),))).start()
    await lambda_.create("f", Code=code(folder / "lib"))
    (folder / "escape").symlink_to("/etc")
    for outside in (folder / "escape", Path("/etc"), folder.parent):
        with pytest.raises(ApiError, match="Code may not be taken from the folder"):
            await lambda_.create("g", Code=code(outside))
    await lambda_.stop()


async def test_a_folder_that_is_gone_is_told_to_who_invokes(lambda_: Lambda, folder: Path) -> None:
    await lambda_.create("f", Code=code(folder / "lib"))
    await lambda_.settled()
    (folder / "lib").rename(folder / "elsewhere")
    with pytest.raises(ApiError) as raised:
        await lambda_("Invoke", FunctionName="f")
    assert (raised.value.code, raised.value.message) == (
        "InvalidParameterValueException",
        f"The function's code cannot be read: {folder / 'lib'}: No such file or directory",
    )
    (folder / "elsewhere").rename(folder / "lib")
    await running(lambda_)


async def test_without_the_bucket_s3_is_asked(tmp_path: Path, folder: Path) -> None:
    lambda_ = await Lambda(tmp_path / "data", service.Options(live_code_bucket="")).start()
    lambda_.api.answers["s3", "GetObject"] = ApiError("NoSuchBucket", "no")
    with pytest.raises(ApiError, match="S3 Error Code: NoSuchBucket"):
        await lambda_.create("f", Code=code(folder))
    await lambda_.stop()


def test_a_folder_with_too_much_in_it_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_folders, "ENTRIES_MAX", 3)
    with pytest.raises(NoFolder, match="holds more than 3 files"):
        live_folders.look(folder)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A folder that nobody gave to a function."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.py").write_text("the server's own")
    return tmp_path / "secret"


async def test_a_folder_that_became_a_link_is_not_read(lambda_: Lambda, folder: Path, secret: Path) -> None:
    """Its place was checked when the function was made, and whoever may write beside it could change it since."""
    await lambda_.create("f", Code=code(folder))
    await lambda_.settled()
    folder.rename(folder.with_name("former"))
    folder.symlink_to(secret)
    error = await lambda_.refusal("Invoke", FunctionName="f")
    assert (error.code, error.message) == (
        "InvalidParameterValueException",
        f"The function's code cannot be read: {folder}: Not a directory",
    )


def test_what_became_a_link_or_a_pipe_between_the_look_and_the_copy_is_left_out(
    tmp_path: Path, folder: Path, secret: Path
) -> None:
    picture = live_folders.look(folder)
    (folder / "lib").rename(folder / "former")
    (folder / "lib").symlink_to(secret)
    (folder / "index.py").unlink()
    os.mkfifo(folder / "index.py")
    copied = tmp_path / "copied"
    copied.mkdir()
    live_folders.copy(picture, copied, before=None)
    assert sorted(str(path.relative_to(copied)) for path in copied.rglob("*")) == ["lib"]


def test_a_link_is_copied_as_a_link_also_where_it_leads_out(tmp_path: Path, folder: Path) -> None:
    (folder / "shadow").symlink_to("/etc/shadow")
    copied = tmp_path / "copied"
    copied.mkdir()
    live_folders.copy(live_folders.look(folder), copied, before=None)
    assert os.readlink(copied / "shadow") == "/etc/shadow"


def test_a_file_that_grows_while_it_is_copied_is_copied_as_far_as_it_was_seen(tmp_path: Path, folder: Path) -> None:
    picture = live_folders.look(folder)
    (folder / "index.py").write_text("VERSION = 1 and more")
    copied = tmp_path / "copied"
    copied.mkdir()
    live_folders.copy(picture, copied, before=None)
    assert (copied / "index.py").read_text() == "VERSION = 1"


def test_a_folder_that_would_fill_the_disk_is_refused(folder: Path) -> None:
    with (folder / "sparse").open("wb") as file:
        file.truncate(live_folders.BYTES_MAX + 1)
    with pytest.raises(NoFolder, match="more than"):
        live_folders.look(folder)


def test_a_tree_that_is_too_deep_is_refused(folder: Path) -> None:
    deepest = folder
    for _ in range(live_folders.DEPTH_MAX + 1):
        deepest = deepest / "d"
    deepest.mkdir(parents=True)
    with pytest.raises(NoFolder) as refused:
        live_folders.look(folder)
    assert str(refused.value).endswith("... is too deep")


def test_names_that_are_no_text_do_no_harm(tmp_path: Path, folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.py")).write_text("x")
    copied = tmp_path / "copied"
    copied.mkdir()
    live_folders.copy(live_folders.look(folder), copied, before=None)
    assert b"\xff.py" in os.listdir(os.fsencode(copied))
