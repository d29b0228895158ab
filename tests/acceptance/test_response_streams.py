"""Streaming through InvokeWithResponseStream and function URLs, against a live server: Node.js and a custom runtime."""

import base64
import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from ramuda.testing import RunningServer, running_server
from tests.acceptance.function_urls import Url, open_url

Aws = Callable[..., Any]
Deployed = Callable[..., str]

NODE = """
const { HttpResponseStream, streamifyResponse } = awslambda;
exports.page = streamifyResponse(async (event, stream) => {
  stream = HttpResponseStream.from(stream, {
    statusCode: 201, headers: { "Content-Type": "text/html", "X-Own": "1" }, cookies: ["a=1", "b=2"],
  });
  stream.write("first ");
  stream.write("second");
  stream.end();
});
exports.forever = streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  stream.write("first");
  await new Promise(() => setInterval(() => {}, 1000));
});
exports.fails = streamifyResponse(async (event, stream) => {
  stream.write("first");
  await new Promise((resolve) => setImmediate(resolve));
  throw new TypeError("oops");
});
exports.exits = streamifyResponse(async (event, stream) => {
  stream.write("first", () => process.exit(3));
  await new Promise(() => {});
});
exports.pipes = streamifyResponse(async (event, stream) => {
  const { Readable } = require("stream");
  await require("stream/promises").pipeline(Readable.from(["one", "two"]), stream);
});
exports.silent = streamifyResponse(async (event, stream) => { stream.end(); });
exports.early = streamifyResponse(async () => { throw new TypeError("oops"); });
exports.whole = async (event) => ({ statusCode: 200, body: "x" });
exports.much = streamifyResponse(async (event, stream) => {
  const piece = Buffer.alloc(65536);
  for (let sent = 0; sent < MEGABYTES * 16; sent++) {
    piece.writeBigUInt64LE(process.hrtime.bigint());
    const isRoom = stream.write(Buffer.from(piece));
    if (!isRoom) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end();
  console.log("all was written");
});
"""
BASH = """#!/bin/bash
while true; do
  exec 5<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
  printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&5
  while IFS=$'\\r' read -r line _ <&5 && [ -n "$line" ]; do
    case "$line" in
      [Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d:*) id="${line#*: }" ;;
      [Cc]ontent-[Ll]ength:*) length="${line#*: }" ;;
    esac
  done
  read -r -N "$length" event <&5
  printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\\r\\nHost: x\\r\\n' "$id" >&5
  printf 'Lambda-Runtime-Function-Response-Mode: streaming\\r\\nContent-Type: text/x-bash\\r\\n' >&5
  printf 'Transfer-Encoding: chunked\\r\\n' >&5
  if [[ "$event" == *fail* ]]; then
    printf 'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\\r\\n' >&5
    printf '\\r\\n3\\r\\none\\r\\n0\\r\\nLambda-Runtime-Function-Error-Type: Runtime.Bash\\r\\n' >&5
    printf 'Lambda-Runtime-Function-Error-Body: e30=\\r\\n\\r\\n' >&5
  else
    printf '\\r\\n3\\r\\none\\r\\n3\\r\\ntwo\\r\\n0\\r\\n\\r\\n' >&5
  fi
  IFS= read -r _ <&5
  exec 5>&-
done
"""


@pytest.fixture
def node(deployed: Deployed) -> Callable[..., str]:
    """`node("page")` is a function of that handler."""

    def deploy(handler: str, megabytes: int = 1, **config: Any) -> str:
        code = NODE.replace("MEGABYTES", str(megabytes))
        settings = {"Runtime": "nodejs20.x", "Timeout": 30, "MemorySize": 512, **config}
        try:
            return deployed({"index.js": code}, Handler=f"index.{handler}", **settings)
        except WaiterError as e:
            pytest.skip(f"nodejs20.x: {e.last_response.get('Configuration', e.last_response).get('StateReason')}")

    return deploy


@pytest.fixture
def url_of(aws: Aws, server: RunningServer) -> Callable[[str], Url]:
    return lambda name: open_url(aws("lambda"), server.url, name, InvokeMode="RESPONSE_STREAM")


def streamed(aws: Aws, name: str, **params: Any) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    answer = aws("lambda").invoke_with_response_stream(FunctionName=name, **params)
    return answer, iter(answer["EventStream"])


def test_a_whole_streamed_answer_is_as_awss(aws: Aws, node: Callable[..., str]) -> None:
    name = node("page")
    answer, events = streamed(aws, name, LogType="Tail")
    metadata = answer.pop("ResponseMetadata")
    headers = metadata["HTTPHeaders"]
    del answer["EventStream"]
    assert answer == {
        "StatusCode": 200,
        "ExecutedVersion": "$LATEST",
        "ResponseStreamContentType": "application/vnd.amazon.eventstream",
    }
    assert headers["x-amzn-remapped-content-type"] == "application/vnd.awslambda.http-integration-response"
    *chunks, complete = list(events)
    payload = b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks)
    head, _, body = payload.partition(bytes(8))
    assert json.loads(head) == {
        "statusCode": 201,
        "headers": {"Content-Type": "text/html", "X-Own": "1"},
        "cookies": ["a=1", "b=2"],
    }
    assert body == b"first second"
    log = base64.b64decode(complete["InvokeComplete"].pop("LogResult")).decode()
    assert complete == {"InvokeComplete": {}}
    assert log.startswith(f"START RequestId: {metadata['RequestId']}")
    assert "\nREPORT RequestId: " in log


