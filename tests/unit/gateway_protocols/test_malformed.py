"""Whatever bytes come, the answer is an error of AWS's, never an exception of ours."""

import gzip
import json
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramuda.gateway.messages import Request
from ramuda.gateway.validate import validate
from ramuda.kernel.errors import ApiError
from tests.unit.gateway_protocols.requests import answer_to, form_request, json_request, models, request, understand

FUNCTIONS = "/2015-03-31/functions"


def _refusal(service: str, message: Request) -> tuple[str, str | None]:
    with pytest.raises(ApiError) as caught:
        understand(models.service(service), message)
    assert answer_to(service, message, caught.value).status == 400
    return caught.value.code, caught.value.message


def test_lambda_has_its_own_error_for_a_body_that_is_not_json() -> None:
    code, message = _refusal("lambda", request("POST", FUNCTIONS, body=b'{"FunctionName": '))
    assert code == "InvalidRequestContentException"
    assert message is not None
    assert message.startswith("Could not parse request body into json: ")


@pytest.mark.parametrize("body", [b"{", b"nul", b'{"a":1}}', b"\xff\xfe", b'"\xed\xa0\x80"', b"[" * 100_000])
def test_json_services_call_it_a_serialization_error(body: bytes) -> None:
    assert _refusal("logs", json_request("Logs_20140328.CreateLogGroup", body))[0] == "SerializationException"


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"FunctionName": 1}, "NUMBER_VALUE can not be converted to a String"),
        ({"FunctionName": True}, "TRUE_VALUE can not be converted to a String"),
        ({"FunctionName": {}}, "Start of structure or map found where not expected."),
        ({"FunctionName": []}, "Start of list found where not expected"),
        ({"Timeout": "3"}, "STRING_VALUE can not be converted to an Integer"),
        ({"Timeout": 2**31}, "NUMBER_VALUE can not be converted to an Integer"),
        ({"Publish": "true"}, "STRING_VALUE can not be converted to a Boolean"),
        ({"Layers": "x"}, "Expected list or null"),
        ({"Environment": "x"}, "Expected structure or map, or null"),
        ({"Code": {"ZipFile": "not base64!"}}, "STRING_VALUE can not be converted to a Blob"),
        ([], "Expected structure or map, or null"),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type_is_named(members: Any, sentence: str) -> None:
    message = request("POST", FUNCTIONS, body=json.dumps(members).encode())
    assert _refusal("lambda", message) == ("SerializationException", sentence)


def test_a_number_is_cut_to_a_whole_one_as_aws_does() -> None:
    _, params = understand(models.service("lambda"), request("POST", FUNCTIONS, body=b'{"Timeout": 3.9}'))
    assert params == {"Timeout": 3}


def test_numbers_in_a_query_string_are_checked_too() -> None:
    message = request("GET", FUNCTIONS + "?MaxItems=many")
    assert _refusal("lambda", message) == ("SerializationException", "STRING_VALUE can not be converted to an Integer")


def test_null_and_unknown_members_are_left_out() -> None:
    body = b'{"FunctionName": "f", "Timeout": null, "Unknown": {"a": [1]}}'
    _, params = understand(models.service("lambda"), request("POST", FUNCTIONS, body=body))
    assert params == {"FunctionName": "f"}


@pytest.mark.parametrize("tag", [4, 5, 28, 29, 30, 35, 36, 258])
def test_cbor_that_no_client_needs_is_refused(tag: int) -> None:
    body = cbor2.dumps({"MetricName": cbor2.CBORTag(tag, [1, 2])})
    assert _refusal("cloudwatch", _cbor("ListMetrics", body))[0] == "SerializationException"


def test_a_compressed_body_is_read() -> None:
    message = _cbor("PutMetricData", gzip.compress(cbor2.dumps({"Namespace": "n"})))
    message.headers["content-encoding"] = "gzip"
    assert understand(models.service("cloudwatch"), message)[1] == {"Namespace": "n"}


_BROKEN_GZIP = {
    "not gzip": b"not gzip",
    "cut off": gzip.compress(b"x" * 100, mtime=0)[:-9],
    "a bomb": gzip.compress(b"\0" * (33 * 1024 * 1024), mtime=0),
}


