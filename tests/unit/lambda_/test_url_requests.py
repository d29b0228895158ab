"""Requests to function URLs, from permissions to the answer, with a played invoker."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ramuda.kernel.call import Principal
from ramuda.kernel.errors import ApiError, BrokenOffError, PortError
from ramuda.kernel.function import FunctionError, Outcome, Streamed, Success, Throttled
from ramuda.kernel.ports.function_urls import UrlRequest, UrlResponse
from tests.unit.lambda_.harness import ACCOUNT, Lambda, arn

REQUEST_ID = "5e0d1e9a-3f5c-4a6e-9d6b-7d2f0c0a1b2c"
FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}
OWN = Principal(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:user/u", user_id="U", access_key_id="AKIA")
OTHER = Principal(account="222222222222", arn="arn:aws:iam::222222222222:user/u", user_id="V")
INTEGRATION = "application/vnd.awslambda.http-integration-response"


class Door:
    """One function's URL, asked as the gateway does."""

    def __init__(self, lambda_: Lambda, url: str) -> None:
        self.lambda_ = lambda_
        self.host = url.removeprefix("http://").rstrip("/")
        self.caller: Principal | ApiError | None = None
        self.identified: list[tuple[str, bool]] = []

    async def __call__(self, method: str = "GET", path: str = "/", body: bytes = b"", **headers: str) -> UrlResponse:
        async def identify(region: str, is_origin_allowed: bool) -> Principal | None:
            self.identified.append((region, is_origin_allowed))
            if isinstance(self.caller, ApiError):
                raise self.caller
            return self.caller

        named = {name.lower().replace("_", "-"): value for name, value in headers.items()}
        return await self.lambda_.service.function_urls.serve(
            UrlRequest(
                url_id=self.host.partition(".")[0],
                host=self.host,
                method=method,
                path=path,
                query="",
                headers={"host": self.host, **named},
                body=body,
                source_ip="127.0.0.1",
                request_id=REQUEST_ID,
                identify=identify,
            )
        )

    def metrics(self, qualifier: str = "$LATEST") -> dict[str, list[float]]:
        dimensions = (("FunctionName", "f"), ("Resource", f"f:{qualifier}"))
        names = ("UrlRequestCount", "Url4xxCount", "Url5xxCount", "UrlRequestLatency")
        return {name: self.lambda_.recorder.values(name, dimensions) for name in names}


async def allow(lambda_: Lambda, auth_type: str = "NONE", principal: str = "*", **more: str) -> None:
    for sid, action, condition in (
        ("url", "lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": auth_type}),
        ("invoke", "lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        await lambda_(
            "AddPermission", FunctionName="f", StatementId=sid, Action=action, Principal=principal, **condition, **more
        )


@pytest.fixture
async def door(lambda_: Lambda) -> Door:
    """An open URL."""
    await lambda_.create()
    created = await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    await allow(lambda_)
    return Door(lambda_, created["FunctionUrl"])


async def signed(lambda_: Lambda, **config: Any) -> Door:
    await lambda_.create()
    created = await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="AWS_IAM", **config)
    return Door(lambda_, created["FunctionUrl"])


def answers(door: Door, outcome: Outcome) -> None:
    door.lambda_.invoker.answer = lambda _: outcome


def streamed(pieces: list[bytes], content_type: str, error: tuple[str, str] | None = None) -> Streamed:
    async def chunks() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        outcome.error = error

    outcome = Streamed(chunks=chunks(), content_type=content_type)
    return outcome


async def read(response: UrlResponse) -> bytes:
    if isinstance(response.body, bytes):
        return response.body
    return b"".join([piece async for piece in response.body])


def told(response: UrlResponse) -> Any:
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


async def test_a_request_is_an_event_and_the_answer_a_response(door: Door) -> None:
    answers(door, Success(payload=b'{"hello": "world"}'))
    response = await door("POST", "/a", b'{"x":1}', Content_Type="application/json")
    assert (response.status, response.body) == (200, b'{"hello":"world"}')
    names = dict(response.headers)
    assert names.pop("X-Amzn-Trace-Id").startswith("Root=1-")
    assert names == {"Content-Type": "application/json", "x-amzn-RequestId": REQUEST_ID}
    (invocation,) = door.lambda_.invoker.asked
    event = json.loads(invocation.payload)
    assert (event["rawPath"], event["body"], event["requestContext"]["requestId"]) == ("/a", '{"x":1}', REQUEST_ID)
    assert (invocation.request_id, invocation.wants_stream, invocation.qualifier) == (REQUEST_ID, False, None)
    assert door.identified == []


async def test_a_url_that_nobody_made_is_forbidden(door: Door) -> None:
    door.host = "z" * 32 + ".lambda-url.us-east-1.localhost"
    response = await door()
    assert (response.status, told(response)) == (403, FORBIDDEN)


