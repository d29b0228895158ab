"""Putting events, reading a stream in pages, searching a group."""

from typing import Any

import pytest

from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError
from ramuda.testing import ManualClock
from tests.unit.service_calls import Ask

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture
def now_ms(clock: ManualClock) -> int:
    return int(clock.time() * 1000)


@pytest.fixture(autouse=True)
async def group_with_streams(ask: Ask) -> None:
    await ask("CreateLogGroup", logGroupName="/g")
    for stream in ("s", "t"):
        await ask("CreateLogStream", logGroupName="/g", logStreamName=stream)


async def put(ask: Ask, events: list[tuple[int, str]], stream: str = "s", **more: Any) -> Result:
    wire = [{"timestamp": at_ms, "message": message} for at_ms, message in events]
    return await ask("PutLogEvents", logGroupName="/g", logStreamName=stream, logEvents=wire, **more)


async def get(ask: Ask, **params: Any) -> Result:
    return await ask("GetLogEvents", logGroupName="/g", logStreamName="s", **params)


async def found(ask: Ask, **params: Any) -> list[str]:
    answer = await ask("FilterLogEvents", logGroupName="/g", **params)
    return [event["message"] for event in answer["events"]]


def messages(answer: Result) -> list[str]:
    return [event["message"] for event in answer["events"]]


async def error_of(answer: Any) -> tuple[str, str | None]:
    with pytest.raises(ApiError) as raised:
        await answer
    return raised.value.code, raised.value.message


# -- PutLogEvents
# --------------------------------------------------------------------------------------------------------


async def test_events_are_read_with_the_time_they_came_in(ask: Ask, now_ms: int) -> None:
    answer = await put(ask, [(now_ms - 5, "one"), (now_ms, "two")])
    assert (list(answer), len(answer["nextSequenceToken"])) == (["nextSequenceToken"], 56)
    read = await get(ask)
    assert read["events"] == [
        {"timestamp": now_ms - 5, "message": "one", "ingestionTime": now_ms},
        {"timestamp": now_ms, "message": "two", "ingestionTime": now_ms},
    ]


async def test_sequence_tokens_are_ignored(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms, "one")], sequenceToken="wrong")
    assert messages(await get(ask)) == ["one"]


async def test_events_out_of_order_are_refused(ask: Ask, now_ms: int) -> None:
    assert await error_of(put(ask, [(now_ms, "one"), (now_ms - 1, "two")])) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )


async def test_a_batch_of_more_than_a_day_is_refused(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms - DAY_MS, "one"), (now_ms, "two")])
    assert await error_of(put(ask, [(now_ms - DAY_MS - 1, "one"), (now_ms, "two")])) == (
        "InvalidParameterException",
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    )


async def test_a_batch_of_more_than_a_mebibyte_is_refused(ask: Ask, now_ms: int) -> None:
    half = "é" * (524_288 - 26)  # of which two are a mebibyte with 26 bytes an event, when é is one byte
    await put(ask, [(now_ms, "x" * (524_288 - 26)), (now_ms, "x" * (524_288 - 26))])
    assert await error_of(put(ask, [(now_ms, half)] * 2)) == (
        "InvalidParameterException",
        "Upload too large: 2097100 bytes exceeds limit of 1048576",
    )


async def test_events_too_old_too_new_or_expired_are_left_out_and_told(ask: Ask, now_ms: int) -> None:
    limit = now_ms - 14 * DAY_MS
    answer = await put(ask, [(limit - 2, "old"), (limit - 1, "old"), (limit, "ok")])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}
    limit = now_ms + 2 * HOUR_MS
    answer = await put(ask, [(limit, "ok"), (limit + 1, "new"), (limit + 2, "new")])
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    await ask("PutRetentionPolicy", logGroupName="/g", retentionInDays=1)
    limit = now_ms - DAY_MS
    answer = await put(ask, [(limit - 1, "expired"), (limit, "ok")])
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert messages(await get(ask)) == ["ok"] * 3


async def test_a_batch_of_which_nothing_is_taken_is_answered_all_the_same(ask: Ask, now_ms: int) -> None:
    answer = await put(ask, [(now_ms + DAY_MS, "new")])
    assert (answer["rejectedLogEventsInfo"], messages(await get(ask))) == ({"tooNewLogEventStartIndex": 0}, [])


# -- GetLogEvents
# --------------------------------------------------------------------------------------------------------


async def test_the_latest_events_come_first_unless_asked_otherwise(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms + number, str(number)) for number in range(10)])
    assert messages(await get(ask, limit=3)) == ["7", "8", "9"]
    assert messages(await get(ask, limit=3, startFromHead=True)) == ["0", "1", "2"]


async def test_paging_forward_ends_with_the_token_that_was_asked_with(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms + number, str(number)) for number in range(5)])
    pages, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        page = await get(ask, limit=2, startFromHead=True, **more)
        pages.append(messages(page))
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    assert pages == [["0", "1"], ["2", "3"], ["4"], []]


async def test_paging_backward_ends_with_the_token_that_was_asked_with(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms + number, str(number)) for number in range(5)])
    pages, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        page = await get(ask, limit=2, **more)
        pages.append(messages(page))
        if page["nextBackwardToken"] == token:
            break
        token = page["nextBackwardToken"]
    assert pages == [["3", "4"], ["1", "2"], ["0"], []]


async def test_what_comes_later_is_behind_the_forward_token(ask: Ask, now_ms: int) -> None:
    empty = await get(ask, startFromHead=True)
    assert messages(empty) == []
    await put(ask, [(now_ms, "one")])
    first = await get(ask, nextToken=empty["nextForwardToken"])
    await put(ask, [(now_ms, "two")])
    second = await get(ask, nextToken=first["nextForwardToken"])
    assert (messages(first), messages(second)) == (["one"], ["two"])


