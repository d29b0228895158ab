"""Invoke: what reaches the function, and what comes back."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ramuda.kernel.function import FunctionError, Invocation, Streamed, Success, Throttled
from tests.unit.lambda_.harness import ACCOUNT, REGION, ROLE, Lambda, arn

REQUEST_ID = "5e0d1e9a-3f5c-4a6e-9d6b-7d2f0c0a1b2c"


async def test_an_invocation_carries_what_the_caller_sent(lambda_: Lambda) -> None:
    await lambda_.create(
        Timeout=7, MemorySize=256, Environment={"Variables": {"A": "1"}}, TracingConfig={"Mode": "Active"}
    )
    lambda_.invoker.answer = lambda _: Success(payload=b'{"x":1}', tail=b"END")
    context = base64.b64encode(b'{"custom":{}}').decode()
    result = await lambda_(
        "Invoke", FunctionName="f", Payload=b'{"a": 1}', LogType="Tail", ClientContext=context, trace="Root=1-2-3"
    )
    assert result == {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "Payload": b'{"x":1}',
        "LogResult": base64.b64encode(b"END").decode(),
    }
    (asked,) = lambda_.invoker.asked
    assert asked == Invocation(
        request_id=REQUEST_ID,
        function=asked.function,
        payload=b'{"a": 1}',
        invoked_arn=arn("f"),
        client_context='{"custom":{}}',
        trace="Root=1-2-3",
        wants_tail=True,
    )
    snapshot = asked.function
    assert (snapshot.arn, snapshot.role, snapshot.runtime, snapshot.handler) == (
        arn("f", "$LATEST"),
        ROLE,
        "python3.12",
        "index.handler",
    )
    assert (
        snapshot.timeout_s,
        snapshot.memory_mib,
        snapshot.tmp_mib,
        snapshot.environment,
        snapshot.tracing_active,
    ) == (
        7,
        256,
        512,
        {"A": "1"},
        True,
    )


@pytest.mark.parametrize(
    ("name", "qualifier", "invoked", "version"),
    [
        ("f", None, arn("f"), "$LATEST"),
        ("f", "$LATEST", arn("f", "$LATEST"), "$LATEST"),
        ("f:1", None, arn("f", "1"), "1"),
        ("f", "1", arn("f", "1"), "1"),
        (arn("f"), None, arn("f"), "$LATEST"),
        (arn("f", "1"), None, arn("f", "1"), "1"),
        (f"{ACCOUNT}:function:f", "1", arn("f", "1"), "1"),
        (f"{REGION}:{ACCOUNT}:function:f:1", "1", arn("f", "1"), "1"),
        ("function:f", None, arn("f"), "$LATEST"),
    ],
)
async def test_a_function_has_many_names(
    lambda_: Lambda, name: str, qualifier: str | None, invoked: str, version: str
) -> None:
    await lambda_.create(Publish=True)
    params: dict[str, Any] = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    for _ in range(2):  # found, then remembered
        assert (await lambda_("Invoke", **params))["ExecutedVersion"] == version
        assert lambda_.invoker.asked[-1].invoked_arn == invoked
    assert lambda_.invoker.asked[0].function is lambda_.invoker.asked[1].function


async def test_a_function_that_failed_is_no_failure_of_the_call(lambda_: Lambda) -> None:
    await lambda_.create()
    lambda_.invoker.answer = lambda _: FunctionError(error_type="ValueError", payload=b'{"errorType":"ValueError"}')
    assert await lambda_("Invoke", FunctionName="f") == {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "FunctionError": "Unhandled",
        "Payload": b'{"errorType":"ValueError"}',
    }


async def test_a_dry_run_checks_and_does_not_run(lambda_: Lambda) -> None:
    await lambda_.create()
    assert await lambda_("Invoke", FunctionName="f", InvocationType="DryRun") == {"StatusCode": 204, "Payload": b""}
    assert (await lambda_.refusal("Invoke", FunctionName="f", InvocationType="DryRun", Payload=b"{")).code == (
        "InvalidRequestContentException"
    )
    assert lambda_.invoker.asked == []


async def test_an_empty_payload_is_an_empty_object(lambda_: Lambda) -> None:
    await lambda_.create()
    await lambda_("Invoke", FunctionName="f")
    await lambda_("Invoke", FunctionName="f", Payload=b"")
    assert [asked.payload for asked in lambda_.invoker.asked] == [b"{}", b"{}"]


_VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_AT = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: "


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'"a\x87"', f"Invalid UTF-8 start byte 0x87{_AT}1, column: 3]"),
        (b'"\xc3(x"', f"Invalid UTF-8 middle byte 0x28{_AT}1, column: 3]"),
        (
            b'{\n "a": nope}',
            f"Unrecognized token 'nope': was expecting {_VALUE}{_AT}2, column: 11]",
        ),
        (b'{"a":', f"Unexpected end-of-input{_AT}1, column: 6]"),
        (
            b"[1,]",
            f"Unexpected character (']' (code 93)): was expecting a valid value {_VALUE}{_AT}1, column: 4]",
        ),
        (b"[" * 5000, f"Document nesting depth exceeds the maximum allowed (1000){_AT}1, column: 1]"),
    ],
)
async def test_a_payload_that_is_no_json_is_refused_as_jackson_would(
    lambda_: Lambda, payload: bytes, told: str
) -> None:
    await lambda_.create()
    for kind in ("RequestResponse", "Event", "DryRun"):
        refused = await lambda_.refusal("Invoke", FunctionName="f", Payload=payload, InvocationType=kind)
        assert (refused.code, refused.message, refused.members) == (
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {told}",
            {"Type": "User"},
        )
    assert lambda_.invoker.asked == []


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6_291_456), ("Event", 1_048_576)])
async def test_a_payload_has_a_limit(lambda_: Lambda, kind: str, limit: int) -> None:
    await lambda_.create()
    largest = b'"' + b"x" * (limit - 2) + b'"'
    await lambda_("Invoke", FunctionName="f", Payload=largest, InvocationType=kind)
    refused = await lambda_.refusal("Invoke", FunctionName="f", Payload=largest + b" ", InvocationType=kind)
    assert (refused.code, refused.message) == (
        "RequestTooLargeException",
        f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
    )


@pytest.mark.parametrize(
    "context", ["string", "e30", base64.b64encode(b"[]").decode(), base64.b64encode(b'{"\xff"').decode()]
)
async def test_a_client_context_is_an_object_in_base64(lambda_: Lambda, context: str) -> None:
    await lambda_.create()
    refused = await lambda_.refusal("Invoke", FunctionName="f", ClientContext=context)
    assert (refused.code, refused.message) == (
        "InvalidRequestContentException",
        "Client context must be a valid Base64-encoded JSON object.",
    )


async def test_a_client_context_has_a_limit(lambda_: Lambda) -> None:
    await lambda_.create()
    refused = await lambda_.refusal("Invoke", FunctionName="f", ClientContext="e30=" * 900)
    assert refused.code == "InvalidRequestContentException"


async def test_a_request_id_that_is_no_uuid_is_refused(lambda_: Lambda) -> None:
    await lambda_.create()
    refused = await lambda_.refusal("Invoke", FunctionName="f", headers={"x-amzn-requestid": "mine"})
    assert refused.code == "InvalidRequestContentException"
    await lambda_("Invoke", FunctionName="f", headers={"x-amzn-requestid": REQUEST_ID})


@pytest.mark.parametrize(
    ("reason", "headers"),
    [
        ("ConcurrentInvocationLimitExceeded", {"Retry-After": "3"}),
        ("ReservedFunctionConcurrentInvocationLimitExceeded", {}),
    ],
)
async def test_no_concurrency_left_is_answered_with_the_reason(
    lambda_: Lambda, reason: str, headers: dict[str, str]
) -> None:
    await lambda_.create()

    def throttle(_: Invocation) -> Success:
        raise Throttled(reason, 3)

    lambda_.invoker.answer = throttle
    for operation in ("Invoke", "InvokeWithResponseStream"):
        refused = await lambda_.refusal(operation, FunctionName="f")
        assert (refused.code, refused.message, refused.members, refused.headers) == (
            "TooManyRequestsException",
            "Rate Exceeded.",
            {"Reason": reason, "Type": "User"},
            headers,
        )


async def collected(events: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event async for event in events]


async def test_a_response_is_streamed_while_it_is_written(lambda_: Lambda) -> None:
    await lambda_.create()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"
        outcome.tail = b"END"

    outcome = Streamed(chunks=chunks(), content_type="text/plain")
    lambda_.invoker.answer = lambda _: outcome
    result = await lambda_("InvokeWithResponseStream", FunctionName="f", LogType="Tail")
    assert lambda_.invoker.asked[0].wants_stream
    events = await collected(result.pop("EventStream"))
    assert result == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "ResponseStreamContentType": "text/plain"}
    assert events == [
        {"PayloadChunk": {"Payload": b"one"}},
        {"PayloadChunk": {"Payload": b"two"}},
        {"InvokeComplete": {"LogResult": base64.b64encode(b"END").decode()}},
    ]


async def test_an_error_ends_the_stream(lambda_: Lambda) -> None:
    await lambda_.create()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        outcome.error = ("Runtime.Oops", "{}")

    outcome = Streamed(chunks=chunks())
    lambda_.invoker.answer = lambda _: outcome
    result = await lambda_("InvokeWithResponseStream", FunctionName="f")
    assert await collected(result["EventStream"]) == [
        {"PayloadChunk": {"Payload": b"one"}},
        {"InvokeComplete": {"ErrorCode": "Runtime.Oops", "ErrorDetails": "{}"}},
    ]


async def test_a_response_in_one_piece_is_one_chunk(lambda_: Lambda) -> None:
    await lambda_.create()
    lambda_.invoker.answer = lambda _: Success(payload=b"1")
    result = await lambda_("InvokeWithResponseStream", FunctionName="f")
    assert result["ResponseStreamContentType"] == "application/json"
    assert await collected(result["EventStream"]) == [{"PayloadChunk": {"Payload": b"1"}}, {"InvokeComplete": {}}]
    lambda_.invoker.answer = lambda _: FunctionError(error_type="E", payload=b'{"errorType":"E"}')
    result = await lambda_("InvokeWithResponseStream", FunctionName="f")
    assert await collected(result["EventStream"]) == [
        {"InvokeComplete": {"ErrorCode": "Unhandled", "ErrorDetails": '{"errorType":"E"}'}}
    ]
    result = await lambda_("InvokeWithResponseStream", FunctionName="f", InvocationType="DryRun")
    assert result["StatusCode"] == 204
    assert await collected(result["EventStream"]) == []


async def test_an_event_is_accepted_and_run(lambda_: Lambda) -> None:
    await lambda_.create()
    accepted = await lambda_("Invoke", FunctionName="f", InvocationType="Event", Payload=b"1", trace="Root=1")
    assert accepted == {"StatusCode": 202, "Payload": b""}
    await lambda_.service.room.events.drained()
    (asked,) = lambda_.invoker.asked
    assert (asked.request_id, asked.payload, asked.trace, asked.invoked_arn) == (REQUEST_ID, b"1", "Root=1", arn("f"))
    assert await lambda_("InvokeAsync", FunctionName="f", InvokeArgs=b"2") == {"Status": 202}
    await lambda_.service.room.events.drained()
    assert lambda_.invoker.asked[-1].payload == b"2"
