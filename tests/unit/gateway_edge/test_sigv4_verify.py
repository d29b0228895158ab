"""Whatever botocore signs is accepted, and whatever is changed afterwards is not."""

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramuda.gateway.messages import Request
from ramuda.gateway.sigv4 import Reason, RefusedError, api_error
from tests.unit.gateway_edge.signing import Keys, signed, verify

KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
URL = "http://localhost:4566/2015-03-31/functions/hello/invocations"

SEGMENT = st.text("abcXYZ019-_.~:@$%+= /\u00e9\u20ac", min_size=1, max_size=8)
KINDS = st.sampled_from(["header", "presigned", "s3", "s3 presigned"])


def quoted(text: str) -> str:
    """As an AWS client puts it into a URL."""
    return quote(text, safe="-_.~")


@settings(max_examples=150, deadline=None)
@given(
    kind=KINDS,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    segments=st.lists(SEGMENT, max_size=4),
    query=st.lists(st.tuples(SEGMENT, SEGMENT), max_size=4),
    headers=st.dictionaries(st.sampled_from(["X-Amz-Meta-A", "Content-Type", "X-Custom"]), st.text("ab  c;=,")),
    body=st.binary(max_size=40),
)
def test_what_botocore_signs_is_accepted(
    kind: str,
    method: str,
    segments: list[str],
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
) -> None:
    path = "/".join(quoted(s) for s in segments)
    text = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in query)
    if "presigned" in kind:
        body = b""  # a presigned URL is made for a request without body
    request = signed(KEYS, kind, method, f"http://localhost:4566/{path}?{text}", headers, body)
    assert verify(request, KEYS, time.time()) == KEYS.principal


def _change_path(request: Request) -> None:
    request.path += "x"


def _change_method(request: Request) -> None:
    request.method = "PUT"


def _change_query(request: Request) -> None:
    request.query += "&extra=1"


def _change_header(request: Request) -> None:
    request.headers["x-amz-log-type"] = "None"


def _change_body(request: Request) -> None:
    request.body += b" "


def _change_signature(request: Request) -> None:
    authorization = request.headers["authorization"]
    request.headers["authorization"] = authorization[:-1] + ("0" if authorization[-1] != "0" else "1")


@pytest.mark.parametrize(
    "change", [_change_path, _change_method, _change_query, _change_header, _change_body, _change_signature]
)
def test_a_request_that_was_changed_is_refused(change: Any) -> None:
    request = signed(KEYS, "header", "POST", f"{URL}?Qualifier=1", {"X-Amz-Log-Type": "Tail"}, b'{"a": 1}')
    change(request)
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, time.time())
    error = api_error(refused.value, "rest-json")
    assert (error.code, error.status, error.message) == (
        "InvalidSignatureException",
        403,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
    )


def test_a_body_other_than_the_hash_that_was_signed_is_refused() -> None:
    request = signed(KEYS, "s3", "PUT", "http://localhost:4566/b/k", {}, b"abc")
    request.body = b"abd"
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, time.time())
    error = api_error(refused.value, "rest-xml")
    assert (error.code, error.status) == ("XAmzContentSHA256Mismatch", 400)
    assert error.message == "The provided 'x-amz-content-sha256' header does not match what was computed."


def test_s3_wants_every_amz_header_signed() -> None:
    request = signed(KEYS, "s3", "PUT", "http://localhost:4566/b/k", {}, b"abc")
    request.headers["x-amz-acl"] = "public-read"
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, time.time())
    assert api_error(refused.value, "rest-xml").message == (
        "There were headers present in the request which were not signed"
    )


def iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y%m%dT%H%M%SZ")


@pytest.mark.parametrize("late_s", [-299, 299])
def test_five_minutes_of_skew_are_allowed(late_s: int) -> None:
    request = signed(KEYS, "header", "GET", URL)
    assert verify(request, KEYS, time.time() + late_s) == KEYS.principal


def test_an_old_signature_is_answered_with_both_times() -> None:
    request = signed(KEYS, "header", "GET", URL)
    now_s = float(int(time.time()) + 400)
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, now_s)
    assert api_error(refused.value, "rest-json").message == (
        f"Signature expired: {request.headers['x-amz-date']} is now earlier than {iso(now_s - 300)} "
        f"({iso(now_s)} - 5 min.)"
    )


def test_a_signature_from_the_future_is_answered_with_both_times() -> None:
    request = signed(KEYS, "header", "GET", URL)
    now_s = float(int(time.time()) - 400)
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, now_s)
    assert api_error(refused.value, "query").message == (
        f"Signature not yet current: {request.headers['x-amz-date']} is still later than {iso(now_s + 300)} "
        f"({iso(now_s)} + 5 min.)"
    )


def test_s3_allows_fifteen_minutes_and_has_its_own_words() -> None:
    request = signed(KEYS, "s3", "GET", "http://localhost:4566/b/k")
    assert verify(request, KEYS, time.time() + 890) == KEYS.principal
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, time.time() + 1000)
    error = api_error(refused.value, "rest-xml")
    assert (error.code, error.status, error.message) == (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    )


