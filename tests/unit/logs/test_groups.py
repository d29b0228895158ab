"""Log groups, their retention, protection and tags."""

from typing import Any

import pytest

from ramuda.kernel.errors import ApiError
from ramuda.telemetry import Telemetry
from ramuda.testing import ManualClock
from tests.unit.service_calls import ACCOUNT, REGION, Ask

ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"


def described(name: str, clock: ManualClock, **more: Any) -> dict[str, Any]:
    return {
        "logGroupName": name,
        "creationTime": int(clock.time() * 1000),
        "metricFilterCount": 0,
        "arn": f"{ARN}{name}:*",
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "logGroupArn": f"{ARN}{name}",
        "deletionProtectionEnabled": False,
        **more,
    }


async def error_of(answer: Any) -> tuple[str, str | None]:
    with pytest.raises(ApiError) as raised:
        await answer
    return raised.value.code, raised.value.message


async def names(ask: Ask, **params: Any) -> tuple[list[str], str | None]:
    answer = await ask("DescribeLogGroups", **params)
    return [group["logGroupName"] for group in answer["logGroups"]], answer.get("nextToken")


async def test_a_group_is_described_as_it_was_made(ask: Ask, clock: ManualClock) -> None:
    assert await ask("CreateLogGroup", logGroupName="/a") == {}
    await ask("CreateLogGroup", logGroupName="/b", kmsKeyId="k", logGroupClass="INFREQUENT_ACCESS")
    assert await ask("DescribeLogGroups") == {
        "logGroups": [
            described("/a", clock),
            described("/b", clock, kmsKeyId="k", logGroupClass="INFREQUENT_ACCESS"),
        ]
    }


async def test_a_group_that_is_there_already_is_refused(ask: Ask) -> None:
    await ask("CreateLogGroup", logGroupName="/a")
    assert await error_of(ask("CreateLogGroup", logGroupName="/a")) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DeleteLogGroup", {}),
        ("PutRetentionPolicy", {"retentionInDays": 7}),
        ("DeleteRetentionPolicy", {}),
        ("PutLogGroupDeletionProtection", {"deletionProtectionEnabled": True}),
        ("CreateLogStream", {"logStreamName": "s"}),
        ("DeleteLogStream", {"logStreamName": "s"}),
        ("DescribeLogStreams", {}),
        ("PutLogEvents", {"logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}),
        ("GetLogEvents", {"logStreamName": "s"}),
        ("FilterLogEvents", {}),
        ("TagLogGroup", {"tags": {"a": "b"}}),
        ("UntagLogGroup", {"tags": ["a"]}),
        ("ListTagsLogGroup", {}),
    ],
)
async def test_a_group_that_is_not_there_is_not_found(ask: Ask, operation: str, params: dict[str, Any]) -> None:
    expected = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert await error_of(ask(operation, logGroupName="/none", **params)) == expected


async def test_groups_are_found_by_prefix_and_by_what_their_name_contains(ask: Ask) -> None:
    for name in ("/aws/lambda/one", "/aws/lambda/two", "/aws/Lambda", "other"):
        await ask("CreateLogGroup", logGroupName=name)
    assert await names(ask, logGroupNamePrefix="/aws/l") == (["/aws/lambda/one", "/aws/lambda/two"], None)
    assert await names(ask, logGroupNamePattern="ambda/t") == (["/aws/lambda/two"], None)
    assert await names(ask, logGroupNamePattern="/Lam") == (["/aws/Lambda"], None)
    assert await names(ask, logGroupNamePrefix="none") == ([], None)


async def test_prefix_and_pattern_exclude_each_other(ask: Ask) -> None:
    code, _ = await error_of(ask("DescribeLogGroups", logGroupNamePrefix="a", logGroupNamePattern="b"))
    assert code == "InvalidParameterException"


async def test_groups_come_in_pages(ask: Ask) -> None:
    for number in range(5):
        await ask("CreateLogGroup", logGroupName=f"/{number}")
    assert await names(ask, limit=2) == (["/0", "/1"], "/1")
    assert await names(ask, limit=2, nextToken="/1") == (["/2", "/3"], "/3")
    assert await names(ask, limit=2, nextToken="/3") == (["/4"], None)


async def test_groups_are_found_by_their_identifiers(ask: Ask) -> None:
    await ask("CreateLogGroup", logGroupName="/a")
    await ask("CreateLogGroup", logGroupName="/b")
    assert await names(ask, logGroupIdentifiers=[f"{ARN}/b", "/a", "/none"]) == (["/b", "/a"], None)


async def test_listing_takes_alternatives_and_anchors(ask: Ask) -> None:
    for name in ("/aws/lambda/one", "/ecs/discovery", "/x/aws/lambda"):
        await ask("CreateLogGroup", logGroupName=name)
    answer = await ask("ListLogGroups", logGroupNamePattern="^/aws/lambda|discovery", limit=1)
    first = {"logGroupName": "/aws/lambda/one", "logGroupArn": f"{ARN}/aws/lambda/one", "logGroupClass": "STANDARD"}
    assert answer == {"logGroups": [first], "nextToken": "/aws/lambda/one"}
    rest = await ask("ListLogGroups", logGroupNamePattern="^/aws/lambda|discovery", nextToken="/aws/lambda/one")
    assert [group["logGroupName"] for group in rest["logGroups"]] == ["/ecs/discovery"]


