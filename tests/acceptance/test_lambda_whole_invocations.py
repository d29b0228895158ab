"""Each way to invoke, compared as a whole: members of the answer, status, and the headers that Lambda sends."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import pytest

from tests.acceptance.test_lambda_functions import HANDLER, ROLE, active, arn
from tests.conftest import Aws

CODE = {
    "app.py": "def handler(event, context):\n"
    "    if event == {'fail': True}:\n"
    "        raise ValueError('no')\n"
    "    if event == {'set': True}:\n"
    "        return {1}\n"
    "    return event\n"
}
JSON, EVENTS = {"content-type": "application/json"}, "application/vnd.amazon.eventstream"
OWN = ("x-amz", "content-type")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def function(aws: Aws, zipped: Callable[..., bytes]) -> Iterator[str]:
    client, name = aws("lambda"), "t-whole-invocations"
    client.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({**HANDLER, **CODE})},
        MemorySize=512,
    )
    active(client, name)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    yield name
    client.delete_function(FunctionName=name)


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws("lambda")


def whole(answer: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, members with streams read, and the headers of Lambda's own but the trace and the request's id."""
    members = dict(answer)
    metadata = members.pop("ResponseMetadata")
    for name in ("Payload", "EventStream"):
        if name in members:
            members[name] = members[name].read() if name == "Payload" else list(members[name])
    headers = {name: value for name, value in metadata["HTTPHeaders"].items() if name.startswith(OWN)}
    assert UUID.fullmatch(headers.pop("x-amzn-requestid"))
    headers.pop("x-amzn-trace-id", None)
    return metadata["HTTPStatusCode"], members, headers


@pytest.mark.parametrize(
    ("qualifier", "version"), [(None, "$LATEST"), ("$LATEST", "$LATEST"), ("1", "1"), ("live", "1")]
)
def test_an_answer_is_shown_with_the_version_that_ran(
    client: Any, function: str, qualifier: str | None, version: str
) -> None:
    """Recorded: invocation_type_request_response."""
    named = {"Qualifier": qualifier} if qualifier else {}
    answer = client.invoke(FunctionName=function, Payload=b'{"a": 1}', **named)
    assert whole(answer) == (
        200,
        {"StatusCode": 200, "ExecutedVersion": version, "Payload": b'{"a": 1}'},
        {**JSON, "x-amz-executed-version": version},
    )


def test_an_error_of_the_function_is_shown_beside_its_version(client: Any, function: str) -> None:
    answer = client.invoke(FunctionName=function, Payload=b'{"fail": true}')
    request_id = answer["ResponseMetadata"]["RequestId"]
    status, members, headers = whole(answer)
    error = json.loads(members.pop("Payload"))
    assert (status, members, headers) == (
        200,
        {"StatusCode": 200, "ExecutedVersion": "$LATEST", "FunctionError": "Unhandled"},
        {
            **JSON,
            "x-amz-executed-version": "$LATEST",
            "x-amz-function-error": "Unhandled",
        },
    )
    assert error == {
        "errorMessage": "no",
        "errorType": "ValueError",
        "requestId": request_id,
        "stackTrace": ["  File \"/var/task/app.py\", line 3, in handler\n    raise ValueError('no')\n"],
    }


def test_an_answer_that_is_no_json_is_an_error_of_the_runtime(client: Any, function: str) -> None:
    answer = client.invoke(FunctionName=function, Payload=b'{"set": true}')
    request_id = answer["ResponseMetadata"]["RequestId"]
    status, members, _ = whole(answer)
    assert (status, members["FunctionError"], json.loads(members["Payload"])) == (
        200,
        "Unhandled",
        {
            "errorMessage": "Unable to marshal response: Object of type set is not JSON serializable",
            "errorType": "Runtime.MarshalError",
            "requestId": request_id,
            "stackTrace": [],
        },
    )


