"""Versions and provisioned concurrency of a function whose code is a folder."""

from pathlib import Path

from tests.unit.lambda_.harness import Lambda, arn
from tests.unit.lambda_.test_live_folders import code, folder

__all__ = ["folder"]


async def published(lambda_: Lambda, folder: Path) -> None:
    await lambda_.create("f", Code=code(folder))
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_.settled()
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")


async def test_a_published_version_follows_the_folder(lambda_: Lambda, folder: Path) -> None:
    await published(lambda_, folder)
    seen = []
    for text in ("VERSION = 1", "VERSION = 22"):
        (folder / "index.py").write_text(text)
        await lambda_("Invoke", FunctionName="f", Qualifier="live")
        function = lambda_.invoker.asked[-1].function
        seen.append((function.version, (function.task_dir / "index.py").read_text()))
    assert seen == [("1", "VERSION = 1"), ("1", "VERSION = 22")]
    assert (await lambda_("PublishVersion", FunctionName="f"))["Version"] == "1", "nothing but the path is published"


async def test_what_is_provisioned_is_started_anew_after_an_edit(lambda_: Lambda, folder: Path) -> None:
    await published(lambda_, folder)
    await lambda_(
        "PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live", ProvisionedConcurrentExecutions=1
    )
    provisioning = lambda_.service.room.provisioning
    await provisioning.settled()
    (before,) = lambda_.invoker.provisions[arn("f")]
    lambda_.invoker.provisions.clear()
    await lambda_("Invoke", FunctionName="f", Qualifier="live")
    await provisioning.settled()
    assert lambda_.invoker.provisions == {}, "nothing was edited"
    (folder / "index.py").write_text("VERSION = 22")
    await lambda_("Invoke", FunctionName="f", Qualifier="live")
    await provisioning.settled()
    (after,) = lambda_.invoker.provisions[arn("f")]
    assert after.function.revision_id == lambda_.invoker.asked[-1].function.revision_id != before.function.revision_id
