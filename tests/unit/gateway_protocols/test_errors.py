"""Errors look on the wire as AWS's do: spelling, status, headers and members, protocol by protocol."""

import json
from typing import Any

import cbor2
import pytest

from ramuda.gateway.messages import Request, Response
from ramuda.gateway.protocols import select
from ramuda.kernel.errors import ApiError
from tests.unit.gateway_protocols.requests import answer_to, form_request, json_request, models, request

LAMBDA = request("GET", "/2015-03-31/functions/f")


def _headers(response: Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers}


def _json(response: Response) -> Any:
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        # As recorded from AWS, 2025-11-25 and 2026-01-12.
        (
            ApiError("ResourceNotFoundException", "Function not found: f"),
            404,
            {"Type": "User", "Message": "Function not found: f"},
        ),
        (
            ApiError("InvalidParameterValueException", "No."),
            400,
            {"Type": "User", "message": "No."},
        ),
        (
            ApiError("InvalidParameterValueException", "Too many.", members={"Type": None}),
            400,
            {"message": "Too many."},
        ),
        (
            ApiError("ResourceConflictException", "Function already exist: f"),
            409,
            {"Type": "User", "message": "Function already exist: f"},
        ),
        (
            ApiError("PreconditionFailedException", "Changed."),
            412,
            {"Type": "User", "message": "Changed."},
        ),
        (
            ApiError("TooManyRequestsException", "Rate Exceeded.", members={"Reason": "CallerRateLimitExceeded"}),
            429,
            {"Type": "User", "message": "Rate Exceeded.", "Reason": "CallerRateLimitExceeded"},
        ),
        (
            ApiError("CodeSigningConfigNotFoundException", "None."),
            404,
            {"Type": "User", "Message": "None."},
        ),
        (
            ApiError("ValidationException", "1 validation error detected: ..."),
            400,
            {"message": "1 validation error detected: ..."},
        ),
        (ApiError("RequestEntityTooLargeException", "Too large.", status=413), 413, {"message": "Too large."}),
        (ApiError("AccessDeniedException", None, status=403), 403, {"Message": None}),
        (ApiError("ServiceException", "Oh.", fault="Server"), 500, {"Type": "Service", "Message": "Oh."}),
    ],
    ids=lambda value: value.code if isinstance(value, ApiError) else "",
)
def test_lambda_answers_errors_as_recorded(error: ApiError, status: int, body: dict[str, Any]) -> None:
    response = answer_to("lambda", LAMBDA, error)
    assert response.status == status
    assert _json(response) == body
    assert _headers(response) == {
        "x-amzn-requestid": "the-id",
        "x-amzn-errortype": error.code,
        "content-type": "application/json",
    }


def test_a_member_that_travels_in_a_header_does() -> None:
    error = ApiError("TooManyRequestsException", "Slow.", members={"retryAfterSeconds": "7"})
    response = answer_to("lambda", LAMBDA, error)
    assert _headers(response)["retry-after"] == "7"
    assert _json(response) == {"Type": "User", "message": "Slow."}


def test_headers_of_the_error_are_answered_and_win() -> None:
    error = ApiError("TooManyRequestsException", "Slow.", headers={"Retry-After": "1", "x-amzn-ErrorType": "Other"})
    headers = _headers(answer_to("lambda", LAMBDA, error))
    assert (headers["retry-after"], headers["x-amzn-errortype"]) == ("1", "Other")


def test_json_services_name_the_error_in_the_body() -> None:
    response = answer_to("logs", json_request("Logs_20140328.X", b""), ApiError("ResourceNotFoundException", "None."))
    assert (response.status, _json(response)) == (400, {"__type": "ResourceNotFoundException", "message": "None."})
    assert _headers(response) == {"x-amzn-requestid": "the-id", "content-type": "application/x-amz-json-1.1"}


