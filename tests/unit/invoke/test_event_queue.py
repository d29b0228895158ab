"""Events: accepted, run, tried again, given up; the whole table of times by a clock that is moved."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ramuda.invoke.queue import Options
from ramuda.kernel import trace
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.function import FunctionRef, Invocation, Outcome, RecursiveLoop, Streamed, Success, Throttled
from tests.unit.invoke.queues import (
    ACCOUNT,
    DEAD_LETTER,
    FAILED,
    ON_FAILURE,
    ON_SUCCESS,
    REGION,
    TRACE,
    Bench,
    Function,
)

ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    opened = await Bench(tmp_path).open()
    yield opened
    await opened.close()


def raising(error: Exception) -> Function:
    def answer(_: Invocation) -> Outcome:
        raise error

    return Function(answer=answer)


async def test_an_event_is_stored_before_it_is_answered_and_gone_when_it_has_run(bench: Bench) -> None:
    waiting = asyncio.get_running_loop().create_future()
    bench.functions["f"].answer = lambda _: waiting
    await bench.send(payload=b'{"a":1}', qualifier="live")
    (row,) = await bench.stored()
    assert (row["name"], row["qualifier"], row["request_id"], row["payload"], row["trace"]) == (
        "f",
        "live",
        "1",
        b'{"a":1}',
        TRACE,
    )
    waiting.set_result(Success(payload=b"null"))
    await bench.rest()
    assert await bench.stored() == []
    (ran,) = bench.runs.invocations
    assert (ran.request_id, ran.payload, ran.qualifier, ran.is_async) == ("1", b'{"a":1}', "live", True)


async def test_a_function_that_fails_is_tried_again_after_one_and_after_two_minutes(bench: Bench) -> None:
    bench.functions["f"].answer = lambda _: FAILED
    await bench.send()
    await bench.go(1000)
    assert bench.waits() == [60, 120]
    assert {ran.request_id for ran in bench.runs.invocations} == {"1"}
    assert await bench.stored() == []
    assert bench.values("AsyncEventsDropped") == [1]


@pytest.mark.parametrize(("retries", "runs"), [(0, 1), (1, 2), (2, 3)])
async def test_it_is_tried_again_as_often_as_is_set(bench: Bench, retries: int, runs: int) -> None:
    bench.functions["f"] = Function(answer=lambda _: FAILED, retries=retries)
    await bench.send()
    await bench.go(1000)
    assert len(bench.runs.at_s) == runs


@pytest.mark.parametrize(
    "trouble", [Throttled("ConcurrentInvocationLimitExceeded"), PortError("no memory"), RuntimeError("a bug of ours")]
)
async def test_an_event_without_room_backs_off_up_to_five_minutes_for_six_hours(
    bench: Bench, trouble: Exception
) -> None:
    bench.functions["f"] = raising(trouble)
    await bench.send()
    await bench.go(30_000)
    waits = bench.waits()
    assert waits[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(waits[10:]) == {300}
    assert 21_600 - 300 <= bench.runs.at_s[-1] - bench.begun_at_s < 21_600
    assert await bench.stored() == []
    assert bench.values("AsyncEventsDropped") == [1]


async def test_a_throttle_uses_up_no_retry(bench: Bench) -> None:
    answers: list[Outcome | Exception] = [FAILED, Throttled("r"), Throttled("r"), FAILED, FAILED]

    def answer(_: Invocation) -> Outcome:
        told = answers.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    bench.functions["f"].answer = answer
    await bench.send()
    await bench.go(1000)
    assert bench.waits() == [60, 1, 2, 120]
    assert answers == []


async def test_delays_are_options(tmp_path: Path) -> None:
    options = Options(retry_after_s=(3.0, 5.0), back_off_s=0.5, back_off_max_s=2.0, event_age_s=20.0)
    bench = await Bench(tmp_path, options).open()
    bench.functions["f"].answer = lambda _: FAILED
    await bench.send()
    await bench.go(100)
    assert bench.waits() == [3, 5]
    bench.runs.at_s.clear()
    bench.functions["f"] = raising(Throttled("r"))
    await bench.send()
    await bench.go(100)
    assert bench.waits() == [0.5, 1] + [2] * 9
    await bench.close()


@pytest.mark.parametrize(("age_s", "runs"), [(60, 1), (90, 2), (181, 3)])
async def test_an_event_too_old_for_another_attempt_is_reported_with_its_last_answer(
    bench: Bench, age_s: float, runs: int
) -> None:
    bench.functions["f"] = Function(answer=lambda _: FAILED, age_s=age_s, on_failure=ON_FAILURE)
    await bench.send()
    await bench.go(1000)
    ((_, delivery),) = bench.sink.taken
    record = json.loads(delivery.body)
    assert record["requestContext"]["approximateInvokeCount"] == len(bench.runs.at_s) == runs
    assert record["requestContext"]["condition"] == ("EventAgeExceeded" if runs < 3 else "RetriesExhausted")
    assert record["responsePayload"] == {"errorMessage": "no luck", "errorType": "E"}


async def test_an_event_found_too_old_is_not_run(bench: Bench) -> None:
    bench.functions["f"] = Function(answer=lambda _: FAILED, age_s=100, on_failure=ON_FAILURE)
    await bench.send()
    await bench.rest()
    await bench.close()
    await bench.clock.advance(5000)  # the server was off
    await bench.open()
    await bench.go(10)
    ((_, delivery),) = bench.sink.taken
    record = json.loads(delivery.body)
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == len(bench.runs.at_s) == 1
    assert record["responsePayload"] == {"errorMessage": "no luck", "errorType": "E"}


async def test_a_success_is_reported_as_recorded(bench: Bench) -> None:
    bench.functions["f"] = Function(on_success=ON_SUCCESS, on_failure=ON_FAILURE, dead_letter=DEAD_LETTER)
    await bench.send(payload=b'{"a":1}')
    await bench.rest()
    ((arn, delivery),) = bench.sink.taken
    assert (arn, delivery.kind, delivery.attributes, delivery.trace) == (
        ON_SUCCESS,
        "Success",
        (),
        f"{TRACE};Sampled=1",
    )
    assert list(json.loads(delivery.body).items()) == [
        ("version", "1.0"),
        ("timestamp", "2023-11-14T22:13:20.000Z"),
        (
            "requestContext",
            {
                "requestId": "1",
                "functionArn": f"{ARN}:$LATEST",
                "condition": "Success",
                "approximateInvokeCount": 1,
            },
        ),
        ("requestPayload", {"a": 1}),
        ("responseContext", {"statusCode": 200, "executedVersion": "$LATEST"}),
        ("responsePayload", None),
    ]


async def test_a_failure_is_reported_to_its_destination_and_to_the_dead_letter_queue(bench: Bench) -> None:
    bench.functions["f"] = Function(
        answer=lambda _: FAILED, retries=0, on_success=ON_SUCCESS, on_failure=ON_FAILURE, dead_letter=DEAD_LETTER
    )
    await bench.send(payload=b'{"a":1}', qualifier="live")
    await bench.rest()
    taken = dict(bench.sink.taken)
    assert list(taken) == [ON_FAILURE, DEAD_LETTER]
    record = json.loads(taken[ON_FAILURE].body)
    assert record["requestContext"]["functionArn"] == f"{ARN}:live"
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert taken[DEAD_LETTER].body == '{"a":1}'
    assert [(a.name, a.type, a.value) for a in taken[DEAD_LETTER].attributes] == [
        ("RequestID", "String", "1"),
        ("ErrorCode", "Number", "200"),
        ("ErrorMessage", "String", "no luck"),
    ]


async def test_a_function_with_no_reserved_concurrency_is_not_run(bench: Bench) -> None:
    bench.functions["f"] = Function(reserved=0, on_failure=ON_FAILURE, dead_letter=DEAD_LETTER)
    await bench.send()
    await bench.rest()
    assert bench.runs.at_s == []
    taken = dict(bench.sink.taken)
    record = json.loads(taken[ON_FAILURE].body)
    assert list(record) == ["version", "timestamp", "requestContext", "requestPayload"]
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert [a.value for a in taken[DEAD_LETTER].attributes] == ["1", "429", "Rate Exceeded."]
    assert bench.values("AsyncEventsDropped") == [1]


async def test_an_event_in_a_recursive_loop_is_dropped_at_once(bench: Bench) -> None:
    bench.functions["f"] = raising(RecursiveLoop(ARN))
    bench.functions["f"].on_failure = ON_FAILURE
    await bench.send()
    await bench.go(1000)
    assert len(bench.runs.at_s) == 1
    ((_, delivery),) = bench.sink.taken
    assert json.loads(delivery.body)["requestContext"]["approximateInvokeCount"] == 0


async def test_an_event_whose_function_is_gone_is_dropped(bench: Bench) -> None:
    bench.functions["f"] = Function(refusal=ApiError("ResourceNotFoundException", "Function not found"))
    await bench.send()
    await bench.go(1000)
    assert len(bench.runs.at_s) == 1
    assert await bench.stored() == []
    assert bench.values("AsyncEventsDropped") == [1]


async def test_an_event_waits_for_a_function_that_cannot_run_yet(bench: Bench) -> None:
    bench.functions["f"].refusal = ApiError("ResourceConflictException", "Pending")
    await bench.send()
    await bench.go(2)
    bench.functions["f"].refusal = None
    await bench.go(10)
    assert bench.waits() == [1, 2]
    assert len(bench.runs.invocations) == 1


async def test_a_response_in_pieces_is_one_answer(bench: Bench) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"a":'
        yield b"1}"

    bench.functions["f"] = Function(answer=lambda _: Streamed(chunks=chunks()), on_success=ON_SUCCESS)
    await bench.send()
    await bench.rest()
    assert json.loads(bench.sink.taken[0][1].body)["responsePayload"] == {"a": 1}


@pytest.mark.parametrize("header", [None, "no trace"])
async def test_what_is_delivered_has_a_trace_also_where_nobody_gave_one(bench: Bench, header: str | None) -> None:
    bench.functions["f"] = Function(reserved=0, on_failure=ON_FAILURE)
    ref = FunctionRef(account=ACCOUNT, region=REGION, name="f")
    await bench.queue.accept(ref, request_id="1", payload=b"{}", trace=header)
    await bench.rest()
    ((_, delivery),) = bench.sink.taken
    assert trace.parse(delivery.trace) is not None


async def test_metrics_tell_of_events_received_and_how_old_they_were(bench: Bench) -> None:
    bench.functions["f"] = Function(answer=lambda _: FAILED, retries=1)
    await bench.send(qualifier="live")
    await bench.go(1000)
    for dimensions in (
        (),
        (("FunctionName", "f"),),
        (("FunctionName", "f"), ("Resource", "f:live")),
    ):
        assert bench.recorder.values("AsyncEventsReceived", dimensions) == [1]
        assert bench.recorder.values("AsyncEventAge", dimensions) == [0, 60_000]
        assert bench.recorder.values("AsyncEventsDropped", dimensions) == [1]