async def test_a_deleted_group_is_gone_with_everything_in_it(ask: Ask, clock: ManualClock) -> None:
    await ask("CreateLogGroup", logGroupName="/a")
    await ask("CreateLogStream", logGroupName="/a", logStreamName="s")
    event = {"timestamp": int(clock.time() * 1000), "message": "m"}
    await ask("PutLogEvents", logGroupName="/a", logStreamName="s", logEvents=[event])
    assert await ask("DeleteLogGroup", logGroupName="/a") == {}
    assert await names(ask) == ([], None)
    await ask("CreateLogGroup", logGroupName="/a")
    assert (await ask("DescribeLogStreams", logGroupName="/a"))["logStreams"] == []


async def test_a_protected_group_is_not_deleted_until_it_is_unprotected(ask: Ask) -> None:
    await ask("CreateLogGroup", logGroupName="/a", deletionProtectionEnabled=True)
    code, _ = await error_of(ask("DeleteLogGroup", logGroupName="/a"))
    assert code == "ValidationException"
    await ask("PutLogGroupDeletionProtection", logGroupName="/a", deletionProtectionEnabled=False)
    assert await ask("DeleteLogGroup", logGroupName="/a") == {}


async def test_retention_is_set_and_taken_away(ask: Ask, clock: ManualClock) -> None:
    await ask("CreateLogGroup", logGroupName="/a")
    await ask("PutRetentionPolicy", logGroupName="/a", retentionInDays=14)
    assert (await ask("DescribeLogGroups"))["logGroups"] == [described("/a", clock, retentionInDays=14)]
    await ask("DeleteRetentionPolicy", logGroupName="/a")
    assert (await ask("DescribeLogGroups"))["logGroups"] == [described("/a", clock)]


async def test_a_retention_that_aws_does_not_offer_is_refused(ask: Ask) -> None:
    await ask("CreateLogGroup", logGroupName="/a")
    assert await error_of(ask("PutRetentionPolicy", logGroupName="/a", retentionInDays=11)) == (
        "InvalidParameterException",
        "1 validation error detected: Value '11' at 'retentionInDays' failed to satisfy constraint: Member must "
        "satisfy enum value set: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, "
        "2557, 2922, 3288, 3653]",
    )


async def test_a_group_that_lambda_writes_to_is_there_without_being_made(
    ask: Ask, telemetry: Telemetry, clock: ManualClock
) -> None:
    telemetry.recorder.open_stream(ACCOUNT, REGION, "/aws/lambda/f", "2023/11/14/[$LATEST]0")
    assert await ask("DescribeLogGroups") == {"logGroups": [described("/aws/lambda/f", clock)]}


async def test_accounts_and_regions_see_their_own_groups_only(ask: Ask) -> None:
    await ask("CreateLogGroup", logGroupName="/a")
    assert await names(ask, account="222222222222") == ([], None)
    assert await names(ask, region="us-east-1") == ([], None)


async def test_tags_by_arn_and_by_name_are_the_same(ask: Ask) -> None:
    await ask("CreateLogGroup", logGroupName="/a", tags={"one": "1"})
    await ask("TagResource", resourceArn=f"{ARN}/a", tags={"two": "2"})
    await ask("TagLogGroup", logGroupName="/a", tags={"three": "3", "one": "uno"})
    everything = {"tags": {"one": "uno", "two": "2", "three": "3"}}
    assert await ask("ListTagsForResource", resourceArn=f"{ARN}/a:*") == everything
    assert await ask("ListTagsLogGroup", logGroupName="/a") == everything
    await ask("UntagResource", resourceArn=f"{ARN}/a", tagKeys=["two", "none"])
    await ask("UntagLogGroup", logGroupName="/a", tags=["three"])
    assert await ask("ListTagsForResource", resourceArn=f"{ARN}/a") == {"tags": {"one": "uno"}}


async def test_a_fifty_first_tag_is_refused_and_changes_nothing(ask: Ask) -> None:
    await ask("CreateLogGroup", logGroupName="/a", tags={"first": ""})
    many = {f"k{number}": "" for number in range(50)}
    code, _ = await error_of(ask("TagResource", resourceArn=f"{ARN}/a", tags=many))
    assert code == "TooManyTagsException"
    assert await ask("ListTagsLogGroup", logGroupName="/a") == {"tags": {"first": ""}}


@pytest.mark.parametrize("arn", ["arn:aws:logs:eu-west-1:111111111111:destination:d", "arn:aws:sqs:r:a:q", "nonsense"])
async def test_the_arn_of_something_else_is_refused(ask: Ask, arn: str) -> None:
    code, _ = await error_of(ask("ListTagsForResource", resourceArn=arn))
    assert code == "InvalidParameterException"


async def test_the_arn_of_another_region_is_not_found(ask: Ask) -> None:
    await ask("CreateLogGroup", logGroupName="/a")
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/a"
    assert (await error_of(ask("ListTagsForResource", resourceArn=arn)))[0] == "ResourceNotFoundException"
