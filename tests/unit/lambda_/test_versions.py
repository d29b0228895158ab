"""Published versions."""

from typing import Any

from tests.unit.lambda_.harness import Lambda, arn, zipped


async def test_a_version_is_a_copy_of_latest_with_its_own_revision(lambda_: Lambda) -> None:
    await lambda_.create(Description="of latest")
    latest = await lambda_("GetFunctionConfiguration", FunctionName="f")
    published = await lambda_("PublishVersion", FunctionName="f")
    assert published == latest | {
        "FunctionArn": arn("f", "1"),
        "Version": "1",
        "RevisionId": published["RevisionId"],
    }
    assert published["RevisionId"] != latest["RevisionId"]
    assert await lambda_("GetFunctionConfiguration", FunctionName="f", Qualifier="1") == published
    assert (await lambda_("GetFunction", FunctionName="f:1"))["Configuration"] == published
    after = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert after == latest | {"RevisionId": after["RevisionId"]}
    assert after["RevisionId"] != latest["RevisionId"]


async def test_latest_named_explicitly_shows_in_the_arn(lambda_: Lambda) -> None:
    await lambda_.create()
    got = await lambda_("GetFunctionConfiguration", FunctionName="f", Qualifier="$LATEST")
    assert got["FunctionArn"] == arn("f", "$LATEST")


async def test_nothing_new_publishes_nothing_new(lambda_: Lambda) -> None:
    await lambda_.create()
    first = await lambda_("PublishVersion", FunctionName="f", Description="mine")
    assert first["Description"] == "mine"
    latest = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert await lambda_("PublishVersion", FunctionName="f", Description="yours") == first
    assert await lambda_("GetFunctionConfiguration", FunctionName="f") == latest

    async def update(**change: Any) -> None:
        await lambda_("UpdateFunctionConfiguration", FunctionName="f", **change)
        await lambda_.settled()

    await update(Timeout=9)
    assert (await lambda_("PublishVersion", FunctionName="f"))["Version"] == "2"
    await update(Description="new")
    assert (await lambda_("PublishVersion", FunctionName="f"))["Version"] == "3"


async def test_the_code_can_be_guarded(lambda_: Lambda) -> None:
    created = await lambda_.create()
    refused = await lambda_.refusal("PublishVersion", FunctionName="f", CodeSha256="somenonexistentsha256")
    assert (refused.code, refused.message) == (
        "InvalidParameterValueException",
        f"CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST "
        f"({created['CodeSha256']}). Please try again with the CodeSHA256 in $LATEST.",
    )
    assert (await lambda_("PublishVersion", FunctionName="f", CodeSha256=created["CodeSha256"]))["Version"] == "1"


async def test_creating_and_publishing_at_once_answers_with_the_version(lambda_: Lambda) -> None:
    created = await lambda_.create(Publish=True, settle=False)
    assert (created["Version"], created["FunctionArn"], created["State"]) == ("1", arn("f"), "Pending")
    await lambda_.settled()
    for qualifier in ("$LATEST", "1"):
        got = await lambda_("GetFunctionConfiguration", FunctionName="f", Qualifier=qualifier)
        assert (got["State"], got["LastUpdateStatus"]) == ("Active", "Successful")


async def test_updating_and_publishing_at_once_makes_a_version_of_the_new_code(lambda_: Lambda) -> None:
    await lambda_.create(Publish=True)
    updated = await lambda_("UpdateFunctionCode", FunctionName="f", ZipFile=zipped({"index.py": "new"}), Publish=True)
    await lambda_.settled()
    assert (updated["Version"], updated["FunctionArn"]) == ("2", arn("f", "2"))
    for qualifier in ("1", "2"):
        await lambda_("Invoke", FunctionName="f", Qualifier=qualifier)
    one, two = [asked.function for asked in lambda_.invoker.asked]
    assert (one.version, two.version) == ("1", "2")
    assert (two.task_dir / "index.py").read_text() == "new"
    assert (one.task_dir / "index.py").read_text() != "new"


async def test_versions_are_listed_latest_first_in_pages(lambda_: Lambda) -> None:
    await lambda_.create()
    for timeout in (4, 5, 6):
        await lambda_("PublishVersion", FunctionName="f")
        await lambda_("UpdateFunctionConfiguration", FunctionName="f", Timeout=timeout)
        await lambda_.settled()
    page = await lambda_("ListVersionsByFunction", FunctionName="f", MaxItems=2)
    rest = await lambda_("ListVersionsByFunction", FunctionName="f", Marker=page["NextMarker"])
    shown = [
        (shape["FunctionArn"], shape["Version"], shape["Timeout"]) for shape in page["Versions"] + rest["Versions"]
    ]
    assert shown == [
        (arn("f", "$LATEST"), "$LATEST", 6),
        (arn("f", "1"), "1", 3),
        (arn("f", "2"), "2", 4),
        (arn("f", "3"), "3", 5),
    ]
    assert "NextMarker" not in rest


async def test_deleting_a_version_leaves_the_others_and_its_number_is_not_used_again(lambda_: Lambda) -> None:
    await lambda_.create(Publish=True)
    for _ in range(2):  # idempotent
        assert await lambda_("DeleteFunction", FunctionName="f", Qualifier="1") == {"StatusCode": 204}
    refused = await lambda_.refusal("GetFunction", FunctionName="f", Qualifier="1")
    assert refused.message == f"Function not found: {arn('f', '1')}"
    assert (await lambda_.refusal("Invoke", FunctionName="f:1")).message == f"Function not found: {arn('f', '1')}"
    assert (await lambda_("PublishVersion", FunctionName="f"))["Version"] == "2"
    await lambda_("DeleteFunction", FunctionName="f")
    refused = await lambda_.refusal("DeleteFunction", FunctionName="f", Qualifier="1")
    assert refused.message == f"Function not found: {arn('f')}"


async def test_only_numbers_without_leading_zeros_are_versions(lambda_: Lambda) -> None:
    await lambda_.create(Publish=True)
    for qualifier in ("01", "0", "live", "9" * 40, "1x"):
        refused = await lambda_.refusal("GetFunction", FunctionName="f", Qualifier=qualifier)
        assert refused.message == f"Function not found: {arn('f', qualifier)}"
    refused = await lambda_.refusal("DeleteFunction", FunctionName="f", Qualifier="live")
    assert refused.message == "Deletion of aliases is not currently supported."