def test_the_end_of_the_log_comes_when_it_is_asked_for(client: Any, function: str) -> None:
    answer = client.invoke(FunctionName=function, LogType="Tail")
    request_id = answer["ResponseMetadata"]["RequestId"]
    status, members, headers = whole(answer)
    log = members.pop("LogResult")
    assert (status, members, headers) == (
        200,
        {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": b"{}"},
        {**JSON, "x-amz-executed-version": "$LATEST", "x-amz-log-result": log},
    )
    lines = base64.b64decode(log).decode().splitlines()
    assert lines[-3:-1] == [f"START RequestId: {request_id} Version: $LATEST", f"END RequestId: {request_id}"]
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 512 MB\t"
        r"Max Memory Used: \d+ MB\t(Init Duration: \d+\.\d\d ms\t)?",
        lines[-1],
    )


@pytest.mark.parametrize(("kind", "status"), [("Event", 202), ("DryRun", 204)])
def test_what_has_no_answer_has_no_version_either(client: Any, function: str, kind: str, status: int) -> None:
    """Recorded: invocation_type_event, invocation_type_dry_run."""
    answer = client.invoke(FunctionName=function, InvocationType=kind, Payload=b"{}")
    assert whole(answer) == (status, {"StatusCode": status, "Payload": b""}, JSON)


def test_the_old_way_to_send_an_event_is_accepted_too(client: Any, function: str) -> None:
    answer = client.invoke_async(FunctionName=function, InvokeArgs=b'{"a": 1}')
    assert whole(answer) == (202, {"Status": 202}, JSON)
    sentence = f"Function not found: {arn('not-there', '$LATEST')}"
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.invoke_async(FunctionName="not-there", InvokeArgs=b"{}")
    status, members, _ = whole(dict(caught.value.response))
    assert (status, members) == (
        404,
        {
            "Error": {"Code": "ResourceNotFoundException", "Message": sentence},
            "Message": sentence,
            "Type": "User",
        },
    )
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.invoke_async(FunctionName=function, InvokeArgs=b'"' + b"x" * 262_143 + b'"')
    sentence = "Request must be smaller than 262144 bytes for the InvokeFunction operation"
    status, members, _ = whole(dict(caught.value.response))
    assert (status, members) == (
        413,
        {"Error": {"Code": "RequestTooLargeException", "Message": sentence}, "Type": "User", "message": sentence},
    )


def test_a_stream_is_its_chunks_and_how_it_ended(client: Any, function: str) -> None:
    invoke = client.invoke_with_response_stream
    expected = {"StatusCode": 200, "ExecutedVersion": "1", "ResponseStreamContentType": EVENTS}
    headers = {
        "content-type": EVENTS,
        "x-amz-executed-version": "1",
        "x-amzn-remapped-content-type": "application/json",
    }
    assert whole(invoke(FunctionName=function, Qualifier="live", Payload=b'{"a": 1}')) == (
        200,
        {**expected, "EventStream": [{"PayloadChunk": {"Payload": b'{"a": 1}'}}, {"InvokeComplete": {}}]},
        headers,
    )
    status, members, headers = whole(invoke(FunctionName=function, Payload=b'{"fail": true}', LogType="Tail"))
    (complete,) = members.pop("EventStream")
    log = base64.b64decode(complete["InvokeComplete"].pop("LogResult")).decode()
    assert "[ERROR] ValueError: no\n" in log
    details = json.loads(complete["InvokeComplete"].pop("ErrorDetails"))
    assert (details["errorType"], details["errorMessage"], complete) == (
        "ValueError",
        "no",
        {"InvokeComplete": {"ErrorCode": "Unhandled"}},
    )
    assert (status, members["StatusCode"], members["ExecutedVersion"]) == (200, 200, "$LATEST")
    assert whole(invoke(FunctionName=function, InvocationType="DryRun"))[0] == 204


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"\x87", "Invalid UTF-8 start byte 0x87"),
        (b"nope", "Unrecognized token 'nope'"),
        (b'{"a": ', "Unexpected end-of-input"),
    ],
)
def test_what_is_not_json_is_refused_as_a_whole(client: Any, function: str, payload: bytes, told: str) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.invoke(FunctionName=function, Payload=payload)
    status, members, headers = whole(dict(caught.value.response))
    sentence = members["message"]
    assert sentence.startswith(f"Could not parse request body into json: Could not parse payload into json: {told}")
    assert (status, members, headers) == (
        400,
        {
            "Error": {"Code": "InvalidRequestContentException", "Message": sentence},
            "Type": "User",
            "message": sentence,
        },
        {**JSON, "x-amzn-errortype": "InvalidRequestContentException"},
    )
