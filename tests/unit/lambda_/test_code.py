"""Where code lies, for how long, and what a crash can do to it."""

import io
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_ import code as code_room
from tests.unit.lambda_.harness import Lambda, zipped


def stored(lambda_: Lambda) -> set[str]:
    root = lambda_.folder / "blobs"
    return {
        f"{path.parent.name}/{path.name[:4]}" for kind in ("code", "task", "opt") for path in (root / kind).glob("*")
    }


async def test_code_nobody_refers_to_is_collected_after_a_restart(tmp_path: Path) -> None:
    first = await Lambda(tmp_path).start()
    await first.create("stays", Code={"ZipFile": zipped({"a": "stays"})})
    for name in ("one", "two", "three"):
        await first("PublishLayerVersion", LayerName=name, Content={"ZipFile": zipped({"a": name})})
    layers = [f"arn:aws:lambda:us-east-1:111111111111:layer:{name}:1" for name in ("one", "two")]
    await first.create("goes", Code={"ZipFile": zipped({"a": "goes"})})
    await first.create("layered", Code={"ZipFile": zipped({"a": "stays"})}, Layers=layers)
    await first("DeleteLayerVersion", LayerName="one", VersionNumber=1)
    await first("DeleteLayerVersion", LayerName="three", VersionNumber=1)
    await first("DeleteFunction", FunctionName="goes")
    before = stored(first)
    assert len(before) == 2 * 5 + 1  # nothing goes while an environment could still be running it
    await first.stop()

    second = await Lambda(tmp_path).start()
    await second.service.room.code.collected()
    assert len(before - stored(second)) == 4  # archive and files of "goes" and of layer three
    for name in ("stays", "layered"):
        await second("Invoke", FunctionName=name)
        assert (second.invoker.asked[-1].function.task_dir / "a").read_text() == "stays"
    await second("DeleteFunction", FunctionName="layered")
    await second.create("again", Code={"ZipFile": zipped({"a": "goes"})})
    await second("Invoke", FunctionName="again")
    assert (second.invoker.asked[-1].function.task_dir / "a").read_text() == "goes"
    await second.stop()


async def test_files_lost_are_unpacked_again(tmp_path: Path) -> None:
    first = await Lambda(tmp_path).start()
    await first.create()
    (folder,) = (tmp_path / "blobs" / "task").iterdir()
    first.blobs.delete(f"task/{folder.name}")
    await first.stop()
    second = await Lambda(tmp_path).start()
    await second("Invoke", FunctionName="f")
    assert (second.invoker.asked[-1].function.task_dir / "index.py").is_file()
    await second.stop()


async def test_programs_stay_programs_and_nothing_can_be_written(lambda_: Lambda) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, mode in {"run": 0o700, "data": 0o600}.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(info, name)
    await lambda_.create(Code={"ZipFile": sink.getvalue()})
    await lambda_("Invoke", FunctionName="f")
    folder = lambda_.invoker.asked[-1].function.task_dir
    assert stat.S_IMODE((folder / "run").stat().st_mode) == 0o555
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o444


async def test_function_and_layers_together_have_a_limit(lambda_: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    await lambda_("PublishLayerVersion", LayerName="l", Content={"ZipFile": zipped({"a": "x" * 600})})
    layers = ["arn:aws:lambda:us-east-1:111111111111:layer:l:1"]
    big, small = zipped({"a": "x" * 400}), zipped({"a": "x" * 399})
    monkeypatch.setattr("ramuda.kernel.limits.UNZIPPED_BYTES", 1000)
    sentence = "Unzipped size must be smaller than 1000 bytes"
    with pytest.raises(ApiError, match=sentence):
        await lambda_.create(Code={"ZipFile": big}, Layers=layers)
    await lambda_.create(Code={"ZipFile": small}, Layers=layers)
    assert (await lambda_.refusal("UpdateFunctionCode", FunctionName="f", ZipFile=big)).message == sentence
    await lambda_.create("g", Code={"ZipFile": big})
    assert (await lambda_.refusal("UpdateFunctionConfiguration", FunctionName="g", Layers=layers)).message == sentence


@pytest.mark.parametrize("operation", ["CreateFunction", "UpdateFunctionCode", "PublishLayerVersion"])
async def test_a_bomb_is_refused_in_aws_words(lambda_: Lambda, operation: str) -> None:
    await lambda_.create()
    before = stored(lambda_)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("zeros", bytes(2**20))
    data = bytearray(sink.getvalue())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (262_144_000).to_bytes(4, "little")  # what it declares; it need not be true to be refused
    requests: dict[str, dict[str, Any]] = {
        "CreateFunction": {
            "FunctionName": "g",
            "Runtime": "python3.12",
            "Handler": "h",
            "Role": "arn:aws:iam::111111111111:role/r",
            "Code": {"ZipFile": bytes(data)},
        },
        "UpdateFunctionCode": {"FunctionName": "f", "ZipFile": bytes(data)},
        "PublishLayerVersion": {"LayerName": "l", "Content": {"ZipFile": bytes(data)}},
    }
    refused = await lambda_.refusal(operation, **requests[operation])
    assert (refused.code, refused.message) == (
        "InvalidParameterValueException",
        "Unzipped size must be smaller than 262144000 bytes",
    )
    assert stored(lambda_) == before


@pytest.mark.parametrize("name", ["../evil", "/etc/evil"])
async def test_an_archive_that_reaches_outside_is_refused_in_aws_words(lambda_: Lambda, name: str) -> None:
    with pytest.raises(ApiError, match="Could not unzip uploaded file"):
        await lambda_.create(Code={"ZipFile": zipped({name: "x"})})
    assert stored(lambda_) == set()


def test_merging_does_not_follow_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    one, two, three, into = (tmp_path / name for name in ("one", "two", "three", "into"))
    for folder in (one, two, three, into):
        folder.mkdir()
    (one / "d").symlink_to(outside)
    (one / "link").symlink_to("file")
    (two / "d").mkdir()
    (two / "d" / "file").write_text("two")
    (two / "link").write_text("no link")
    (three / "d" / "sub").mkdir(parents=True)
    (three / "folder").symlink_to("d")
    code_room.merge([one, two, three], into)
    assert list(outside.iterdir()) == []
    assert (into / "d" / "file").read_text() == "two"
    assert (into / "d" / "sub").is_dir()
    assert (into / "link").read_text() == "no link"
    assert os.readlink(into / "folder") == "d"
    assert (into / "d" / "file").samefile(two / "d" / "file")