def test_a_service_that_once_spoke_query_tells_json_clients_the_old_code() -> None:
    response = answer_to("cloudwatch", json_request("GraniteServiceVersion20100801.X", b""), _INVALID)
    assert _headers(response)["x-amzn-query-error"] == "InvalidParameterValue;Sender"
    assert _json(response) == {"__type": "InvalidParameterValueException", "message": "Bad."}


_INVALID = ApiError("InvalidParameterValueException", "Bad.")


def test_the_same_error_over_cbor() -> None:
    message = request("POST", "/service/GraniteServiceVersion20100801/operation/X", {"smithy-protocol": "rpc-v2-cbor"})
    response = answer_to("cloudwatch", message, _INVALID)
    assert isinstance(response.body, bytes)
    assert cbor2.loads(response.body) == {"__type": "InvalidParameterValueException", "message": "Bad."}
    assert (response.status, _headers(response)) == (
        400,
        {
            "x-amzn-requestid": "the-id",
            "content-type": "application/cbor",
            "smithy-protocol": "rpc-v2-cbor",
            "x-amzn-query-error": "InvalidParameterValue;Sender",
        },
    )


@pytest.mark.parametrize("code", ["InvalidParameterValueException", "InvalidParameterValue"])
def test_the_same_error_over_query_under_either_of_its_names(code: str) -> None:
    response = answer_to("cloudwatch", form_request(b""), ApiError(code, "Bad <&>."))
    assert (response.status, response.body) == (
        400,
        b'<ErrorResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><Error><Type>Sender</Type>'
        b"<Code>InvalidParameterValue</Code><Message>Bad &lt;&amp;&gt;.</Message></Error>"
        b"<RequestId>the-id</RequestId></ErrorResponse>",
    )
    assert _headers(response) == {"x-amzn-requestid": "the-id", "content-type": "text/xml"}


def test_a_servers_fault_over_query_is_the_receivers() -> None:
    response = answer_to("sts", form_request(b""), ApiError("InternalFailure", None, fault="Server"))
    assert response.status == 500
    assert response.body == (
        b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Receiver</Type>'
        b"<Code>InternalFailure</Code></Error><RequestId>the-id</RequestId></ErrorResponse>"
    )


def test_s3_has_errors_of_its_own() -> None:
    response = answer_to("s3", request("GET", "/b/k"), ApiError("NoSuchKey", "Gone.", status=404))
    assert _headers(response) == {"x-amz-request-id": "the-id", "content-type": "application/xml"}
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b"<Error><Code>NoSuchKey</Code><Message>Gone.</Message><RequestId>the-id</RequestId></Error>"
    )


def test_ec2_has_errors_of_its_own() -> None:
    response = answer_to("ec2", form_request(b""), ApiError("InvalidVpcID.NotFound", "Gone."))
    assert (response.status, response.body) == (
        400,
        b"<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>Gone.</Message></Error></Errors>"
        b"<RequestID>the-id</RequestID></Response>",
    )


@pytest.mark.parametrize(
    ("service", "message", "status", "code"),
    [
        ("lambda", request("GET", "/2015-03-31/nothing"), 403, "AccessDeniedException"),
        ("lambda", request("GET", "/"), 403, "AccessDeniedException"),
        ("logs", json_request("Logs_20140328.Nothing", b"{}"), 400, "UnknownOperationException"),
        ("logs", request("POST", "/"), 400, "UnknownOperationException"),
        ("sts", form_request(b"Action=Nothing"), 400, "InvalidAction"),
        ("sts", form_request(b""), 400, "MissingAction"),
        ("cloudwatch", request("POST", "/x", {"smithy-protocol": "rpc-v2-cbor"}), 404, "UnknownOperationException"),
        ("s3", request("FLY", "/b"), 405, "MethodNotAllowed"),
    ],
)
def test_an_unknown_operation_has_its_answer(service: str, message: Request, status: int, code: str) -> None:
    model = models.service(service)
    with pytest.raises(ApiError) as caught:
        select(model, message).operation(model, message)
    assert caught.value.code == code
    assert answer_to(service, message, caught.value).status == status
