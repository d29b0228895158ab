"""Event streams as botocore's clients read them: framing, checksums, header types, errors in the middle."""

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import parsers
from botocore.awsrequest import HeadersDict
from botocore.eventstream import EventStreamBuffer, EventStreamHeaderParser
from botocore.exceptions import EventStreamError
from hypothesis import given, settings
from hypothesis import strategies as st

from ramuda.gateway.messages import Response
from ramuda.gateway.protocols import PROTOCOLS
from ramuda.gateway.protocols.event_stream import encode_message
from ramuda.kernel.errors import ApiError, InternalError
from tests.unit.gateway_protocols.requests import operation

_headers = st.dictionaries(
    st.text(min_size=1, max_size=20),
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20) | st.binary(max_size=20),
    max_size=4,
)


class _Body:
    """A response body as botocore's event stream wants it."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def stream(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None: ...


@settings(derandomize=True, deadline=None, database=None)
@given(_headers, st.binary(max_size=200))
def test_a_message_is_decoded_to_what_was_encoded(headers: dict[str, Any], payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encode_message(headers, payload))
    (message,) = list(buffer)
    assert (message.headers, message.payload) == (headers, payload)


def test_instants_and_uuids_have_header_types_of_their_own() -> None:
    instant, identity = datetime(2026, 11, 21, 5, 24, 0, 123000, tzinfo=UTC), uuid.UUID(int=7)
    message = encode_message({"t": instant, "u": identity}, b"")
    headers = EventStreamHeaderParser().parse(message[12:-4])
    assert headers == {"t": round(instant.timestamp() * 1000), "u": identity.bytes}


async def _events(*events: dict[str, Any], error: Exception | None = None) -> AsyncIterator[dict[str, Any]]:
    for event in events:
        yield event
    if error is not None:
        raise error


async def _read(service: str, name: str, response: Response) -> dict[str, Any]:
    called = operation(service, name)
    assert isinstance(response.body, AsyncIterator)
    pieces = [piece async for piece in response.body]
    parsed: dict[str, Any] = parsers.create_parser(called.service_model.protocol).parse(
        {
            "status_code": response.status,
            "headers": HeadersDict(response.headers),
            "body": _Body(pieces),
            "context": {"operation_name": name},
        },
        called.output_shape,
    )
    return parsed


async def test_a_streamed_invocation_is_read_by_a_client() -> None:
    complete = {"ErrorCode": "Unhandled", "ErrorDetails": "boom", "LogResult": "bG9n"}
    result = {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "EventStream": _events(
            {"PayloadChunk": {"Payload": b"one"}}, {"PayloadChunk": {"Payload": b"two"}}, {"InvokeComplete": complete}
        ),
    }
    response = PROTOCOLS["rest-json"].serialize(operation("lambda", "InvokeWithResponseStream"), result, "id")
    assert response.headers == [
        ("x-amzn-RequestId", "id"),
        ("X-Amz-Executed-Version", "$LATEST"),
        ("Content-Type", "application/vnd.amazon.eventstream"),
    ]
    parsed = await _read("lambda", "InvokeWithResponseStream", response)
    assert (parsed["StatusCode"], parsed["ExecutedVersion"]) == (200, "$LATEST")
    assert list(parsed["EventStream"]) == [
        {"PayloadChunk": {"Payload": b"one"}},
        {"PayloadChunk": {"Payload": b"two"}},
        {"InvokeComplete": complete},
    ]


async def test_a_live_tail_begins_with_an_initial_response() -> None:
    start = {"requestId": "r", "logGroupIdentifiers": ["g"]}
    update = {"sessionMetadata": {"sampled": False}, "sessionResults": [{"message": "m", "timestamp": 7}]}
    result = {"responseStream": _events({"sessionStart": start}, {"sessionUpdate": update})}
    response = PROTOCOLS["json"].serialize(operation("logs", "StartLiveTail"), result, "id")
    parsed = await _read("logs", "StartLiveTail", response)
    assert list(parsed["responseStream"]) == [{"sessionStart": start}, {"sessionUpdate": update}]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ApiError("SessionTimeoutException", "Too long."), "SessionTimeoutException"),
        (ApiError("InternalFailure", None), "InternalFailure"),
    ],
)
async def test_an_error_ends_the_stream_as_an_exception(error: ApiError, code: str) -> None:
    result = {"responseStream": _events({"sessionStart": {"requestId": "r"}}, error=error)}
    response = PROTOCOLS["json"].serialize(operation("logs", "StartLiveTail"), result, "id")
    stream = iter((await _read("logs", "StartLiveTail", response))["responseStream"])
    assert next(stream) == {"sessionStart": {"requestId": "r"}}
    with pytest.raises(EventStreamError) as caught:
        next(stream)
    assert caught.value.response["Error"] == {"Code": code, "Message": error.message or ""}


async def test_an_event_that_the_model_does_not_have_is_a_bug_of_ours() -> None:
    result = {"EventStream": _events({"Nothing": {}})}
    response = PROTOCOLS["rest-json"].serialize(operation("lambda", "InvokeWithResponseStream"), result, "id")
    assert isinstance(response.body, AsyncIterator)
    with pytest.raises(InternalError):
        async for _ in response.body:
            pass


async def test_a_streamed_blob_is_handed_on_as_it_is() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece"

    body = pieces()
    response = PROTOCOLS["rest-xml"].serialize(operation("s3", "GetObject"), {"Body": body}, "id")
    assert response.body is body
    await body.aclose()  # type: ignore[attr-defined]  # an async generator
