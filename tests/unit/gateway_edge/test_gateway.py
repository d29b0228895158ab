"""The way of a request: from bytes understood to an answer, and every way to fail."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from ramuda.gateway.http import IncompleteBodyError
from ramuda.gateway.messages import Request, Response
from ramuda.gateway.options import Options
from ramuda.gateway.stack import Gateway
from ramuda.kernel.errors import ApiError, InternalError, PortError
from tests.unit.gateway_edge.gateways import REQUEST_ID, FakeUpstream, Recorded, gateway

INVOKE = "/2015-03-31/functions/hello/invocations"


def scope(key: str = "test", service: str = "lambda", region: str = "us-east-1") -> dict[str, str]:
    credential = f"{key}/20260101/{region}/{service}/aws4_request"
    return {
        "authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00",
        "x-amz-date": "20260101T000000Z",
        "host": "localhost:4566",
    }


def invoke(key: str = "test", region: str = "us-east-1", **headers: str) -> Request:
    return Request(
        "POST", INVOKE, "Qualifier=7", scope(key, region=region) | headers, b'{"a": 1}', peer=("10.0.0.9", 1)
    )


def told(response: Response) -> tuple[int, dict[str, str], Any]:
    assert isinstance(response.body, bytes)
    return response.status, dict(response.headers), json.loads(response.body)


def error(status: int, code: str, body: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
    headers = {"x-amzn-RequestId": REQUEST_ID, "Content-Type": "application/json", "x-amzn-ErrorType": code}
    return status, headers, body


async def test_a_call_reaches_its_operation_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    service = Recorded()
    async with gateway(tmp_path, [service.service()]) as sut:
        request = invoke("111122223333", "eu-west-1", **{"x-amzn-trace-id": "Root=1"})
        response = await sut.handle(request)
    call = service.calls[0]
    assert (call.service, call.operation) == ("lambda", "Invoke")
    assert call.params == {"FunctionName": "hello", "Qualifier": "7", "Payload": b'{"a": 1}'}
    assert (call.account, call.region) == ("111122223333", "eu-west-1")
    assert call.principal.arn == "arn:aws:iam::111122223333:root"
    assert (call.request_id, call.trace) == (REQUEST_ID, "Root=1")
    assert (call.endpoint, call.source_ip) == ("http://localhost:4566", "10.0.0.9")
    assert call.headers is request.headers
    assert response.status == 200
    assert response.body == b'{"a": 1}'
    assert dict(response.headers)["x-amzn-RequestId"] == REQUEST_ID


@pytest.mark.parametrize(
    ("key", "account"), [("test", "000000000000"), ("111122223333", "111122223333"), ("AKIAUNKNOWN", "000000000000")]
)
async def test_without_checking_a_key_id_of_twelve_digits_is_an_account(tmp_path: Path, key: str, account: str) -> None:
    service = Recorded()
    async with gateway(tmp_path, [service.service()]) as sut:
        await sut.handle(invoke(key))
    assert service.calls[0].account == account


async def test_default_account_and_region_are_options(tmp_path: Path) -> None:
    service = Recorded()
    options = Options(account="999988887777", region="eu-north-1")
    async with gateway(tmp_path, [service.service()], options=options) as sut:
        await sut.handle(Request("POST", INVOKE, "", {"host": "localhost"}, b"{}"))
    assert (service.calls[0].account, service.calls[0].region) == ("999988887777", "eu-north-1")


FAILURES = [
    (
        ApiError("ResourceNotFoundException", "Function not found: x"),
        error(404, "ResourceNotFoundException", {"Message": "Function not found: x", "Type": "User"}),
    ),
    (
        PortError("the database is away", retryable=True),
        error(503, "ServiceUnavailableException", {"message": "the database is away"}),
    ),
    (
        PortError("no sandbox works here"),
        error(500, "ServiceException", {"Message": "no sandbox works here", "Type": "Service"}),
    ),
]


@pytest.mark.parametrize(("failure", "answer"), FAILURES, ids=["api", "port, retryable", "port"])
async def test_a_failure_becomes_an_answer_of_the_service(
    tmp_path: Path, failure: Exception, answer: tuple[int, dict[str, str], dict[str, Any]]
) -> None:
    service = Recorded()
    service.failure = failure
    async with gateway(tmp_path, [service.service()]) as sut:
        assert told(await sut.handle(invoke())) == answer


@pytest.mark.parametrize("failure", [ValueError("secret detail"), InternalError("secret detail"), RecursionError()])
async def test_a_bug_is_logged_once_and_not_told(
    tmp_path: Path, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    service = Recorded()
    service.failure = failure
    async with gateway(tmp_path, [service.service()]) as sut:
        answer = told(await sut.handle(invoke()))
    message = "An internal error occurred. The server's log has more."
    assert answer == error(500, "ServiceException", {"Message": message, "Type": "Service"})
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in records] == [f"request.failed request_id={REQUEST_ID}"]
    assert records[0].exc_info is not None


async def test_a_parameter_out_of_bounds_is_answered_in_the_words_of_aws(tmp_path: Path) -> None:
    service = Recorded()
    async with gateway(tmp_path, [service.service()]) as sut:
        answer = told(await sut.handle(invoke(**{"x-amz-invocation-type": "Sometimes"})))
    assert answer[0] == 400
    assert answer[1]["x-amzn-ErrorType"] == "ValidationException"
    assert answer[2]["message"].startswith("1 validation error detected: Value 'Sometimes' at 'invocationType' failed")
    assert service.calls == []


async def test_an_operation_that_is_not_here_says_so(tmp_path: Path) -> None:
    async with gateway(tmp_path, [Recorded().service()]) as sut:
        answer = told(await sut.handle(Request("GET", "/2015-03-31/functions/", "", scope())))
    message = "lambda.ListFunctions is not supported here."
    assert answer == error(501, "UnsupportedOperationException", {"message": message})


async def test_an_operation_that_is_not_here_may_be_delegated(tmp_path: Path) -> None:
    upstream = FakeUpstream()
    async with gateway(tmp_path, [Recorded().service(delegate_rest=True)], upstream=upstream) as sut:
        response = await sut.handle(Request("GET", "/2015-03-31/functions/", "", scope("111122223333")))
    assert upstream.forwarded == [("lambda", "111122223333", "us-east-1")]
    assert response == Response(200, [("x-amzn-RequestId", REQUEST_ID)], b"from upstream")


async def test_another_service_is_delegated_with_account_and_region(tmp_path: Path) -> None:
    upstream = FakeUpstream()
    upstream.answer = lambda request: Response(201, [("x-amz-request-id", "theirs")], b"made")
    async with gateway(tmp_path, [], upstream=upstream) as sut:
        response = await sut.handle(Request("PUT", "/bucket", "", scope("111122223333", "s3", "eu-west-1")))
    assert upstream.forwarded == [("s3", "111122223333", "eu-west-1")]
    assert response == Response(201, [("x-amz-request-id", "theirs")], b"made")


async def test_a_service_that_aws_does_not_have_says_so(tmp_path: Path) -> None:
    async with gateway(tmp_path, []) as sut:
        answer = told(await sut.handle(Request("POST", "/", "", scope(service="nonsense"))))
    message = "There is no AWS service named 'nonsense'."
    assert answer == error(501, "UnsupportedOperationException", {"message": message})


async def test_a_request_for_no_service_says_what_is_missing(tmp_path: Path) -> None:
    async with gateway(tmp_path, []) as sut:
        answer = told(await sut.handle(Request("GET", "/", "", {"host": "localhost:4566"})))
    message = (
        "Could not tell which AWS service this request is for: it has no signature, no X-Amz-Target header, and "
        "neither host nor path name one."
    )
    assert answer == error(400, "UnknownServiceException", {"message": message})


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"nul", b"{" * 100_000])
async def test_malformed_json_is_the_client_s_fault(tmp_path: Path, body: bytes) -> None:
    service = Recorded().service()
    other = type(service)(name="logs", operations={"DescribeLogGroups": service.operations["Invoke"]})
    headers = scope(service="logs") | {"x-amz-target": "Logs_20140328.DescribeLogGroups"}
    async with gateway(tmp_path, [other]) as sut:
        answer = told(await sut.handle(Request("POST", "/", "", headers, body)))
    assert (answer[0], answer[2]["__type"]) == (400, "SerializationException")


async def _ok(request: Request) -> Response:
    return Response(200, [], request.path.encode())


async def test_internal_routes_are_for_unsigned_requests_and_not_for_functions(tmp_path: Path) -> None:
    upstream = FakeUpstream()
    routes = {"/metrics": _ok, "/_ramuda/code/": _ok}
    async with gateway(tmp_path, [], upstream=upstream, internal_routes=routes) as sut:
        unsigned = {"host": "localhost"}
        assert (await sut.handle(Request("GET", "/metrics", "", unsigned))).body == b"/metrics"
        assert (await sut.handle(Request("GET", "/_ramuda/code/x", "", unsigned))).body == b"/_ramuda/code/x"
        missing = told(await sut.handle(Request("GET", "/_ramuda/nothing", "", unsigned)))
        assert missing == (404, {"Content-Type": "application/json"}, {"message": "There is no /_ramuda/nothing."})
        assert upstream.forwarded == []
        assert (await sut.handle(Request("GET", "/metrics", "", scope(service="s3")))).body == b"from upstream"
        assert (await sut.handle_api(Request("GET", "/metrics", "", unsigned))).body == b"from upstream"


async def test_a_body_that_stopped_half_way_is_left_to_the_http_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(request: Request) -> Response:
        raise IncompleteBodyError("gone")

    upstream = FakeUpstream()
    upstream.answer = broken
    async with gateway(tmp_path, [], upstream=upstream) as sut:
        with pytest.raises(IncompleteBodyError):
            await sut.handle(Request("PUT", "/b/k", "", scope(service="s3")))
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


@pytest.mark.parametrize(
    ("headers", "path", "status", "code", "message"),
    [
        ({}, "/", 400, "BadRequestException", "The request is not HTTP/1.1."),
        (scope(), INVOKE, 413, "RequestEntityTooLargeException", "Request must be smaller than 134217728 bytes"),
        (
            scope(),
            INVOKE,
            431,
            "RequestHeaderFieldsTooLargeException",
            "Request line and headers must be smaller than 1048576 bytes",
        ),
    ],
)
async def test_what_the_http_server_does_not_take_is_answered_in_the_shape_of_aws(
    tmp_path: Path, headers: dict[str, str], path: str, status: int, code: str, message: str
) -> None:
    async with gateway(tmp_path, [Recorded().service()]) as sut:
        response = sut.refuse(Request("POST", path, "", headers), status)
    assert told(response) == error(status, code, {"message": message})


async def test_a_body_too_large_for_s3_is_refused_in_xml(tmp_path: Path) -> None:
    async with gateway(tmp_path, []) as sut:
        response = sut.refuse(Request("PUT", "/b/k", "", scope(service="s3")), 413)
    assert response.status == 413
    assert isinstance(response.body, bytes)
    assert b"<Code>RequestEntityTooLargeException</Code>" in response.body


async def test_only_delegated_services_get_their_bodies_in_pieces(tmp_path: Path) -> None:
    async with gateway(tmp_path, [Recorded().service()]) as sut:
        assert sut.wants_stream(Request("PUT", "/b/k", "", scope(service="s3"))) is True
        assert sut.wants_stream(Request("POST", INVOKE, "", scope())) is False
        assert sut.wants_stream(Request("POST", "/", "", {})) is False


async def test_the_access_log_has_no_payload_and_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ramuda.access")
    async with gateway(tmp_path, [Recorded().service()], options=Options(access_log=True)) as sut:
        await sut.handle(invoke())
    assert [record.getMessage() for record in caplog.records] == [
        f"request id={REQUEST_ID} service=lambda operation=Invoke method=POST status=200 took_ms=0.00"
    ]


class TestOwnCalls:
    """`ports.Api`: the platform's calls to the same services."""

    async def test_a_native_operation_is_performed_as_the_account_s_root(self, tmp_path: Path) -> None:
        service = Recorded()
        async with gateway(tmp_path, [service.service()]) as sut:
            params = {"FunctionName": "f", "Payload": b"1"}
            result = await sut.call("lambda", "Invoke", params, account="111122223333", region="eu-west-1")
        assert result == {"StatusCode": 200, "Payload": b"1", "ExecutedVersion": "$LATEST"}
        call = service.calls[0]
        assert (call.principal.arn, call.region) == ("arn:aws:iam::111122223333:root", "eu-west-1")
        assert (call.params, call.headers) == (params, {})

    async def test_a_streaming_member_is_read(self, tmp_path: Path) -> None:
        service = Recorded()
        async with gateway(tmp_path, [service.service()]) as sut:
            params = {"LayerName": "l", "VersionNumber": 1}
            result = await sut.call("lambda", "GetLayerVersion", params, account="1" * 12, region="eu-west-1")
        assert result == {"StatusCode": 200, "Payload": b"one two"}

    async def test_parameters_are_checked_as_a_client_s_are(self, tmp_path: Path) -> None:
        async with gateway(tmp_path, [Recorded().service()]) as sut:
            with pytest.raises(ApiError, match="1 validation error detected"):
                await sut.call("lambda", "Invoke", {}, account="1" * 12, region="eu-west-1")

    async def test_a_delegated_operation_goes_upstream(self, tmp_path: Path) -> None:
        upstream = FakeUpstream()
        async with gateway(tmp_path, [Recorded().service()], upstream=upstream) as sut:
            result = await sut.call("iam", "GetRole", {"RoleName": "r"}, account="1" * 12, region="eu-west-1")
            assert result == {"from": "upstream"}
            with pytest.raises(ApiError, match=r"lambda\.ListFunctions is not supported here"):
                await sut.call("lambda", "ListFunctions", {}, account="1" * 12, region="eu-west-1")
        assert upstream.calls == [("iam", "GetRole", "1" * 12, "eu-west-1")]