@pytest.mark.parametrize("body", _BROKEN_GZIP.values(), ids=_BROKEN_GZIP.keys())
def test_a_compressed_body_that_is_broken_or_a_bomb_is_refused(body: bytes) -> None:
    message = _cbor("PutMetricData", body)
    message.headers["content-encoding"] = "gzip"
    assert _refusal("cloudwatch", message)[0] == "SerializationException"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><Tagging>&a;</Tagging>',
        b"<Tagging>",
        b"",
        b"<a>" * 10_000,
        b"<Tagging/>junk",
        b'<?xml version="1.0" encoding="no-such"?><Tagging/>',
    ],
)
def test_xml_that_is_broken_or_dangerous_is_refused(body: bytes) -> None:
    message = request("PUT", "/bucket?tagging", body=body or b" ")
    assert _refusal("s3", message)[0] == "SerializationException"


def _cbor(operation: str, body: bytes) -> Request:
    path = f"/service/GraniteServiceVersion20100801/operation/{operation}"
    return request("POST", path, {"smithy-protocol": "rpc-v2-cbor"}, body)


# --- fuzz -------------------------------------------------------------------------------------------------------------

_fuzz = settings(max_examples=150, derandomize=True, deadline=None, database=None)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _only_api_errors(service: str, message: Request) -> None:
    try:
        operation, params = understand(models.service(service), message)
        validate(operation, params)
    except ApiError:
        pass


def _member_names(service: str, operation: str) -> st.SearchStrategy[str]:
    shape = models.service(service).operation_model(operation).input_shape
    assert shape is not None
    return st.sampled_from(sorted(shape.members))


@_fuzz
@given(st.binary(max_size=60))
def test_random_bytes_are_answered(body: bytes) -> None:
    _only_api_errors("lambda", request("POST", FUNCTIONS, body=body))
    _only_api_errors("logs", json_request("Logs_20140328.PutLogEvents", body))
    _only_api_errors("sts", form_request(b"Action=AssumeRole&" + body))
    _only_api_errors("ec2", form_request(b"Action=RunInstances&" + body))
    _only_api_errors("cloudwatch", _cbor("PutMetricData", body))
    _only_api_errors("s3", request("PUT", "/b?tagging", body=body))


@_fuzz
@given(st.dictionaries(_member_names("lambda", "CreateFunction"), _values, max_size=4))
def test_random_json_in_lambdas_members_is_answered(members: dict[str, Any]) -> None:
    _only_api_errors("lambda", request("POST", FUNCTIONS, body=json.dumps(members).encode()))


@_fuzz
@given(st.dictionaries(_member_names("cloudwatch", "PutMetricAlarm"), _values, max_size=4))
def test_random_values_in_cloudwatchs_members_are_answered_over_cbor_and_json(members: dict[str, Any]) -> None:
    _only_api_errors("cloudwatch", _cbor("PutMetricAlarm", cbor2.dumps(members)))
    body = json.dumps(members).encode()
    _only_api_errors("cloudwatch", json_request("GraniteServiceVersion20100801.PutMetricAlarm", body))


@_fuzz
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.lists(
        st.sampled_from(["2015-03-31", "functions", "", "%2F", "%ff", "..", "aliases", "é", "a" * 300]), max_size=7
    ),
    st.text("abMaxItems=&%+;#?1", max_size=20),
)
def test_random_targets_are_answered(method: str, segments: list[str], query: str) -> None:
    message = Request(method=method, path="/" + "/".join(segments), query=query, headers={})
    _only_api_errors("lambda", message)
    _only_api_errors("s3", message)


@pytest.mark.parametrize("depth", [*range(40, 700, 33), 100_000])
def test_a_deep_value_is_read_and_checked_or_refused_at_any_depth(depth: int) -> None:
    item = b'{"M":{"a":' * depth + b'{"S":""}' + b"}}" * depth
    body = b'{"TableName": "t", "Item": {"k": ' + item + b"}}"
    _only_api_errors("dynamodb", json_request("DynamoDB_20120810.PutItem", body))


@pytest.mark.parametrize("depth", [60, 1000, 100_000])
def test_deep_nesting_is_answered(depth: int) -> None:
    nested = b'{"FilterCriteria":' * depth + b"1" + b"}" * depth
    _only_api_errors("lambda", request("POST", "/2015-03-31/event-source-mappings", body=nested))
    _only_api_errors("cloudwatch", _cbor("PutMetricData", b"\x81" * depth))
    _only_api_errors("sts", form_request(b"Action=AssumeRole&" + b"a." * depth + b"b=1"))
    choices = b'{"Choices":[' * depth + b"]}" * depth
    _only_api_errors("logs", json_request("Logs_20140328.PutTransformer", choices))
