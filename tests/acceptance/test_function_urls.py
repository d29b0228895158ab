"""Function URLs through boto3 and plain HTTP, against a live server."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from ramuda.testing import RunningServer, running_server
from tests.acceptance.function_urls import Url, open_to_all, open_url

Aws = Callable[..., Any]
Deployed = Callable[..., str]

ECHO = "def handler(event, context):\n    return event\n"
RESPOND = "def handler(event, context):\n    import json\n    return json.loads(event['body'])\n"
FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}
CORS = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 300}
QUALIFIER = r"((?!^\d+$)^[0-9a-zA-Z-_]+$)"


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    """A whole response with what differs from run to run told by its kind."""
    answer = {**answer, "ResponseMetadata": answer["ResponseMetadata"]["HTTPStatusCode"]}
    if "FunctionUrl" in answer:
        assert re.fullmatch(r"http://[a-z0-9]{32}\.lambda-url\.us-east-1\.localhost:\d+/", answer["FunctionUrl"])
        answer["FunctionUrl"] = "url"
    for name in ("CreationTime", "LastModifiedTime"):
        if name in answer:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", answer[name])
            answer[name] = "date"
    return answer


@pytest.fixture
def echo(aws: Aws, server: RunningServer, deployed: Deployed) -> Url:
    """An open URL of a function that answers with its event."""
    return open_url(aws("lambda"), server.url, deployed({"app.py": ECHO}))


@pytest.fixture
def respond(aws: Aws, server: RunningServer, deployed: Deployed) -> Callable[..., Any]:
    """`respond(answer)` has a function answer so."""
    url = open_url(aws("lambda"), server.url, deployed({"app.py": RESPOND}))
    return lambda answer: url("POST", body=json.dumps(answer).encode(), headers={"Content-Type": "application/json"})


def test_a_url_configuration_is_made_read_changed_listed_and_deleted(aws: Aws, deployed: Deployed) -> None:
    client, name = aws("lambda"), deployed({"app.py": ECHO})
    base = {
        "FunctionUrl": "url",
        "FunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
        "AuthType": "NONE",
        "CreationTime": "date",
    }
    created = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert shown(created) == {**base, "ResponseMetadata": 201}
    got = client.get_function_url_config(FunctionName=name)
    assert shown(got) == {**base, "InvokeMode": "BUFFERED", "LastModifiedTime": "date", "ResponseMetadata": 200}
    assert got["FunctionUrl"] == created["FunctionUrl"]
    updated = client.update_function_url_config(FunctionName=name, AuthType="AWS_IAM", Cors=CORS)
    changed = {**base, "AuthType": "AWS_IAM", "Cors": CORS, "LastModifiedTime": "date"}
    assert shown(updated) == {**changed, "ResponseMetadata": 200}
    listed = client.list_function_url_configs(FunctionName=name)
    got = client.get_function_url_config(FunctionName=name)
    assert listed["FunctionUrlConfigs"] == [{key: got[key] for key in got if key != "ResponseMetadata"}]
    assert listed.keys() == {"FunctionUrlConfigs", "ResponseMetadata"}
    assert shown(client.delete_function_url_config(FunctionName=name)) == {"ResponseMetadata": 204}
    with pytest.raises(ClientError, match="The resource you requested does not exist") as refused:
        client.get_function_url_config(FunctionName=name)
    error = refused.value.response
    assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Type"], error["Message"]) == (
        404,
        "ResourceNotFoundException",
        "User",
        "The resource you requested does not exist.",
    )


@pytest.mark.parametrize("operation", ["create", "get", "update", "delete"])
@pytest.mark.parametrize("qualifier", ["1", "$LATEST"])
def test_a_version_has_no_url_as_recorded(aws: Aws, unique: str, operation: str, qualifier: str) -> None:
    call = getattr(aws("lambda"), f"{operation}_function_url_config")
    more = {"AuthType": "NONE"} if operation == "create" else {}
    with pytest.raises(ClientError) as refused:
        call(FunctionName=unique, Qualifier=qualifier, **more)
    error = refused.value.response
    assert error["Error"] == {
        "Code": "ValidationException",
        "Message": f"1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {QUALIFIER}",
    }
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    ("cors", "told"),
    [
        ({"AllowMethods": ["OPTIONS"]}, "Member must have length less than or equal to 6"),
        ({"AllowMethods": ["GET"] * 7}, "Member must have length less than or equal to 6"),
        ({"AllowOrigins": ["x" * 254]}, "Member must have length less than or equal to 253"),
        ({"AllowOrigins": ["x"] * 101}, "Member must have length less than or equal to 100"),
        ({"AllowHeaders": ["x" * 1025]}, "Member must have length less than or equal to 1024"),
        ({"MaxAge": 86_401}, "Member must have value less than or equal to 86400"),
    ],
)
def test_the_limits_of_cors_are_the_models(aws: Aws, unique: str, cors: dict[str, Any], told: str) -> None:
    client = aws("lambda", config=Config(parameter_validation=False))
    with pytest.raises(ClientError, match=re.escape(told)) as refused:
        client.create_function_url_config(FunctionName=unique, AuthType="NONE", Cors=cors)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_request_by_host_is_told_whole(echo: Url) -> None:
    headers = {"Content-Type": "text/plain", "Cookie": "a=b; c=d", "User-Agent": "test", "X-Odd-CapS": "One"}
    answer = echo("PUT", "/my%20path?q=1&q=%C3%A9", "grüße".encode(), headers)
    event = json.loads(answer.body)
    request_id = answer.header("x-amzn-RequestId")
    trace_id, epoch_ms, date = event["headers"].pop("x-amzn-trace-id"), *_times(event)
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace_id)
    assert abs(epoch_ms / 1000 - time.time()) < 60
    assert date == time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(epoch_ms / 1000))
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my%20path",
        "rawQueryString": "q=1&q=%C3%A9",
        "cookies": ["a=b", "c=d"],
        "headers": {
            "accept-encoding": "identity",
            "content-length": "7",
            "content-type": "text/plain",
            "cookie": "a=b; c=d",
            "host": echo.host,
            "user-agent": "test",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": echo.host.rpartition(":")[2],
            "x-forwarded-proto": "http",
            "x-odd-caps": "One",
        },
        "queryStringParameters": {"q": "1,é"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": echo.url_id,
            "domainName": echo.host,
            "domainPrefix": echo.url_id,
            "http": {
                "method": "PUT",
                "path": "/my%20path",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test",
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
        },
        "body": "grüße",
        "isBase64Encoded": False,
    }


def _times(event: dict[str, Any]) -> tuple[int, str]:
    context = event["requestContext"]
    return context.pop("timeEpoch"), context.pop("time")


def test_the_same_function_is_reached_by_path_and_under_awss_name(echo: Url) -> None:
    by_path = echo("GET", f"/lambda-url/{echo.url_id}/a/b?c=d", headers={"Host": "127.0.0.1"})
    event = json.loads(by_path.body)
    assert (event["rawPath"], event["rawQueryString"]) == ("/a/b", "c=d")
    assert event["requestContext"]["domainName"] == f"{echo.url_id}.lambda-url.us-east-1.localhost"
    awss = f"{echo.url_id}.lambda-url.us-east-1.on.aws"
    event = json.loads(echo("GET", "/metrics", headers={"Host": awss}).body)
    assert (event["rawPath"], event["requestContext"]["domainName"]) == ("/metrics", awss)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_every_method_is_passed_on(echo: Url, method: str) -> None:
    assert json.loads(echo(method).body)["requestContext"]["http"]["method"] == method


def test_one_connection_serves_many_requests_and_head_has_no_body(echo: Url) -> None:
    connection = echo.connect()
    head = echo.open(connection, "HEAD")
    assert (head.status, head.read()) == (200, b"")
    for path in ("/1", "/2"):
        assert json.loads(echo.open(connection, "GET", path).read())["rawPath"] == path
    connection.close()


def test_bytes_and_forms_are_encoded(echo: Url) -> None:
    event = json.loads(echo("POST", body=b"\xff\x00", headers={"Content-Type": "image/png"}).body)
    assert (event["body"], event["isBase64Encoded"]) == ("/wA=", True)
    event = json.loads(echo("POST", body=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}).body)
    assert (event["body"], event["isBase64Encoded"]) == ("YT1i", True)


@pytest.mark.parametrize("size", [6_291_456, 9_000_000])
def test_a_body_over_six_megabytes_is_refused(echo: Url, size: int) -> None:
    answer = echo("POST", body=b"x" * size, headers={"Content-Type": "text/plain"})
    assert answer.status == 413
    assert json.loads(answer.body)["Message"] == (
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    )


def test_a_large_body_below_the_limit_arrives(aws: Aws, server: RunningServer, deployed: Deployed) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    return len(event['body'])\n"})
    url = open_url(aws("lambda"), server.url, name)
    answer = url("POST", body=b"x" * 6_000_000, headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.body) == (200, b"6000000")


def test_what_a_function_answers_is_the_response(respond: Callable[..., Any]) -> None:
    answer = respond(
        {
            "statusCode": 418,
            "headers": {"Content-Type": "text/plain", "X-Own": "1"},
            "cookies": ["a=1; Max-Age=5", "b=2"],
            "body": "aGVsbG8=",
            "isBase64Encoded": True,
        }
    )
    assert (answer.status, answer.body) == (418, b"hello")
    kept = [pair for pair in answer.headers if pair[0].lower() not in ("date", "x-amzn-requestid", "x-amzn-trace-id")]
    assert kept == [
        ("Content-Type", "text/plain"),
        ("X-Own", "1"),
        ("Set-Cookie", "a=1; Max-Age=5"),
        ("Set-Cookie", "b=2"),
        ("Content-Length", "5"),
    ]


@pytest.mark.parametrize(
    ("told", "body"),
    [
        ({"hello": "world"}, b'{"hello":"world"}'),
        (["hello", 3, True], b'["hello",3,true]'),
        ("hello", b"hello"),
        (3, b"3"),
        (3.1, b"3.1"),
        (True, b"true"),
    ],
)
def test_an_answer_that_is_no_response_is_the_body_as_recorded(
    respond: Callable[..., Any], told: Any, body: bytes
) -> None:
    answer = respond(told)
    assert (answer.status, answer.body, answer.header("content-type")) == (200, body, "application/json")
    assert answer.header("content-length") == str(len(body))


def test_a_function_that_answers_nonsense_is_502(respond: Callable[..., Any]) -> None:
    failed = respond({"statusCode": "nonsense"})
    assert (failed.status, failed.body) == (502, b"Internal Server Error")


def test_a_function_that_raises_or_runs_out_of_time_is_502(aws: Aws, server: RunningServer, deployed: Deployed) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(60) if event['rawPath'] == '/slow' else 1 / 0\n"
    url = open_url(aws("lambda"), server.url, deployed({"app.py": code}, Timeout=1))
    for path in ("/", "/slow"):
        answer = url("GET", path)
        assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_a_url_without_concurrency_is_429(aws: Aws, server: RunningServer, deployed: Deployed) -> None:
    client, name = aws("lambda"), deployed({"app.py": ECHO})
    url = open_url(client, server.url, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    answer = url()
    assert answer.status == 429
    assert json.loads(answer.body) == {
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Type": "User",
        "Message": "Rate Exceeded.",
    }
    client.delete_function_concurrency(FunctionName=name)
    assert url().status == 200


def test_an_open_url_needs_both_permissions_of_october_2025(
    aws: Aws, server: RunningServer, deployed: Deployed
) -> None:
    client, name = aws("lambda"), deployed({"app.py": ECHO})
    url = Url(server.url, client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"])
    refused = url()
    assert (refused.status, json.loads(refused.body)) == (403, FORBIDDEN)
    assert refused.header("x-amzn-ErrorType") == "AccessDeniedException"
    open_to_all(client, name)
    assert url().status == 200
    client.remove_permission(FunctionName=name, StatementId="invoke")
    assert url().status == 403


def test_a_page_of_an_allowed_origin_is_served_and_its_preflight_answered(
    aws: Aws, server: RunningServer, deployed: Deployed
) -> None:
    url = open_url(aws("lambda"), server.url, deployed({"app.py": ECHO}), Cors=CORS)
    page = {"Origin": "https://a.example"}
    preflight = url("OPTIONS", headers={**page, "Access-Control-Request-Method": "GET"})
    assert (preflight.status, preflight.body) == (200, b"")
    assert preflight.header("Access-Control-Allow-Origin") == "https://a.example"
    assert preflight.header("Access-Control-Allow-Methods") == "GET"
    assert preflight.header("Access-Control-Max-Age") == "300"
    assert url(headers=page).header("Access-Control-Allow-Origin") == "https://a.example"
    stranger = url(headers={"Origin": "https://b.example"})
    assert (stranger.status, stranger.header("Access-Control-Allow-Origin")) == (200, None)


def test_a_signed_url_believes_who_signs_when_signatures_are_not_checked(
    aws: Aws, server: RunningServer, deployed: Deployed
) -> None:
    client, name = aws("lambda"), deployed({"app.py": ECHO})
    url = Url(server.url, client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"])
    unsigned = url()
    assert (unsigned.status, json.loads(unsigned.body)) == (403, FORBIDDEN)
    own = Credentials("000000000000", "anything")
    answer = url("POST", "/x", b"{}", url.signed("POST", "/x", b"{}", own))
    event = json.loads(answer.body)
    assert event["requestContext"]["accountId"] == "000000000000"
    assert event["requestContext"]["authorizer"]["iam"] == {
        "accessKey": "000000000000",
        "accountId": "000000000000",
        "callerId": "000000000000",
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": "arn:aws:iam::000000000000:root",
        "userId": "000000000000",
    }
    for_s3 = url("GET", "/", None, url.signed("GET", "/", b"", own, service="s3"))
    assert (for_s3.status, for_s3.header("x-amzn-ErrorType")) == (403, "InvalidSignatureException")
    other = Credentials("222222222222", "anything")
    assert url("GET", "/", None, url.signed("GET", "/", b"", other)).status == 403
    open_to_all(client, name, "AWS_IAM", "222222222222")
    answer = url("GET", "/", None, url.signed("GET", "/", b"", other))
    assert json.loads(answer.body)["requestContext"]["authorizer"]["iam"]["accountId"] == "222222222222"


def test_a_foreign_page_cannot_use_a_signed_url_by_naming_a_key(
    aws: Aws, server: RunningServer, deployed: Deployed
) -> None:
    name = deployed({"app.py": ECHO})
    created = aws("lambda").create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    url = Url(server.url, created["FunctionUrl"])
    headers = url.signed("GET", "/", b"", Credentials("000000000000", "x"))
    assert url("GET", "/", None, {**headers, "Origin": "https://evil.example"}).status == 403
    assert url("GET", "/", None, {**headers, "Origin": "http://localhost:3000"}).status == 200


def test_a_function_reaches_the_urls_of_others_by_path(aws: Aws, echo: Url, deployed: Deployed) -> None:
    code = """
