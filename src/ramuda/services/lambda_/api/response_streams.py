"""InvokeWithResponseStream: a function's answer while it is still being written.

https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
"""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any, TypeAlias, assert_never

from ramuda.kernel.call import Call, Result
from ramuda.kernel.function import FunctionError, Outcome, Streamed, Success
from ramuda.services.lambda_.api import invocations
from ramuda.services.lambda_.room import Room

StreamEvent: TypeAlias = dict[str, Any]


async def invoke_with_response_stream(room: Room, call: Call) -> Result:
    target = await invocations.target_of(room, call)
    invocation = invocations.invocation_of(call, target)
    if call.params.get("InvocationType") == "DryRun":
        return {"StatusCode": 204, "EventStream": _no_events()}
    invocation.wants_stream = True
    outcome = await invocations.run(room, invocation)
    content_type = "application/octet-stream" if isinstance(outcome, FunctionError) else outcome.content_type
    return {
        "StatusCode": 200,
        "ExecutedVersion": target.snapshot.version,
        "ResponseStreamContentType": content_type,
        "EventStream": _events(outcome, wants_tail=invocation.wants_tail),
    }


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


OPERATIONS = {"InvokeWithResponseStream": invoke_with_response_stream}