def test_a_dry_run_streams_nothing(aws: Aws, deployed: Deployed) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    return 1\n"})
    answer, events = streamed(aws, name, InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert list(events) == []


def test_a_python_function_is_one_chunk(aws: Aws, deployed: Deployed) -> None:
    answer, events = streamed(aws, deployed({"app.py": "def handler(event, context):\n    return {'a': 1}\n"}))
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-remapped-content-type"] == "application/json"
    assert list(events) == [{"PayloadChunk": {"Payload": b'{"a": 1}'}}, {"InvokeComplete": {}}]


def test_errors_before_the_function_are_errors_of_the_call(aws: Aws) -> None:
    with pytest.raises(ClientError, match="Function not found") as refused:
        aws("lambda").invoke_with_response_stream(FunctionName="nope")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_the_first_byte_leaves_while_the_function_runs_and_its_time_out_ends_the_stream(
    aws: Aws, node: Callable[..., str]
) -> None:
    _, events = streamed(aws, node("forever", Timeout=1))
    assert next(events) == {"PayloadChunk": {"Payload": b"first"}}  # the function never ends by itself
    complete = next(events)["InvokeComplete"]
    assert complete["ErrorCode"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in json.loads(complete["ErrorDetails"])["errorMessage"]
    assert list(events) == []


def test_an_error_in_the_middle_ends_the_stream_with_it(aws: Aws, node: Callable[..., str]) -> None:
    _, events = streamed(aws, node("fails"), LogType="Tail")
    assert next(events) == {"PayloadChunk": {"Payload": b"first"}}
    complete = next(events)["InvokeComplete"]
    assert complete.keys() == {"ErrorCode", "ErrorDetails", "LogResult"}
    assert complete["ErrorCode"] == "TypeError"
    details = json.loads(complete["ErrorDetails"])
    assert (details["errorType"], details["errorMessage"]) == ("TypeError", "oops")
    assert list(events) == []


def test_a_function_that_exits_in_the_middle_truncates_its_stream(aws: Aws, node: Callable[..., str]) -> None:
    _, events = streamed(aws, node("exits"))
    assert list(events)[-1] == {
        "InvokeComplete": {
            "ErrorCode": "Runtime.TruncatedResponse",
            "ErrorDetails": "Response stream was truncated",
        }
    }


def test_a_pipeline_is_streamed_whole(aws: Aws, node: Callable[..., str], url_of: Callable[[str], Url]) -> None:
    name = node("pipes")
    *chunks, complete = list(streamed(aws, name)[1])
    assert b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks) == b"onetwo"
    assert complete == {"InvokeComplete": {}}
    answer = url_of(name)()
    assert (answer.status, answer.body, answer.header("content-type")) == (200, b"onetwo", "application/octet-stream")


def test_a_function_that_ends_its_stream_without_a_word_has_an_empty_answer(
    aws: Aws, node: Callable[..., str], url_of: Callable[[str], Url]
) -> None:
    name = node("silent")
    assert list(streamed(aws, name)[1]) == [{"InvokeComplete": {}}]
    answer = url_of(name)()
    assert (answer.status, answer.body) == (200, b"")


def test_a_url_streams_with_the_head_that_the_function_wrote(
    node: Callable[..., str], url_of: Callable[[str], Url]
) -> None:
    answer = url_of(node("page"))()
    assert (answer.status, answer.body) == (201, b"first second")
    assert answer.header("transfer-encoding") == "chunked"
    assert answer.headers[:4] == [
        ("Content-Type", "text/html"),
        ("X-Own", "1"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ]


def test_a_url_sends_the_first_byte_while_the_function_runs_and_is_cut_off_when_it_fails(
    node: Callable[..., str], url_of: Callable[[str], Url]
) -> None:
    url = url_of(node("forever", Timeout=1))
    connection = url.connect()
    answer = url.open(connection)
    assert (answer.status, answer.getheader("content-type"), answer.read(5)) == (200, "text/plain", b"first")
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    connection.close()


def test_a_url_says_502_when_the_function_fails_before_its_first_byte(
    node: Callable[..., str], url_of: Callable[[str], Url]
) -> None:
    answer = url_of(node("early"))()
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_a_url_passes_on_as_it_is_what_a_function_did_not_stream(
    node: Callable[..., str], url_of: Callable[[str], Url]
) -> None:
    answer = url_of(node("whole"))()
    assert (answer.status, answer.body) == (200, b'{"statusCode":200,"body":"x"}')


def test_a_slow_reader_slows_the_function_down(node: Callable[..., str], url_of: Callable[[str], Url]) -> None:
    megabytes = 48
    url, other = url_of(node("much", megabytes)), url_of(node("page"))
    connection = url.connect()
    answer = url.open(connection)
    for _ in range(20):  # while nobody reads, others are served, and the function could have written it all
        assert other().status == 201
    began_reading_ns = time.monotonic_ns()
    pieces = [answer.read(65_536) for _ in range(megabytes * 16)]
    connection.close()
    written_ns = [int.from_bytes(piece[:8], "little") for piece in pieces]
    assert written_ns == sorted(written_ns)
    before = sum(at_ns < began_reading_ns for at_ns in written_ns)
    assert 0 < before * 65_536 < 32 * 1024 * 1024  # what sockets hold, which Linux lets grow


def test_a_client_that_leaves_does_not_stop_the_function(
    aws: Aws, node: Callable[..., str], url_of: Callable[[str], Url]
) -> None:
    name = node("much", 32)
    url = url_of(name)
    connection = url.connect()
    url.open(connection).read(10)
    connection.close()
    logs, found = aws("logs"), False
    give_up_at = time.monotonic() + 30
    while not found and time.monotonic() < give_up_at:
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern='"all was written"')
        except logs.exceptions.ResourceNotFoundException:
            continue
        found = bool(events["events"])
    assert found


def test_a_custom_runtime_streams_and_fails_with_trailers(aws: Aws, deployed: Deployed) -> None:
    name = deployed({"bootstrap": BASH}, Runtime="provided.al2023", Handler="any", Timeout=10)
    answer, events = streamed(aws, name, Payload=b"{}")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-remapped-content-type"] == "text/x-bash"
    *chunks, complete = list(events)
    assert b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks) == b"onetwo"
    assert complete == {"InvokeComplete": {}}
    _, events = streamed(aws, name, Payload=b'"fail"')
    assert list(events) == [
        {"PayloadChunk": {"Payload": b"one"}},
        {"InvokeComplete": {"ErrorCode": "Runtime.Bash", "ErrorDetails": "{}"}},
    ]


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, zipped: Callable[..., bytes]) -> Iterator[tuple[Any, Url]]:
    """A client and a URL of a function that streams 2 MB on a server that allows 1 MB."""
    config: Path = tmp_path_factory.mktemp("limited") / "ramuda.toml"
    config.write_text("[runtime]\nstream_bytes_max = 1048576\n")
    with running_server("--config", str(config)) as server:
        client = server.client("lambda")
        client.create_function(
            FunctionName="much",
            Runtime="nodejs20.x",
            Handler="index.much",
            Role="arn:aws:iam::000000000000:role/r",
            Timeout=30,
            Code={"ZipFile": zipped({"index.js": NODE.replace("MEGABYTES", "2")})},
        )
        try:
            client.get_waiter("function_active_v2").wait(FunctionName="much", WaiterConfig={"Delay": 0.1})
        except WaiterError:
            pytest.skip("nodejs20.x cannot run here")
        yield client, open_url(client, server.url, "much", InvokeMode="RESPONSE_STREAM")


