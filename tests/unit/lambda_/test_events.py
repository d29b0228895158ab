"""Asynchronous invocations through the API: what is run is what is there at each attempt."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ramuda.invoke.queue import Options as EventOptions
from ramuda.kernel.function import FunctionError, Success
from ramuda.services.lambda_ import Options
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, arn, zipped

FAILED = FunctionError(error_type="E", payload=b'{"errorMessage":"no luck"}')
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"


async def rest(lambda_: Lambda) -> None:
    await lambda_.service.room.events.drained()
    await lambda_.clock.slept()
    await lambda_.service.room.events.drained()


async def go(lambda_: Lambda, seconds: float) -> None:
    await rest(lambda_)
    await lambda_.clock.advance(seconds)
    await rest(lambda_)


def messages(lambda_: Lambda) -> list[dict[str, Any]]:
    """What was sent to queues."""
    return [params for _, operation, params, _, _ in lambda_.api.asked if operation == "SendMessage"]


@pytest.fixture
async def failing(lambda_: Lambda) -> Lambda:
    """Function `f` fails; there is a queue."""
    lambda_.api.answers["sqs", "GetQueueUrl"] = {"QueueUrl": "http://q"}
    lambda_.api.answers["sqs", "SendMessage"] = {}
    await lambda_.create()
    lambda_.invoker.answer = lambda _: FAILED
    return lambda_


async def test_an_event_is_an_asynchronous_invocation(lambda_: Lambda) -> None:
    await lambda_.create(Publish=True)
    for name, qualifier in (("f", None), (arn("f", "1"), "1"), ("f:$LATEST", "$LATEST")):
        await lambda_("Invoke", FunctionName=name, InvocationType="Event", Payload=b"[1]", trace="Root=1")
        await rest(lambda_)
        asked = lambda_.invoker.asked[-1]
        assert (asked.is_async, asked.qualifier, asked.invoked_arn, asked.trace) == (
            True,
            qualifier,
            arn("f", qualifier),
            "Root=1",
        )
    await lambda_("InvokeAsync", FunctionName="f", InvokeArgs=b"[2]", trace="Root=1")
    await rest(lambda_)
    assert (lambda_.invoker.asked[-1].payload, lambda_.invoker.asked[-1].trace) == (b"[2]", None)


async def test_each_attempt_runs_the_newest_code(failing: Lambda) -> None:
    await failing("Invoke", FunctionName="f", InvocationType="Event")
    await rest(failing)
    await failing("UpdateFunctionCode", FunctionName="f", ZipFile=zipped({"index.py": "# newer"}))
    await failing.settled()
    await go(failing, 60)
    first, second = failing.invoker.asked
    assert first.function.task_dir != second.function.task_dir
    assert first.request_id == second.request_id


async def test_settings_count_from_the_next_attempt_on(failing: Lambda) -> None:
    await failing("Invoke", FunctionName="f", InvocationType="Event")
    await rest(failing)
    await failing("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=1)
    await failing("UpdateFunctionConfiguration", FunctionName="f", DeadLetterConfig={"TargetArn": QUEUE})
    await failing.settled()
    await go(failing, 60)
    await go(failing, 1000)
    assert len(failing.invoker.asked) == 2
    (message,) = messages(failing)
    assert message["MessageBody"] == "{}"
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "no luck"


async def test_each_qualifier_has_settings_of_its_own(failing: Lambda) -> None:
    await failing("PublishVersion", FunctionName="f")
    await failing("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    where = {"OnFailure": {"Destination": QUEUE}}
    await failing(
        "PutFunctionEventInvokeConfig",
        FunctionName="f",
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig=where,
    )
    for qualifier in ("1", "live"):
        await failing("Invoke", FunctionName="f", Qualifier=qualifier, InvocationType="Event")
    await rest(failing)
    (message,) = messages(failing)
    record = json.loads(message["MessageBody"])
    assert record["requestContext"]["functionArn"] == arn("f", "live")
    assert record["responseContext"]["executedVersion"] == "1"
    await go(failing, 60)
    assert [asked.qualifier for asked in failing.invoker.asked[2:]] == ["1"]


async def test_events_of_a_function_that_was_deleted_are_dropped(failing: Lambda) -> None:
    await failing("Invoke", FunctionName="f", InvocationType="Event")
    await rest(failing)
    await failing("DeleteFunction", FunctionName="f")
    await go(failing, 60)
    await go(failing, 1000)
    assert len(failing.invoker.asked) == 1
    assert failing.recorder.values("AsyncEventsDropped", (("FunctionName", "f"),)) == [1]


async def test_an_event_waits_while_its_function_is_pending(failing: Lambda) -> None:
    await failing("Invoke", FunctionName="f", InvocationType="Event")
    await rest(failing)
    await failing("DeleteFunction", FunctionName="f")
    failing.invoker.answer = lambda _: Success(payload=b"null")
    failing.catalogue.gate = asyncio.Event()
    await failing.create(settle=False)
    await go(failing, 60)
    await go(failing, 1)
    assert len(failing.invoker.asked) == 1
    failing.catalogue.gate.set()
    await failing.settled()
    await go(failing, 2)
    assert len(failing.invoker.asked) == 2


async def test_a_function_without_reserved_concurrency_goes_straight_to_the_destination(failing: Lambda) -> None:
    await failing("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=0)
    await failing(
        "PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig={"OnFailure": {"Destination": QUEUE}}
    )
    await failing("Invoke", FunctionName="f", InvocationType="Event", Payload=b'{"a":1}')
    await rest(failing)
    assert failing.invoker.asked == []
    record = json.loads(messages(failing)[0]["MessageBody"])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert "responseContext" not in record


async def test_a_destination_function_gets_the_record_under_an_id_of_its_own(lambda_: Lambda) -> None:
    await lambda_.create()
    await lambda_.create("g")
    where = {"OnSuccess": {"Destination": arn("g")}}
    await lambda_("PutFunctionEventInvokeConfig", FunctionName="f", DestinationConfig=where)
    await lambda_("Invoke", FunctionName="f", InvocationType="Event", trace=TRACE)
    await rest(lambda_)
    first, second = lambda_.invoker.asked
    assert json.loads(second.payload)["requestContext"]["requestId"] == first.request_id
    assert (second.invoked_arn, second.trace, second.is_async) == (arn("g"), TRACE, True)
    assert second.request_id != first.request_id


async def test_events_left_by_an_earlier_process_run_when_functions_can(tmp_path: Path) -> None:
    lambda_ = await Lambda(tmp_path).start()
    await lambda_.create()
    lambda_.invoker.answer = lambda _: FAILED
    await lambda_("Invoke", FunctionName="f", InvocationType="Event")
    await rest(lambda_)
    await lambda_.stop()
    await lambda_.start()
    await go(lambda_, 100)
    assert len(lambda_.invoker.asked) == 1  # not before the server serves
    await lambda_.service.resume_events()
    await go(lambda_, 0)
    assert len(lambda_.invoker.asked) == 2
    await lambda_.stop()


async def test_too_many_events_are_refused(tmp_path: Path) -> None:
    lambda_ = await Lambda(tmp_path, Options(events=EventOptions(backlog_bytes=1000))).start()
    await lambda_.create()
    for operation, params in (
        ("Invoke", {"InvocationType": "Event", "Payload": b'"' + b"x" * 1000 + b'"'}),
        ("InvokeAsync", {"InvokeArgs": b'"' + b"x" * 1000 + b'"'}),
    ):
        refused = await lambda_.refusal(operation, FunctionName="f", **params)
        assert (refused.code, refused.message, refused.members) == (
            "TooManyRequestsException",
            "Rate Exceeded.",
            {"Reason": "CallerRateLimitExceeded", "Type": "User"},
        )
    await lambda_.stop()
