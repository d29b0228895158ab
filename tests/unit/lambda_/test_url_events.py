"""The event that a function gets for a request to its URL."""

import base64
import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.kernel.call import Principal
from ramuda.kernel.ports.function_urls import UrlRequest
from ramuda.services.lambda_.model import FunctionUrl
from ramuda.services.lambda_.rules import url_events

ID = "abcdefghijklmnopqrstuvwxyz012345"
HOST = f"{ID}.lambda-url.us-east-1.localhost:4566"
URL = FunctionUrl(
    account="111111111111",
    region="us-east-1",
    name="f",
    url_id=ID,
    auth_type="NONE",
    creation_time="",
    last_modified_time="",
)
NOW_S = 1583348638.39
ROOT = "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e"


async def _nobody(region: str, is_origin_allowed: bool) -> None:
    raise AssertionError("nobody was to be identified")


def request(**changes: Any) -> UrlRequest:
    defaults: dict[str, Any] = {
        "url_id": ID,
        "host": HOST,
        "method": "GET",
        "path": "/",
        "query": "",
        "headers": {"host": HOST},
        "body": b"",
        "source_ip": "203.0.113.9",
        "request_id": "e1506fd5-9e7b-434f-bd42-4f8fa224b599",
        "identify": _nobody,
    }
    return UrlRequest(**{**defaults, **changes})


def event(asked: UrlRequest, caller: Principal | None = None) -> Any:
    return json.loads(url_events.event(URL, asked, caller, now_s=NOW_S, trace_root=ROOT))


def test_a_request_without_anything_is_the_least_event_there_is() -> None:
    assert event(request()) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "host": HOST,
            "x-amzn-trace-id": ROOT,
            "x-forwarded-for": "203.0.113.9",
            "x-forwarded-port": "4566",
            "x-forwarded-proto": "http",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": ID,
            "domainName": HOST,
            "domainPrefix": ID,
            "http": {
                "method": "GET",
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "",
            },
            "requestId": "e1506fd5-9e7b-434f-bd42-4f8fa224b599",
            "routeKey": "$default",
            "stage": "$default",
            "time": "04/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "isBase64Encoded": False,
    }


def test_a_request_with_everything_is_told_whole() -> None:
    asked = request(
        method="POST",
        path="/my%20path/%C3%A9",
        query="parameter1=value1&parameter1=value%202&parameter2=&flag",
        headers={
            "host": HOST,
            "connection": "keep-alive",
            "expect": "100-continue",
            "transfer-encoding": "chunked",
            "content-type": "application/json",
            "cookie": "a=b; c=d",
            "header2": "value1,value2",
            "user-agent": "agent",
            "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
            "x-forwarded-for": "198.51.100.7",
        },
        body=b'{"a": 1}',
    )
    told = event(asked)
    assert told["rawPath"] == told["requestContext"]["http"]["path"] == "/my%20path/%C3%A9"
    assert told["rawQueryString"] == "parameter1=value1&parameter1=value%202&parameter2=&flag"
    assert told["queryStringParameters"] == {"parameter1": "value1,value 2", "parameter2": "", "flag": ""}
    assert told["cookies"] == ["a=b", "c=d"]
    assert told["headers"] == {
        "host": HOST,
        "content-type": "application/json",
        "cookie": "a=b; c=d",
        "header2": "value1,value2",
        "user-agent": "agent",
        "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
        "x-forwarded-for": "198.51.100.7, 203.0.113.9",
        "x-forwarded-port": "4566",
        "x-forwarded-proto": "http",
    }
    assert (told["body"], told["isBase64Encoded"]) == ('{"a": 1}', False)
    assert told["requestContext"]["http"]["userAgent"] == "agent"


def test_a_signed_request_names_who_signed_it_and_the_account_of_the_function() -> None:
    caller = Principal(
        account="222222222222",
        arn="arn:aws:iam::222222222222:user/example",
        user_id="AIDAEXAMPLE",
        access_key_id="AKIAEXAMPLE",
    )
    context = event(request(), caller)["requestContext"]
    assert context["accountId"] == "111111111111"
    assert context["authorizer"] == {
        "iam": {
            "accessKey": "AKIAEXAMPLE",
            "accountId": "222222222222",
            "callerId": "AIDAEXAMPLE",
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": "arn:aws:iam::222222222222:user/example",
            "userId": "AIDAEXAMPLE",
        }
    }


@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/plain", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/ld+json", True),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/octet-stream", False),
        ("image/png", False),
        (None, False),
    ],
)
def test_the_content_type_decides_whether_a_body_is_text(content_type: str | None, is_text: bool) -> None:
    assert url_events.body(b"a=b", content_type) == (("a=b", False) if is_text else ("YT1i", True))


def test_bytes_that_are_no_text_are_encoded_whatever_the_content_type_says() -> None:
    assert url_events.body(b"\xff\x00", "text/plain") == (base64.b64encode(b"\xff\x00").decode(), True)


@given(st.binary(), st.sampled_from(["text/plain", "image/png", None]))
def test_no_body_is_lost(data: bytes, content_type: str | None) -> None:
    text, is_encoded = url_events.body(data, content_type)
    assert (base64.b64decode(text) if is_encoded else text.encode()) == data


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_any_query_comes_back_decoded(parameters: dict[str, str]) -> None:
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in parameters.items())
    assert url_events.query_parameters(query) == parameters


def test_a_preflight_is_an_options_request_of_a_page_that_wants_to_send_something() -> None:
    asked = {"origin": "http://a", "access-control-request-method": "PUT"}
    assert url_events.wants_preflight("OPTIONS", asked)
    assert not url_events.wants_preflight("GET", asked)
    assert not url_events.wants_preflight("OPTIONS", {"origin": "http://a"})