async def test_without_both_permissions_the_answer_is_as_recorded(lambda_: Lambda) -> None:
    await lambda_.create()
    created = await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    door = Door(lambda_, created["FunctionUrl"])
    response = await door()
    assert (response.status, told(response)) == (403, FORBIDDEN)
    assert ("x-amzn-ErrorType", "AccessDeniedException") in response.headers
    await allow(lambda_)
    assert (await door()).status == 200
    await lambda_("RemovePermission", FunctionName="f", StatementId="invoke")
    assert (await door()).status == 403
    assert door.metrics()["Url4xxCount"] == [1.0, 0.0, 1.0]


async def test_a_deleted_url_answers_no_more(door: Door) -> None:
    assert (await door()).status == 200
    await door.lambda_("DeleteFunctionUrlConfig", FunctionName="f")
    assert (await door()).status == 403


async def test_the_url_of_a_deleted_alias_is_forbidden_as_recorded(lambda_: Lambda) -> None:
    await lambda_.create()
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    created = await lambda_("CreateFunctionUrlConfig", FunctionName="f", Qualifier="live", AuthType="NONE")
    await allow(lambda_, Qualifier="live")
    door = Door(lambda_, created["FunctionUrl"])
    assert (await door()).status == 200
    assert lambda_.invoker.asked[0].function.version == "1"
    assert door.metrics("live")["UrlRequestCount"] == [1.0]
    await lambda_("DeleteAlias", FunctionName="f", Name="live")
    response = await door()
    assert (response.status, told(response)) == (403, FORBIDDEN)


async def test_a_failed_function_is_502(door: Door) -> None:
    answers(door, FunctionError(error_type="E", payload=b'{"errorType":"E"}'))
    response = await door()
    assert (response.status, response.body) == (502, b"Internal Server Error")
    answers(door, Success(payload=b'{"statusCode": "nonsense"}'))
    assert (await door()).status == 502
    door.lambda_.invoker.answer = _broken
    assert (await door()).status == 502
    assert door.metrics()["Url5xxCount"] == [1.0, 1.0, 1.0]
    assert len(door.metrics()["UrlRequestLatency"]) == 3


def _broken(_: object) -> Outcome:
    raise PortError("no sandbox")


async def test_a_throttled_function_is_429(door: Door) -> None:
    def throttle(_: object) -> Outcome:
        raise Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")

    door.lambda_.invoker.answer = throttle
    response = await door()
    assert response.status == 429
    assert told(response) == {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "Message": "Rate Exceeded.",
    }


async def test_an_event_over_six_megabytes_is_413(door: Door) -> None:
    response = await door("POST", "/", b"x" * 6_291_456, Content_Type="text/plain")
    assert response.status == 413
    assert told(response)["Message"] == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    assert door.lambda_.invoker.asked == []


async def test_a_preflight_is_answered_without_the_function(lambda_: Lambda) -> None:
    door = await signed(lambda_, Cors={"AllowOrigins": ["http://a"], "AllowMethods": ["PUT"]})
    response = await door("OPTIONS", Origin="http://a", Access_Control_Request_Method="PUT")
    assert (response.status, response.body) == (200, b"")
    assert dict(response.headers) == {
        "Access-Control-Allow-Origin": "http://a",
        "Access-Control-Allow-Methods": "PUT",
        "Vary": "Origin",
        "x-amzn-RequestId": REQUEST_ID,
    }
    refused = await door("OPTIONS", Origin="http://b", Access_Control_Request_Method="PUT")
    assert dict(refused.headers) == {"x-amzn-RequestId": REQUEST_ID}
    assert (lambda_.invoker.asked, door.identified) == ([], [])


async def test_without_cors_an_options_request_is_the_functions(door: Door) -> None:
    await door("OPTIONS", Origin="http://a", Access_Control_Request_Method="PUT")
    assert json.loads(door.lambda_.invoker.asked[0].payload)["requestContext"]["http"]["method"] == "OPTIONS"


async def test_cors_headers_are_added_beside_the_functions_own(lambda_: Lambda) -> None:
    door = await signed(lambda_, Cors={"AllowOrigins": ["*"]})
    door.caller = OWN
    answers(door, Success(payload=b'{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*"}}'))
    response = await door(Origin="http://a")
    assert response.headers.count(("Access-Control-Allow-Origin", "*")) == 2
    answers(door, FunctionError(error_type="E", payload=b"{}"))
    assert ("Access-Control-Allow-Origin", "*") in (await door(Origin="http://a")).headers


async def test_a_signed_url_asks_who_calls_and_tells_the_function(lambda_: Lambda) -> None:
    door = await signed(lambda_)
    response = await door()
    assert (response.status, told(response)) == (403, FORBIDDEN)
    door.caller = OWN
    assert (await door()).status == 200
    context = json.loads(lambda_.invoker.asked[0].payload)["requestContext"]
    assert (context["accountId"], context["authorizer"]["iam"]["userArn"]) == (ACCOUNT, OWN.arn)
    assert door.identified == [("us-east-1", False)] * 2