import os
from urllib.request import urlopen
def handler(event, context):
    return urlopen(os.environ["AWS_ENDPOINT_URL"] + event).read().decode()
"""
    name = deployed({"app.py": code}, Timeout=10)
    path = json.dumps(f"/lambda-url/{echo.url_id}/from/inside")
    answer = json.loads(json.load(aws("lambda").invoke(FunctionName=name, Payload=path)["Payload"]))
    assert answer["rawPath"] == "/from/inside"


def test_requests_to_a_url_are_counted(aws: Aws, server: RunningServer, deployed: Deployed) -> None:
    name = deployed({"app.py": ECHO})
    echo = open_url(aws("lambda"), server.url, name)
    for _ in range(3):
        assert echo().status == 200
    assert echo("POST", body=b"x" * 6_291_456, headers={"Content-Type": "text/plain"}).status == 413
    cloudwatch = aws("cloudwatch")

    def metric(metric_name: str, statistic: str) -> float:
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric_name,
            Dimensions=[{"Name": "FunctionName", "Value": name}, {"Name": "Resource", "Value": f"{name}:$LATEST"}],
            StartTime=time.time() - 600,
            EndTime=time.time() + 600,
            Period=60,
            Statistics=[statistic],
        )
        return float(sum(point[statistic] for point in answer["Datapoints"]))

    give_up_at = time.monotonic() + 20
    while metric("UrlRequestCount", "Sum") < 4 and time.monotonic() < give_up_at:
        pass
    assert (metric("UrlRequestCount", "Sum"), metric("Url4xxCount", "Sum"), metric("Url5xxCount", "Sum")) == (4, 1, 0)
    assert metric("UrlRequestLatency", "SampleCount") == 4


def _key(data_dir: Path, *arguments: str) -> Credentials:
    command = [sys.executable, "-m", "ramuda.cli", "keys", "create", "--json", "--data-dir", str(data_dir), *arguments]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return Credentials(told["accessKeyId"], told["secretAccessKey"])


def test_signatures_are_checked_under_auth_and_urls_outlive_a_restart(
    tmp_path: Path, zipped: Callable[..., bytes]
) -> None:
    data_dir = tmp_path / "data"
    key = _key(data_dir)
    with running_server("--auth", data_dir=data_dir) as server:
        client = server.client("lambda", aws_access_key_id=key.access_key, aws_secret_access_key=key.secret_key)
        role = "arn:aws:iam::000000000000:role/r"
        client.create_function(
            FunctionName="f",
            Runtime="python3.11",
            Handler="app.handler",
            Role=role,
            Code={"ZipFile": zipped({"app.py": ECHO})},
        )
        client.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.1})
        url = Url(server.url, client.create_function_url_config(FunctionName="f", AuthType="AWS_IAM")["FunctionUrl"])
        signed = url.signed("POST", "/a%20b?c=d", b"{}", key)
        assert url("POST", "/a%20b?c=d", b"{}", signed).status == 200
        assert url("POST", "/a%20b?c=d", b"{ }", signed).status == 403
        forged = url("GET", "/", None, url.signed("GET", "/", b"", Credentials(key.access_key, "wrong")))
        assert (forged.status, forged.header("x-amzn-ErrorType")) == (403, "InvalidSignatureException")
        assert json.loads(forged.body)["Message"].startswith("The request signature we calculated does not match")
        stranger = url("GET", "/", None, url.signed("GET", "/", b"", Credentials("AKIASTRANGER", "x")))
        assert (stranger.status, stranger.header("x-amzn-ErrorType")) == (403, "UnrecognizedClientException")
        by_path = f"/lambda-url/{url.url_id}/x"
        assert url("GET", by_path, None, url.signed("GET", by_path, b"", key)).status == 200
        assert url().status == 403
        server.stop()
        server.start(port=int(url.host.rpartition(":")[2]))
        assert url("GET", "/", None, url.signed("GET", "/", b"", key)).status == 200