class TestDelegatedKeys:
    """Keys that a delegated IAM makes can sign here."""

    CREATED = (
        b'<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateAccessKeyResult><AccessKey>'
        b"<UserName>ann</UserName><AccessKeyId>AKIADELEGATED</AccessKeyId><Status>Active</Status>"
        b"<SecretAccessKey>shh</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>"
    )

    async def _ask(self, sut: Gateway, body: bytes, account: str = "111122223333") -> Response:
        return await sut.handle(Request("POST", "/", "", scope(account, "iam"), body))

    async def test_a_key_is_known_from_its_creation_to_its_deletion(self, tmp_path: Path) -> None:
        upstream, service = FakeUpstream(), Recorded()
        async with gateway(tmp_path, [service.service()], upstream=upstream) as sut:
            upstream.answer = lambda request: Response(200, [], self.CREATED)
            response = await self._ask(sut, b"Action=CreateAccessKey&UserName=ann&Version=2010-05-08")
            assert response.body == self.CREATED
            await sut.handle(invoke("AKIADELEGATED"))
            delete = b"Action=DeleteAccessKey&AccessKeyId=AKIADELEGATED&Version=2010-05-08"
            upstream.answer = lambda request: Response(200, [], b"<ok/>")
            await self._ask(sut, delete, account="999999999999")  # not its owner
            await sut.handle(invoke("AKIADELEGATED"))
            await self._ask(sut, delete)
            await sut.handle(invoke("AKIADELEGATED"))
        assert [call.principal.arn for call in service.calls] == [
            "arn:aws:iam::111122223333:user/ann",
            "arn:aws:iam::111122223333:user/ann",
            "arn:aws:iam::000000000000:root",
        ]

    async def test_a_refused_creation_changes_nothing(self, tmp_path: Path) -> None:
        upstream, service = FakeUpstream(), Recorded()
        async with gateway(tmp_path, [service.service()], upstream=upstream) as sut:
            upstream.answer = lambda request: Response(404, [], self.CREATED)
            await self._ask(sut, b"Action=CreateAccessKey&UserName=ann&Version=2010-05-08")
            await sut.handle(invoke("AKIADELEGATED"))
        assert service.calls[0].principal.arn == "arn:aws:iam::000000000000:root"
