"""InvokeWithResponseStream: a function's answer while it is still being written.

https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html and
https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
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
        return {"StatusCode": 204, "EventStream": _nothing()}
    invocation.wants_stream = True
    outcome = await invocations.run(room, invocation)
    content_type = "application/octet-stream" if isinstance(outcome, FunctionError) else outcome.content_type
    return {
        "StatusCode": 200,
        "ExecutedVersion": target.snapshot.version,
        "ResponseStreamContentType": content_type,
        "EventStream": _Events(outcome, wants_tail=invocation.wants_tail),
    }


class _Events:
    """PayloadChunk events, then one InvokeComplete. Closing gives the stream up, also before the first was asked for:
    the function runs on, and what it still writes is thrown away."""

    def __init__(self, outcome: Outcome, *, wants_tail: bool) -> None:
        self._outcome = outcome
        self._wants_tail = wants_tail
        self._chunks = _chunks(outcome)
        self._is_complete = False

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        return self

    async def __anext__(self) -> StreamEvent:
        if self._is_complete:
            raise StopAsyncIteration
        async for chunk in self._chunks:
            return {"PayloadChunk": {"Payload": chunk}}
        self._is_complete = True
        complete = _failure(self._outcome)
        if self._wants_tail:
            complete["LogResult"] = b64encode(self._outcome.tail).decode()
        return {"InvokeComplete": complete}

    async def aclose(self) -> None:
        self._is_complete = True
        if isinstance(self._outcome, Streamed):
            await close(self._outcome.chunks)


def _chunks(outcome: Outcome) -> AsyncIterator[bytes]:
    match outcome:
        case Success():
            return _once(outcome.payload)
        case FunctionError():
            return _nothing()
        case Streamed():
            return aiter(outcome.chunks)
        case _:
            assert_never(outcome)


def _failure(outcome: Outcome) -> StreamEvent:
    """The members of InvokeComplete that say what went wrong; of a stream, once it was read."""
    match outcome:
        case Success():
            return {}
        case FunctionError():
            return {"ErrorCode": "Unhandled", "ErrorDetails": outcome.payload.decode(errors="replace")}
        case Streamed():
            if outcome.error is None:
                return {}
            error_type, body = outcome.error
            return {"ErrorCode": error_type, "ErrorDetails": body}
        case _:
            assert_never(outcome)


async def close(chunks: AsyncIterator[bytes]) -> None:
    """Says that nobody reads any more."""
    aclose = getattr(chunks, "aclose", None)
    if aclose is not None:
        await aclose()


async def _once(payload: bytes) -> AsyncIterator[bytes]:
    yield payload


async def _nothing() -> AsyncIterator[Any]:
    return
    yield  # makes this an async iterator


OPERATIONS = {"InvokeWithResponseStream": invoke_with_response_stream}
