"""Invoke, in its forms. This is the hot path: what a warm call does here is to be counted in microseconds.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and API_InvokeWithResponseStream.html
"""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any, assert_never

from ramuda.kernel import limits
from ramuda.kernel.call import Call, Result
from ramuda.kernel.errors import InternalError
from ramuda.kernel.function import FunctionError, Invocation, Outcome, Streamed, Success, Throttled
from ramuda.kernel.ids import is_uuid
from ramuda.services.lambda_.catalog import Target
from ramuda.services.lambda_.events import Event
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import refusals, requests

INVOKE_ASYNC_BYTES = 262_144  # DG: API_InvokeAsync, 256 KB

StreamEvent = dict[str, Any]


async def invoke(room: Room, call: Call) -> Result:
    params = call.params
    target = room.catalog.known(call.account, call.region, params["FunctionName"], params.get("Qualifier"))
    if target is None:
        target = await _target(room, call)
    kind = params.get("InvocationType")
    if kind == "Event":
        payload = requests.payload(params.get("Payload"), limits.ASYNC_PAYLOAD_BYTES)
        _accept(room, call, payload)
        return {"StatusCode": 202, "Payload": b""}
    invocation = _invocation(call, target)
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    outcome = await _run(room, invocation)
    if isinstance(outcome, Streamed):
        raise InternalError("the invoker streamed what nobody asked to be streamed")
    result: Result = {
        "StatusCode": 200,
        "ExecutedVersion": target.snapshot.version,
        "Payload": outcome.payload,
    }
    if isinstance(outcome, FunctionError):
        result["FunctionError"] = "Unhandled"
    if invocation.wants_tail:
        result["LogResult"] = b64encode(outcome.tail).decode()
    return result


async def invoke_with_response_stream(room: Room, call: Call) -> Result:
    target = await _target(room, call)
    invocation = _invocation(call, target)
    if call.params.get("InvocationType") == "DryRun":
        return {"StatusCode": 204, "EventStream": _no_events()}
    invocation.wants_stream = True
    outcome = await _run(room, invocation)
    content_type = "application/octet-stream" if isinstance(outcome, FunctionError) else outcome.content_type
    return {
        "StatusCode": 200,
        "ExecutedVersion": target.snapshot.version,
        "ResponseStreamContentType": content_type,
        "EventStream": _events(outcome, wants_tail=invocation.wants_tail),
    }


async def invoke_async(room: Room, call: Call) -> Result:
    """Deprecated by AWS in favour of Invoke with InvocationType Event."""
    await _target(room, call)
    body = call.params["InvokeArgs"]
    payload = requests.payload(bytes(body), INVOKE_ASYNC_BYTES)
    _accept(room, call, payload, trace=False)  # DG: InvokeAsync does not propagate the trace
    return {"Status": 202}


async def _target(room: Room, call: Call) -> Target:
    params = call.params
    return await room.catalog.resolve(call.account, call.region, params["FunctionName"], params.get("Qualifier"))


def _invocation(call: Call, target: Target) -> Invocation:
    params = call.params
    request_id = call.headers.get("x-amzn-requestid")
    if request_id is not None and not is_uuid(request_id):
        raise refusals.bad_request("The 'x-amzn-RequestId' header is not a valid UUID string.")  # SM, in its words
    return Invocation(
        request_id=call.request_id,
        function=target.snapshot,
        payload=requests.payload(params.get("Payload"), limits.SYNC_PAYLOAD_BYTES),
        invoked_arn=target.invoked_arn,
        qualifier=target.qualifier,
        client_context=requests.client_context(params.get("ClientContext")),
        trace=call.trace,
        wants_tail=params.get("LogType") == "Tail",
    )


async def _run(room: Room, invocation: Invocation) -> Outcome:
    try:
        return await room.invoker.invoke(invocation)
    except Throttled as e:
        raise refusals.throttled(e.reason, e.retry_after_s) from e


def _accept(room: Room, call: Call, payload: bytes, *, trace: bool = True) -> None:
    params = call.params
    room.events.accept(
        Event(
            account=call.account,
            region=call.region,
            name=params["FunctionName"],
            qualifier=params.get("Qualifier"),
            request_id=call.request_id,
            payload=payload,
            trace=call.trace if trace else None,
        )
    )


async def _events(outcome: Outcome, *, wants_tail: bool) -> AsyncIterator[StreamEvent]:
    """PayloadChunk events, then one InvokeComplete."""
    complete: StreamEvent = {}
    match outcome:
        case Success():
            yield {"PayloadChunk": {"Payload": outcome.payload}}
        case FunctionError():
            complete = {"ErrorCode": "Unhandled", "ErrorDetails": outcome.payload.decode(errors="replace")}
        case Streamed():
            async for chunk in outcome.chunks:
                yield {"PayloadChunk": {"Payload": chunk}}
            if outcome.error is not None:
                error_type, body = outcome.error
                complete = {"ErrorCode": error_type, "ErrorDetails": body}
        case _:
            assert_never(outcome)
    if wants_tail:
        complete["LogResult"] = b64encode(outcome.tail).decode()
    yield {"InvokeComplete": complete}


async def _no_events() -> AsyncIterator[StreamEvent]:
    return
    yield  # makes this an async iterator


OPERATIONS = {
    "Invoke": invoke,
    "InvokeWithResponseStream": invoke_with_response_stream,
    "InvokeAsync": invoke_async,
}