async def test_one_can_turn_round_at_either_end(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms + number, str(number)) for number in range(3)])
    head = await get(ask, limit=1, startFromHead=True)
    end = await get(ask, nextToken=(await get(ask))["nextForwardToken"])
    before_head = await get(ask, nextToken=head["nextBackwardToken"])
    assert (messages(end), messages(before_head)) == ([], [])
    assert messages(await get(ask, limit=1, nextToken=end["nextBackwardToken"])) == ["2"]
    assert messages(await get(ask, limit=1, nextToken=before_head["nextForwardToken"])) == ["0"]


async def test_a_time_range_includes_its_start_and_not_its_end(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms + number, str(number)) for number in range(4)])
    assert messages(await get(ask, startTime=now_ms + 1, endTime=now_ms + 3)) == ["1", "2"]


async def test_tokens_look_like_those_of_aws(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms, "one")])
    page = await get(ask)
    digits = f"{now_ms:015d}" + f"{1:019d}" + "0" * 22
    assert (page["nextForwardToken"], page["nextBackwardToken"]) == (f"f/{digits}/s", f"b/{digits}/s")


@pytest.mark.parametrize("token", ["x", "f/1/s", "f/" + "1" * 56, "g/" + "1" * 56 + "/s", "f/" + "x" * 56 + "/s"])
async def test_a_token_that_was_not_given_is_refused(ask: Ask, token: str) -> None:
    expected = ("InvalidParameterException", "The specified nextToken is invalid.")
    assert await error_of(get(ask, nextToken=token)) == expected
    assert await error_of(ask("FilterLogEvents", logGroupName="/g", nextToken=token)) == expected


# -- FilterLogEvents
# -----------------------------------------------------------------------------------------------------


async def test_a_search_interleaves_streams_and_names_each_event(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms, "s0"), (now_ms + 2, "s2")])
    await put(ask, [(now_ms + 1, "t1")], stream="t")
    answer = await ask("FilterLogEvents", logGroupName="/g", interleaved=True)
    ids = [event.pop("eventId") for event in answer["events"]]
    assert answer == {
        "events": [
            {"logStreamName": "s", "timestamp": now_ms, "message": "s0", "ingestionTime": now_ms},
            {"logStreamName": "t", "timestamp": now_ms + 1, "message": "t1", "ingestionTime": now_ms},
            {"logStreamName": "s", "timestamp": now_ms + 2, "message": "s2", "ingestionTime": now_ms},
        ],
        "searchedLogStreams": [],
    }
    assert (ids == sorted(set(ids)), {len(one) for one in ids}) == (True, {56})


async def test_a_search_takes_streams_a_prefix_and_times(ask: Ask, now_ms: int) -> None:
    await put(ask, [(now_ms + number, f"s{number}") for number in range(4)])
    await put(ask, [(now_ms + 1, "t1")], stream="t")
    assert await found(ask, logStreamNames=["t", "t"]) == ["t1"]
    assert await found(ask, logStreamNamePrefix="s", startTime=now_ms + 1, endTime=now_ms + 2) == ["s1", "s2"]
    assert await found(ask, startFromHead=False) == ["s3", "s2", "t1", "s1", "s0"]


@pytest.mark.parametrize("end", [2**63 - 1, 10**15 - 1, 10**30])
async def test_the_end_of_time_may_be_as_far_as_it_likes(ask: Ask, now_ms: int, end: int) -> None:
    await put(ask, [(now_ms, "one")])
    assert await found(ask, startTime=0, endTime=end) == ["one"]
    assert messages(await get(ask, endTime=end)) == ["one"]
    assert await found(ask, startTime=end) == []
    nothing = await get(ask, startTime=end, startFromHead=True)
    assert messages(await get(ask, nextToken=nothing["nextForwardToken"])) == []


async def test_streams_and_a_prefix_exclude_each_other(ask: Ask) -> None:
    code, _ = await error_of(found(ask, logStreamNames=["s"], logStreamNamePrefix="s"))
    assert code == "InvalidParameterException"


@pytest.mark.parametrize("from_head", [True, False])
async def test_a_search_comes_in_pages_that_together_are_everything(ask: Ask, now_ms: int, from_head: bool) -> None:
    await put(ask, [(now_ms + number // 2, f"{'hit' if number % 3 else 'miss'} {number}") for number in range(20)])
    hits, token, turns = [], None, 0
    while turns == 0 or token:
        more = {"nextToken": token} if token else {"startFromHead": from_head}
        answer = await ask("FilterLogEvents", logGroupName="/g", filterPattern="hit", limit=3, **more)
        hits += messages(answer)
        token, turns = answer.get("nextToken"), turns + 1
    expected = [f"hit {number}" for number in range(20) if number % 3]
    assert (hits, turns) == (expected if from_head else expected[::-1], 5)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("{ $.level = ERROR }", "Ramuda does not support JSON filter patterns yet: use plain terms."),
        ("[ip, user]", "Ramuda does not support space-delimited filter patterns yet: use plain terms."),
        ("%ERR.R%", "Ramuda does not support regular expression filter patterns yet: use plain terms."),
        ("a:b", "Invalid character(s) in term 'a:b'"),
        ('"open', "Invalid filter pattern: a quotation mark is not closed."),
    ],
)
async def test_a_pattern_that_cannot_be_searched_is_refused(ask: Ask, pattern: str, text: str) -> None:
    assert await error_of(found(ask, filterPattern=pattern)) == ("InvalidParameterException", text)