async def test_a_wrong_signature_is_told_in_its_own_words(lambda_: Lambda) -> None:
    door = await signed(lambda_)
    door.caller = ApiError("InvalidSignatureException", "It does not match.", status=403)
    response = await door()
    assert (response.status, told(response)) == (403, {"Message": "It does not match."})


async def test_another_account_needs_the_resource_policy(lambda_: Lambda) -> None:
    door = await signed(lambda_)
    door.caller = OTHER
    assert (await door()).status == 403
    await allow(lambda_, "AWS_IAM", OTHER.account)
    assert (await door()).status == 200


async def test_a_policy_may_keep_everybody_out_but_those_who_come_through_the_url(lambda_: Lambda) -> None:
    door = await signed(lambda_)
    door.caller = OWN
    function = arn("f")
    denial = {
        "Sid": "only-by-url",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "lambda:InvokeFunction",
        "Resource": function,
        "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    await lambda_("PutResourcePolicy", ResourceArn=function, Policy=policy)
    assert (await door()).status == 200


async def test_an_origin_that_cors_allows_is_said_to_be_allowed(lambda_: Lambda) -> None:
    door = await signed(lambda_, Cors={"AllowOrigins": ["http://a"]})
    door.caller = OWN
    await door(Origin="http://a")
    await door(Origin="http://b")
    assert door.identified == [("us-east-1", True), ("us-east-1", False)]


@pytest.fixture
async def streaming(door: Door) -> Door:
    await door.lambda_("UpdateFunctionUrlConfig", FunctionName="f", InvokeMode="RESPONSE_STREAM")
    return door


async def test_a_stream_is_passed_on_with_its_content_type(streaming: Door) -> None:
    answers(streaming, streamed([b"one", b"two"], "text/plain"))
    response = await streaming()
    assert streaming.lambda_.invoker.asked[0].wants_stream
    assert (response.status, dict(response.headers)["Content-Type"]) == (200, "text/plain")
    assert await read(response) == b"onetwo"


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
async def test_the_head_of_a_stream_is_taken_off_however_it_is_cut(streaming: Door, size: int) -> None:
    whole = b'{"statusCode":201,"headers":{"X-A":"b"},"cookies":["c=d"]}' + bytes(8) + b"body" + bytes(9) + b"end"
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    answers(streaming, streamed(pieces, INTEGRATION))
    response = await streaming()
    assert (response.status, response.headers[:3]) == (
        201,
        [("X-A", "b"), ("Content-Type", "application/octet-stream"), ("Set-Cookie", "c=d")],
    )
    assert await read(response) == b"body" + bytes(9) + b"end"


@pytest.mark.parametrize(
    "pieces", [[], [b"no head"], [b"[]" + bytes(8)], [b"x" * 200_000, b"y" * 200_000, b"z" * 200_000]]
)
async def test_a_stream_without_a_head_is_502(streaming: Door, pieces: list[bytes]) -> None:
    answers(streaming, streamed(pieces, INTEGRATION))
    assert (await streaming()).status == 502


async def test_a_stream_that_fails_is_broken_off(streaming: Door) -> None:
    answers(streaming, streamed([b"one"], "text/plain", error=("Error", "{}")))
    response = await streaming()
    assert not isinstance(response.body, bytes)
    assert await anext(response.body) == b"one"
    with pytest.raises(BrokenOffError):
        await anext(response.body)


async def test_a_function_that_does_not_stream_is_passed_on_as_it_answered(streaming: Door) -> None:
    answers(streaming, Success(payload=b'{"statusCode": 200, "body": "x"}', content_type="application/json"))
    response = await streaming()
    assert (response.status, response.body) == (200, b'{"statusCode": 200, "body": "x"}')
    answers(streaming, FunctionError(error_type="E", payload=b"{}"))
    assert (await streaming()).status == 502


class Abandonable:
    """Chunks that know whether they were given up."""

    def __init__(self) -> None:
        self.is_closed = False

    def __aiter__(self) -> "Abandonable":
        return self

    async def __anext__(self) -> bytes:
        return b"x"

    async def aclose(self) -> None:
        self.is_closed = True


async def test_a_client_that_left_before_the_first_byte_gives_the_stream_up(streaming: Door) -> None:
    chunks = Abandonable()
    answers(streaming, Streamed(chunks=chunks, content_type="text/plain"))
    response = await streaming()
    assert not isinstance(response.body, bytes)
    await response.body.aclose()  # type: ignore[attr-defined]  # what the HTTP server does
    assert chunks.is_closed


async def test_an_invoked_stream_is_given_up_before_its_first_event_too(lambda_: Lambda) -> None:
    await lambda_.create()
    chunks = Abandonable()
    lambda_.invoker.answer = lambda _: Streamed(chunks=chunks, content_type="text/plain")
    result = await lambda_("InvokeWithResponseStream", FunctionName="f")
    await result["EventStream"].aclose()
    assert chunks.is_closed
