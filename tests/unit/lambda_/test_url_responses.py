"""From a function's answer to an HTTP response."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.rules import url_responses
from ramuda.services.lambda_.rules.url_responses import Answer, BadResponseError

JSON = [("Content-Type", "application/json")]

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        (b'{"hello": "world"}', b'{"hello":"world"}'),
        (b'["hello", 3, true]', b'["hello",3,true]'),
        (b'"hello"', b"hello"),
        (b"3", b"3"),
        (b"3.1", b"3.1"),
        (b"true", b"true"),
        (b"null", b"null"),
    ],
)
def test_an_answer_without_a_status_is_the_body_as_recorded(payload: bytes, body: bytes) -> None:
    assert url_responses.buffered(payload) == Answer(status=200, headers=JSON, body=body)


def test_an_answer_with_a_status_is_a_response() -> None:
    payload = {
        "statusCode": 201,
        "headers": {"Content-Type": "text/plain", "My-Header": "Value", "X-Number": 3, "X-Flag": True},
        "cookies": ["a=1; Max-Age=5", "b=2"],
        "body": "body123",
    }
    assert url_responses.buffered(json.dumps(payload).encode()) == Answer(
        status=201,
        headers=[
            ("Content-Type", "text/plain"),
            ("My-Header", "Value"),
            ("X-Number", "3"),
            ("X-Flag", "true"),
            ("Set-Cookie", "a=1; Max-Age=5"),
            ("Set-Cookie", "b=2"),
        ],
        body=b"body123",
    )


@pytest.mark.parametrize(
    ("members", "body"),
    [
        ({"body": "body123"}, b"body123"),
        ({}, b""),
        ({"body": None}, b""),
        ({"body": {"a": [1]}}, b'{"a":[1]}'),
        ({"body": 7}, b"7"),
        ({"body": "Ym9keQ==", "isBase64Encoded": True}, b"body"),
        ({"body": "Ym9keQ==", "isBase64Encoded": False}, b"Ym9keQ=="),
        ({"body": "x", "headers": None, "cookies": None}, b"x"),
    ],
)
def test_a_body_is_sent_as_what_it_is_with_jsons_content_type(members: dict[str, object], body: bytes) -> None:
    payload = json.dumps({"statusCode": 200, **members}).encode()
    assert url_responses.buffered(payload) == Answer(status=200, headers=JSON, body=body)


def test_a_status_may_be_told_as_text() -> None:
    assert url_responses.buffered(b'{"statusCode": "404"}').status == 404


@pytest.mark.parametrize(
    "payload",
    [
        b"not json",
        b"\xff",
        b'{"statusCode": "x"}',
        b'{"statusCode": 99}',
        b'{"statusCode": 600}',
        b'{"statusCode": true}',
        b'{"statusCode": null}',
        b'{"statusCode": 200, "headers": ["a"]}',
        b'{"statusCode": 200, "headers": {"a": ["b"]}}',
        b'{"statusCode": 200, "headers": {"a b": "c"}}',
        b'{"statusCode": 200, "headers": {"": "c"}}',
        b'{"statusCode": 200, "cookies": "a=b"}',
        b'{"statusCode": 200, "cookies": [1]}',
        b'{"statusCode": 200, "body": "!", "isBase64Encoded": true}',
    ],
)
def test_what_is_no_response_is_said_to_be_none(payload: bytes) -> None:
    with pytest.raises(BadResponseError):
        url_responses.buffered(payload)


def test_headers_that_frame_the_answer_are_the_servers_to_set() -> None:
    payload = b'{"statusCode": 200, "headers": {"Content-Length": "999", "Transfer-Encoding": "chunked", "Date": "x"}}'
    assert url_responses.buffered(payload).headers == JSON


@given(ANYTHING)
def test_whatever_a_function_answers_is_a_response_or_is_refused(answer: object) -> None:
    try:
        told = url_responses.buffered(json.dumps(answer).encode())
    except BadResponseError:
        assert isinstance(answer, dict)
        assert "statusCode" in answer
        return
    if not isinstance(answer, dict | str):
        assert json.loads(told.body) == answer


def test_the_head_of_a_stream_says_status_headers_and_cookies() -> None:
    head = b'{"statusCode":201,"headers":{"X-A":"b"},"cookies":["a=b"]}'
    headers = [("X-A", "b"), ("Content-Type", "application/octet-stream"), ("Set-Cookie", "a=b")]
    assert url_responses.prelude(head) == Answer(status=201, headers=headers)
    assert url_responses.prelude(b"{}") == url_responses.prelude(b"")
    assert url_responses.prelude(b"").status == 200


@pytest.mark.parametrize("head", [b"[]", b"{", b'{"statusCode": 7}'])
def test_a_head_that_is_none_is_refused(head: bytes) -> None:
    with pytest.raises(BadResponseError):
        url_responses.prelude(head)


def test_a_function_that_streams_has_its_head_read_also_when_it_was_waited_for() -> None:
    payload = b'{"statusCode":201,"headers":{"content-type":"text/plain"}}' + bytes(8) + b"body"
    assert url_responses.whole(payload, "application/vnd.awslambda.http-integration-response") == Answer(
        status=201, headers=[("content-type", "text/plain")], body=b"body"
    )
    assert url_responses.whole(b'"x"', "application/json").body == b"x"


def test_an_error_of_lambda_says_its_code_in_a_header() -> None:
    throttled = ApiError(
        "TooManyRequestsException", "Rate Exceeded.", members={"Reason": "R"}, headers={"Retry-After": "1"}
    )
    answer = url_responses.refusal(throttled)
    assert answer.status == 429
    assert answer.headers == [*JSON, ("x-amzn-ErrorType", "TooManyRequestsException"), ("Retry-After", "1")]
    assert json.loads(answer.body) == {"Reason": "R", "Message": "Rate Exceeded."}
