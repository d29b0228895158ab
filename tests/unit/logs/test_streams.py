"""Log streams."""

from typing import Any

import pytest

from ramuda.kernel.errors import ApiError
from ramuda.testing import ManualClock
from tests.unit.service_calls import ACCOUNT, REGION, Ask


@pytest.fixture
async def group(ask: Ask) -> str:
    await ask("CreateLogGroup", logGroupName="/g")
    return "/g"


async def make(ask: Ask, *names: str) -> None:
    for name in names:
        await ask("CreateLogStream", logGroupName="/g", logStreamName=name)


async def put(ask: Ask, stream: str, *times: int) -> None:
    events = [{"timestamp": at_ms, "message": "m"} for at_ms in times]
    await ask("PutLogEvents", logGroupName="/g", logStreamName=stream, logEvents=events)


async def listed(ask: Ask, **params: Any) -> tuple[list[str], str | None]:
    answer = await ask("DescribeLogStreams", logGroupName="/g", **params)
    return [stream["logStreamName"] for stream in answer["logStreams"]], answer.get("nextToken")


async def error_of(answer: Any) -> tuple[str, str | None]:
    with pytest.raises(ApiError) as raised:
        await answer
    return raised.value.code, raised.value.message


async def test_streams_are_described_with_the_times_of_their_events(ask: Ask, group: str, clock: ManualClock) -> None:
    created_ms = int(clock.time() * 1000)
    await make(ask, "empty", "full")
    await clock.advance(10)
    await put(ask, "full", created_ms + 1_000, created_ms + 2_000)
    await put(ask, "full", created_ms, created_ms + 500)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/g:log-stream:"
    assert await ask("DescribeLogStreams", logGroupName="/g") == {
        "logStreams": [
            {"logStreamName": "empty", "creationTime": created_ms, "arn": f"{arn}empty", "storedBytes": 0},
            {
                "logStreamName": "full",
                "creationTime": created_ms,
                "arn": f"{arn}full",
                "storedBytes": 0,
                "firstEventTimestamp": created_ms,
                "lastEventTimestamp": created_ms + 2_000,
                "lastIngestionTime": created_ms + 10_000,
                "uploadSequenceToken": f"{created_ms + 10_000:015d}" + "0" * 41,
            },
        ]
    }


async def test_a_stream_that_is_there_already_is_refused(ask: Ask, group: str) -> None:
    await make(ask, "s")
    assert await error_of(make(ask, "s")) == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )


async def test_a_stream_that_is_not_there_is_not_found(ask: Ask, group: str) -> None:
    expected = ("ResourceNotFoundException", "The specified log stream does not exist.")
    assert await error_of(ask("DeleteLogStream", logGroupName="/g", logStreamName="s")) == expected
    assert await error_of(ask("GetLogEvents", logGroupName="/g", logStreamName="s")) == expected
    assert await error_of(ask("FilterLogEvents", logGroupName="/g", logStreamNames=["s"])) == expected


async def test_streams_come_by_name_or_by_their_last_event(ask: Ask, group: str, clock: ManualClock) -> None:
    now_ms = int(clock.time() * 1000)
    await make(ask, "a", "b", "c", "d")
    for stream, at_ms in (("a", now_ms + 30), ("b", now_ms + 10), ("c", now_ms + 20)):
        await put(ask, stream, at_ms)
    assert await listed(ask) == (["a", "b", "c", "d"], None)
    assert await listed(ask, descending=True) == (["d", "c", "b", "a"], None)
    assert await listed(ask, orderBy="LastEventTime") == (["d", "b", "c", "a"], None)
    assert await listed(ask, orderBy="LastEventTime", descending=True, limit=2) == (["a", "c"], "2")
    assert await listed(ask, orderBy="LastEventTime", descending=True, nextToken="2") == (["b", "d"], None)


async def test_streams_are_found_by_prefix(ask: Ask, group: str) -> None:
    await make(ask, "2023/11/14/[$LATEST]a", "2023/11/14/[$LATEST]b", "2023/11/15/[1]c")
    found = ["2023/11/14/[$LATEST]a", "2023/11/14/[$LATEST]b"]
    assert await listed(ask, logStreamNamePrefix="2023/11/14/[") == (found, None)
    assert await listed(ask, logStreamNamePrefix="2023/11/14/[", limit=1) == (found[:1], "1")


async def test_a_prefix_cannot_be_ordered_by_last_event(ask: Ask, group: str) -> None:
    assert await error_of(listed(ask, logStreamNamePrefix="a", orderBy="LastEventTime")) == (
        "InvalidParameterException",
        "Cannot order by LastEventTime with a logStreamNamePrefix.",
    )


async def test_a_deleted_stream_is_gone_with_its_events(ask: Ask, group: str, clock: ManualClock) -> None:
    await make(ask, "s", "other")
    await put(ask, "s", int(clock.time() * 1000))
    assert await ask("DeleteLogStream", logGroupName="/g", logStreamName="s") == {}
    assert await listed(ask) == (["other"], None)
    await make(ask, "s")
    assert (await ask("GetLogEvents", logGroupName="/g", logStreamName="s"))["events"] == []


@pytest.mark.parametrize("token", ["x", "-1", "9" * 13, "9" * 5000])
async def test_a_token_that_was_not_given_is_refused(ask: Ask, group: str, token: str) -> None:
    assert await error_of(listed(ask, nextToken=token)) == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )


async def test_a_group_can_be_named_by_its_arn(ask: Ask, group: str) -> None:
    await make(ask, "s")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/g"
    answers = [await ask("DescribeLogStreams", logGroupIdentifier=one) for one in ("/g", arn, f"{arn}:*")]
    assert [[stream["logStreamName"] for stream in answer["logStreams"]] for answer in answers] == [["s"]] * 3


@pytest.mark.parametrize("params", [{}, {"logGroupName": "/g", "logGroupIdentifier": "/g"}])
async def test_a_group_must_be_named_once(ask: Ask, group: str, params: dict[str, str]) -> None:
    assert (await error_of(ask("DescribeLogStreams", **params)))[0] == "InvalidParameterException"