@pytest.mark.parametrize("expires", ["0", "604801", "-1", "x", "1e3"])
def test_a_presigned_url_may_live_a_week_at_most(expires: str) -> None:
    request = signed(KEYS, "s3 presigned", "GET", "http://localhost:4566/b/k")
    request.query = request.query.replace("X-Amz-Expires=3600", f"X-Amz-Expires={expires}")
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, time.time())
    assert refused.value.reason is Reason.BAD_EXPIRY


def test_an_unknown_key_is_refused_in_the_words_of_each_protocol() -> None:
    request = signed(Keys("AKIASOMEBODYELSE", "x"), "header", "GET", URL)
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, time.time())
    answers = {p: api_error(refused.value, p) for p in ("rest-json", "json", "smithy-rpc-v2-cbor", "query", "rest-xml")}
    invalid = "The security token included in the request is invalid."
    assert {p: (e.code, e.status, e.message) for p, e in answers.items()} == {
        "rest-json": ("UnrecognizedClientException", 403, invalid),
        "json": ("UnrecognizedClientException", 400, invalid),
        "smithy-rpc-v2-cbor": ("UnrecognizedClientException", 400, invalid),
        "query": ("InvalidClientTokenId", 403, invalid),
        "rest-xml": ("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."),
    }


def test_a_session_token_belongs_to_the_signature() -> None:
    keys = Keys("ASIAIOSFODNN7EXAMPLE", "secret", token="the token")
    assert verify(signed(keys, "header", "GET", URL), keys, time.time()) == keys.principal
    assert verify(signed(keys, "presigned", "GET", URL), keys, time.time()) == keys.principal
    with pytest.raises(RefusedError) as refused:
        verify(signed(Keys("ASIAIOSFODNN7EXAMPLE", "secret", token="another"), "header", "GET", URL), keys, time.time())
    assert refused.value.reason is Reason.UNKNOWN_KEY


def test_an_expired_session_is_refused() -> None:
    keys = Keys("ASIAIOSFODNN7EXAMPLE", "secret", token="t", expires_at_s=time.time() - 1)
    with pytest.raises(RefusedError) as refused:
        verify(signed(keys, "header", "GET", URL), keys, time.time())
    error = api_error(refused.value, "rest-json")
    assert (error.code, error.status, error.message) == (
        "ExpiredTokenException",
        403,
        "The security token included in the request is expired",
    )


def test_an_unsigned_request_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        verify(Request("GET", "/", "", {}), KEYS, time.time())
    error = api_error(refused.value, "rest-json")
    assert (error.code, error.status, error.message) == (
        "MissingAuthenticationTokenException",
        403,
        "Missing Authentication Token",
    )


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("Bearer x", "Unsupported AWS 'algorithm': 'Bearer'."),
        ("AWS4-HMAC-SHA256", "Authorization header has a part that is not a valid key=value pair."),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host",
            "Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0",
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'.",
        ),
    ],
)
def test_a_signature_that_cannot_be_read_is_incomplete(authorization: str, message: str) -> None:
    headers = {"host": "h", "x-amz-date": "20260101T000000Z", "authorization": authorization}
    with pytest.raises(RefusedError) as refused:
        verify(Request("GET", "/", "", headers), KEYS, time.time())
    error = api_error(refused.value, "rest-json")
    assert (error.code, error.status, error.message) == ("IncompleteSignatureException", 400, message)


@settings(max_examples=200, deadline=None)
@given(authorization=st.text(max_size=80), date=st.text(max_size=20), query=st.text(max_size=60))
def test_no_text_at_all_does_more_than_refuse(authorization: str, date: str, query: str) -> None:
    headers = {"host": "h", "x-amz-date": date, "authorization": f"AWS4-HMAC-SHA256 {authorization}"}
    request = Request("GET", "/", query, headers)
    with pytest.raises(RefusedError):
        verify(request, KEYS, time.time())
    request.headers.pop("authorization")
    request.query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&{query}"
    with pytest.raises(RefusedError):
        verify(request, KEYS, time.time())


def test_the_host_must_be_signed() -> None:
    request = signed(KEYS, "header", "GET", URL)
    request.headers["authorization"] = request.headers["authorization"].replace("host;", "")
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, time.time())
    assert str(refused.value) == "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."


def test_the_day_of_the_scope_must_be_the_day_of_the_signature() -> None:
    request = signed(KEYS, "header", "GET", URL)
    day = request.headers["x-amz-date"][:8]
    request.headers["authorization"] = request.headers["authorization"].replace(f"/{day}/", "/20010101/")
    with pytest.raises(RefusedError) as refused:
        verify(request, KEYS, time.time())
    date = request.headers["x-amz-date"]
    assert str(refused.value) == (
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        f"'20010101' != '{day}', from '{date}'."
    )