def test_a_stream_over_the_limit_ends_there_with_an_error(limited: tuple[Any, Url]) -> None:
    client, url = limited
    *chunks, complete = list(client.invoke_with_response_stream(FunctionName="much")["EventStream"])
    assert sum(len(chunk["PayloadChunk"]["Payload"]) for chunk in chunks) == 1_048_576
    assert complete == {
        "InvokeComplete": {
            "ErrorCode": "Function.ResponseSizeTooLarge",
            "ErrorDetails": "Response payload size exceeded maximum allowed payload size (1048576 bytes).",
        }
    }
    connection = url.connect()
    answer = url.open(connection)
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    assert len(cut.value.partial) <= 1_048_576
    connection.close()


@pytest.mark.slow
def test_two_hundred_megabytes_are_streamed_whole_and_not_a_byte_more(aws: Aws, node: Callable[..., str]) -> None:
    _, events = streamed(aws, node("much", 200, Timeout=300))
    *_, complete = (size for size in _sizes(events))
    assert complete == (200 * 1024 * 1024, {})
    _, events = streamed(aws, node("much", 201, Timeout=300))
    *_, (total, how) = (size for size in _sizes(events))
    assert (total, how["ErrorCode"]) == (200 * 1024 * 1024, "Function.ResponseSizeTooLarge")


def _sizes(events: Iterator[dict[str, Any]]) -> Iterator[tuple[int, dict[str, str]]]:
    """How much came so far, and how it ended."""
    total = 0
    for event in events:
        total += len(event.get("PayloadChunk", {}).get("Payload", b""))
        yield total, event.get("InvokeComplete", {})
