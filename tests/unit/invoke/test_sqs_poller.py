"""Queues that are read for a function: batches, what is deleted, what comes again and when."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ramuda.invoke.pollers import sqs_records
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.function import FunctionError, Outcome, RecursiveLoop, Success, Throttled
from tests.unit.invoke.sqs_queue import ARN, NOTHING, Bench

FAILED = FunctionError(error_type="ValueError", payload=b'{"errorType": "ValueError"}')


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.stop()


def sequence(*outcomes: Outcome | Exception) -> Callable[[list[str]], Outcome]:
    """The outcomes of one invocation after the other; of the last one for good."""
    left = list(outcomes)

    def answer(_: list[str]) -> Outcome:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return answer


async def test_messages_come_in_batches_and_leave_the_queue(bench: Bench) -> None:
    bench.queue.send("a", "b", "c")
    bench.poll(batch_size=2)
    await bench.pass_s(1)
    assert bench.batches == [["a", "b"], ["c"]]
    assert bench.queue.left == []
    assert bench.results == ["OK", "OK"]
    assert {(account, region) for _, account, region in bench.queue.asked} == {("111111111111", "us-east-1")}


async def test_an_empty_queue_is_waited_for_as_long_as_sqs_allows_and_runs_nothing(bench: Bench) -> None:
    bench.poll()
    await bench.pass_s(50)
    assert (bench.batches, bench.results, set(bench.queue.waits)) == ([], [], {20})
    assert len(bench.queue.waits) == 3
    bench.queue.send("late")
    await bench.pass_s(0.5)
    assert bench.batches == [["late"]]


async def test_a_window_gathers_what_arrives_within_it(bench: Bench) -> None:
    bench.queue.send(*(f"{n}" for n in range(12)))
    bench.poll(batch_size=100, window_s=5)
    await bench.pass_s(3)
    assert bench.batches == []
    bench.queue.send("in time")
    await bench.pass_s(2.5)
    assert bench.batches == [[*(f"{n}" for n in range(12)), "in time"]]
    assert bench.queue.left == []


async def test_a_full_batch_does_not_wait_for_the_window(bench: Bench) -> None:
    bench.queue.send(*(f"{n}" for n in range(25)))
    bench.poll(batch_size=20, window_s=300)
    await bench.pass_s(1)
    assert [len(batch) for batch in bench.batches] == [20]
    assert len(bench.queue.left) == 5


async def test_the_end_of_a_window_is_slept_through(bench: Bench) -> None:
    """SQS waits for whole seconds: the rest is not spent in asking again and again."""
    bench.poll(batch_size=10, window_s=2)
    await bench.pass_s(0.5)
    bench.queue.send("a")
    await bench.pass_s(2)
    assert bench.batches == [["a"]]
    assert bench.queue.waits == [20, 1, 0, 20]


async def test_no_event_is_larger_than_six_mebibytes(bench: Bench) -> None:
    mebibyte = "x" * 1024 * 1024
    bench.queue.send(*[mebibyte] * 8)
    bench.poll()
    await bench.pass_s(1)
    assert [len(batch) for batch in bench.batches] == [5, 3]
    assert bench.queue.left == []


async def test_what_the_function_failed_on_comes_again_after_the_visibility_time_out(bench: Bench) -> None:
    """Recorded: failing_lambda_retries_after_visibility_timeout."""
    bench.queue.visibility_s = 8
    bench.queue.send("a")
    bench.answer = sequence(FAILED, NOTHING)
    bench.poll()
    await bench.pass_s(7)
    assert (bench.batches, bench.results) == ([["a"]], ["PROBLEM: Function call failed"])
    await bench.pass_s(1.5)
    assert (bench.batches, bench.results[-1], bench.queue.left) == ([["a"], ["a"]], "OK", [])


@pytest.mark.parametrize(("window_s", "hidden_s"), [(4, 10), (8, 8 + 3 + 30)])
async def test_messages_are_hidden_while_they_are_gathered_and_processed(
    bench: Bench, window_s: int, hidden_s: int
) -> None:
    bench.queue.visibility_s = 10
    bench.queue.send("a")
    bench.poll(window_s=window_s)
    await bench.pass_s(1)
    assert set(bench.queue.hidden_s) == {hidden_s}


@pytest.mark.parametrize(
    "answer",
    [b"", b"null", b"[]", b'""', b"{}", b'{"batchItemFailures": []}', b'{"batchItemFailures": null}'],
)
async def test_a_report_of_nothing_is_success(bench: Bench, answer: bytes) -> None:
    """Recorded: report_batch_item_failures_empty_json_batch_succeeds, and the success scenarios of Kinesis."""
    bench.queue.send("a", "b")
    bench.answer = sequence(Success(payload=answer))
    bench.poll(reports_failures=True)
    await bench.pass_s(1)
    assert (bench.queue.left, bench.results) == ([], ["OK"])


@pytest.mark.parametrize(
    "report",
    [
        {"batchItemFailures": [{"foo": "notvalid"}]},  # recorded for SQS, the next five for streams
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"foo": None}]},
        {"batchItemFailures": [{"itemIdentifier": "not-in-this-batch"}]},
        {"batchItemFailures": [{"itemIdentifier": ["m0"]}]},
        {"batchItemFailures": "m0"},
        {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "other"}]},
        "text",
        True,
        [1],
    ],
)
async def test_what_is_no_report_fails_the_whole_batch(bench: Bench, report: Any) -> None:
    bench.queue.send("a", "b")
    bench.answer = sequence(Success(payload=json.dumps(report).encode()))
    bench.poll(reports_failures=True)
    await bench.pass_s(1)
    assert (bench.queue.left, bench.results) == (["a", "b"], ["PROBLEM: Function call failed"])


@pytest.mark.parametrize("answer", [b"[" * 100_000, b"no json", b"\xff"])
async def test_an_answer_that_cannot_be_read_fails_the_whole_batch(bench: Bench, answer: bytes) -> None:
    bench.queue.send("a")
    bench.answer = sequence(Success(payload=answer))
    bench.poll(reports_failures=True)
    await bench.pass_s(1)
    assert (bench.queue.left, bench.results) == (["a"], ["PROBLEM: Function call failed"])


async def test_only_what_a_report_names_stays(bench: Bench) -> None:
    bench.queue.send("a", "b", "c")
    bench.answer = sequence(Success(payload=b'{"batchItemFailures": [{"itemIdentifier": "m1"}]}'))
    bench.poll(reports_failures=True)
    await bench.pass_s(1)
    assert (bench.queue.left, bench.results) == (["b"], ["PROBLEM: Function call failed"])


async def test_a_report_means_nothing_where_the_mapping_does_not_ask_for_it(bench: Bench) -> None:
    bench.queue.send("a")
    bench.answer = sequence(Success(payload=b'{"batchItemFailures": [{"itemIdentifier": "m0"}]}'))
    bench.poll()
    await bench.pass_s(1)
    assert (bench.queue.left, bench.results) == ([], ["OK"])


async def test_a_fifo_queue_is_read_in_order_and_keeps_all_from_the_first_failure_on(bench: Bench) -> None:
    running: list[list[str]] = []
    most = 0

    async def answer(bodies: list[str]) -> Outcome:
        nonlocal most
        running.append(bodies)
        most = max(most, len(running))
        await bench.clock.sleep(1)
        running.remove(bodies)
        return Success(payload=b'{"batchItemFailures": [{"itemIdentifier": "m3"}]}' if "d" in bodies else b"")

    bench.answer = answer
    bench.queue.send("a", "b", "c", "d", "e")
    bench.poll(queue_arn=f"{ARN}.fifo", batch_size=3, reports_failures=True)
    await bench.pass_s(4)
    assert (bench.batches, most) == ([["a", "b", "c"], ["d", "e"]], 1)
    assert bench.queue.left == ["d", "e"]


async def test_a_throttled_batch_is_tried_again_and_then_done(bench: Bench) -> None:
    bench.queue.send("a")
    throttled = Throttled("ConcurrentInvocationLimitExceeded")
    bench.answer = sequence(throttled, throttled, NOTHING)
    bench.poll()
    await bench.pass_s(1.5)
    assert (len(bench.batches), bench.results) == (2, [])
    await bench.pass_s(2)
    assert (len(bench.batches), bench.results, bench.queue.left) == (3, ["OK"], [])


async def test_a_batch_that_stays_throttled_is_left_when_its_messages_are_due_again(bench: Bench) -> None:
    bench.queue.visibility_s = 12
    bench.queue.send("a")
    bench.answer = sequence(Throttled("ReservedFunctionConcurrentInvocationLimitExceeded"))
    bench.poll()
    await bench.pass_s(11)
    assert (len(bench.batches), bench.results) == (4, ["PROBLEM: Function call failed"])
    assert bench.queue.left == ["a"]
    bench.answer = sequence(NOTHING)
    await bench.pass_s(2)
    assert (bench.queue.left, bench.results[-1], bench.queue.messages) == ([], "OK", [])


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (ApiError("QueueDoesNotExist", "The specified queue does not exist."), "QueueDoesNotExist: The specified"),
        (PortError("the server of sqs is away"), "the server of sqs is away"),
    ],
)
async def test_an_error_of_the_queue_is_told_and_tried_again(bench: Bench, failure: Exception, told: str) -> None:
    bench.queue.failures = [failure] * 3
    bench.queue.send("a")
    bench.poll()
    await bench.pass_s(1.5)
    assert len(bench.results) == 2
    assert all(result.startswith(f"PROBLEM: {told}") for result in bench.results)
    assert bench.batches == []
    await bench.pass_s(6)
    assert (bench.batches, bench.results[-1]) == ([["a"]], "OK")


async def test_waiting_for_a_queue_that_is_away_grows_to_half_a_minute(bench: Bench) -> None:
    bench.queue.failures = [PortError("away")] * 1000
    bench.poll()
    await bench.pass_s(31.25)
    assert len(bench.results) == 6  # after 0, 1, 3, 7, 15 and 31 seconds
    await bench.pass_s(60)
    assert len(bench.results) == 8


async def test_a_message_that_could_not_be_deleted_is_told_and_comes_again(bench: Bench) -> None:
    bench.queue.visibility_s = 5

    def answer(_: list[str]) -> Outcome:
        bench.queue.failures = [] if bench.results else [PortError("away")]
        return NOTHING

    bench.answer = answer
    bench.queue.send("a")
    bench.poll(at_once=1)
    await bench.pass_s(1)
    assert (bench.results, bench.queue.left) == (["PROBLEM: away"], ["a"])
    await bench.pass_s(6)
    assert (bench.results[-1], bench.queue.left) == ("OK", [])


@pytest.mark.parametrize(
    "failure", [RecursiveLoop("f"), ApiError("ResourceConflictException", "no"), ValueError("bug")]
)
async def test_an_invocation_that_cannot_be_leaves_the_message_and_polling_goes_on(
    bench: Bench, failure: Exception
) -> None:
    bench.queue.visibility_s = 5
    bench.queue.send("a")
    bench.answer = sequence(failure, NOTHING)
    bench.poll(at_once=1)
    await bench.pass_s(1)
    assert bench.queue.left == ["a"]
    await bench.pass_s(6)
    assert (bench.queue.left, len(bench.batches)) == ([], 2)


@pytest.mark.parametrize(("plan", "at_once"), [({}, 5), ({"at_once": 2}, 2), ({"queue_arn": f"{ARN}.fifo"}, 1)])
async def test_as_many_batches_run_side_by_side_as_the_mapping_allows(
    bench: Bench, plan: dict[str, Any], at_once: int
) -> None:
    gate = asyncio.Event()

    async def answer(_: list[str]) -> Outcome:
        await gate.wait()
        return NOTHING

    bench.answer = answer
    bench.queue.send(*"abcdefgh")
    bench.poll(batch_size=1, **plan)
    await bench.pass_s(2)
    assert len(bench.batches) == at_once
    gate.set()
    await bench.pass_s(2)
    assert sorted(bench.batches) == [[each] for each in "abcdefgh"]
    assert bench.queue.left == []


async def test_a_poller_that_is_cancelled_leaves_what_it_had_not_finished(bench: Bench) -> None:
    async def answer(_: list[str]) -> Outcome:
        await asyncio.Event().wait()
        return NOTHING

    bench.answer = answer
    bench.queue.send("a", "b")
    task = bench.poll(batch_size=1)
    await bench.pass_s(1)
    assert len(bench.batches) == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.queue.left == ["a", "b"]


async def test_a_poller_that_is_to_finish_ends_after_the_batches_under_way(bench: Bench) -> None:
    gate = asyncio.Event()

    async def answer(_: list[str]) -> Outcome:
        await gate.wait()
        return NOTHING

    bench.answer = answer
    bench.queue.send("a", "b")
    task = bench.poll(batch_size=1)
    await bench.pass_s(1)
    bench.poller.finish()
    bench.queue.send("c")
    await bench.pass_s(1)
    assert (bench.batches, task.done()) == ([["a"], ["b"]], False)
    gate.set()
    await asyncio.wait_for(task, 5)
    assert (bench.queue.left, bench.results) == (["c"], ["OK", "OK"])


async def test_the_longest_chain_of_requests_goes_on_with_the_batch(bench: Bench) -> None:
    root = "Root=1-5759e988-bd862e3fe1be46a994272793"
    short, long = f"{root};Sampled=0;Lineage=2:a87bd80c:1", f"{root};Sampled=0;Lineage=15:a87bd80c:14"
    bench.queue.send("a", "b")
    bench.queue.send("c", trace=short)
    bench.queue.send("d", trace=long)
    bench.queue.send("e", trace="no trace")
    bench.poll(batch_size=4)
    await bench.pass_s(1)
    assert (bench.batches, bench.traces) == ([["a", "b", "c", "d"], ["e"]], [long, None])


async def test_a_loop_that_is_stopped_is_told_as_a_failed_call(bench: Bench) -> None:
    bench.queue.send("a")
    bench.answer = sequence(RecursiveLoop("arn"))
    bench.poll()
    await bench.pass_s(1)
    assert (bench.results, bench.queue.left) == (["PROBLEM: Function call failed"], ["a"])


@pytest.mark.parametrize(
    ("patterns", "passed"),
    [
        ([], ["plain", "7", '{"k": 1}', '{"k": 2}', '[{"k": 1}]']),
        ([{"body": {"k": [1]}}], ['{"k": 1}', '[{"k": 1}]']),
        ([{"body": {"k": [{"exists": False}]}}], []),
        ([{"body": ["plain"]}], ["plain"]),
        ([{"body": ["7"]}], ["7"]),
        ([{"body": [{"anything-but": "7"}]}], ["plain"]),
        ([{"body": ["plain"]}, {"body": {"k": [2]}}], ["plain", '{"k": 2}']),
        ([{"eventSource": ["aws:sqs"]}], ["plain", "7", '{"k": 1}', '{"k": 2}', '[{"k": 1}]']),
        ([{"attributes": {"ApproximateReceiveCount": ["2"]}}], []),
    ],
)
async def test_filters_let_through_what_fits_and_delete_the_rest(
    bench: Bench, patterns: list[dict[str, Any]], passed: list[str]
) -> None:
    """Plain bodies fit plain patterns, JSON bodies patterns that look into them; both are dropped otherwise."""
    bench.queue.send("plain", "7", '{"k": 1}', '{"k": 2}', '[{"k": 1}]')
    bench.poll(patterns=tuple(patterns))
    await bench.pass_s(1)
    assert (bench.batches, bench.queue.left) == ([passed] if passed else [], [])


@pytest.mark.parametrize("body", ["[" * 100_000, "[" * 900 + "]" * 900, '{"a":' * 100_000])
async def test_a_body_nested_beyond_all_measure_does_not_stop_the_poller(bench: Bench, body: str) -> None:
    bench.queue.send(body, '{"k": 1}')
    bench.poll(patterns=({"body": {"k": [1]}},))
    await bench.pass_s(1)
    assert (bench.batches, bench.queue.left) == ([['{"k": 1}']], [])


def test_a_message_is_shown_to_the_function_as_aws_shows_it() -> None:
    """Recorded: sqs_event_source_mapping; md5OfMessageAttributes is null where there are none."""
    attributes = {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "1545082649183",
        "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
    }
    message = {"MessageId": "id", "ReceiptHandle": "handle", "Body": '{"foo": "bar"}', "MD5OfBody": "md5"}
    made = sqs_records.record({**message, "Attributes": {**attributes, "Unknown": "x"}}, ARN, "us-east-1")
    expected = {
        "messageId": "id",
        "receiptHandle": "handle",
        "body": '{"foo": "bar"}',
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfMessageAttributes": None,
        "md5OfBody": "md5",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "us-east-1",
    }
    assert made == expected
    own = {
        "text": {"DataType": "String", "StringValue": "t"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    fifo = {**attributes, "SequenceNumber": "1", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    made = sqs_records.record(
        {**message, "Attributes": fifo, "MessageAttributes": own, "MD5OfMessageAttributes": "m"}, ARN, "us-east-1"
    )
    assert made == {
        **expected,
        "attributes": fifo,
        "md5OfMessageAttributes": "m",
        "messageAttributes": {
            "text": {"stringValue": "t", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "bytes": {"binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
    }
