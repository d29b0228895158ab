"""Invoke over the wire."""

import base64
import json
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

Deployed = Callable[..., str]
Aws = Callable[..., Any]


def test_an_answer_carries_version_and_log(aws: Aws, deployed: Deployed) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    print('hello log')\n    return event['a'] + 1\n"})
    answer = aws("lambda").invoke(FunctionName=name, Payload=b'{"a": 1}', LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"], answer["Payload"].read()) == (200, "$LATEST", b"2")
    assert "FunctionError" not in answer
    log = base64.b64decode(answer["LogResult"]).decode()
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert f"START RequestId: {request_id} Version: $LATEST\n" in log
    assert "hello log\n" in log
    assert f"REPORT RequestId: {request_id}" in log


def test_an_error_of_the_function_is_unhandled_and_200(aws: Aws, deployed: Deployed) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    raise ValueError('no')\n"})
    answer = aws("lambda").invoke(FunctionName=name)
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    error = json.loads(answer["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no")


def test_the_context_says_how_the_function_was_called(aws: Aws, deployed: Deployed) -> None:
    code = (
        "def handler(event, context):\n"
        "    custom = context.client_context.custom if context.client_context else None\n"
        "    return [context.invoked_function_arn, context.function_version, context.aws_request_id, custom]\n"
    )
    name = deployed({"app.py": code})
    client = aws("lambda")
    client.publish_version(FunctionName=name)
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    answer = client.invoke(FunctionName=name, Qualifier="1", ClientContext=context)
    assert answer["ExecutedVersion"] == "1"
    assert json.loads(answer["Payload"].read()) == [
        f"arn:aws:lambda:us-east-1:000000000000:function:{name}:1",
        "1",
        answer["ResponseMetadata"]["RequestId"],
        {"k": "v"},
    ]


def test_a_dry_run_and_an_event_answer_without_a_body(aws: Aws, deployed: Deployed) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    return 1\n"})
    for kind, status in {"DryRun": 204, "Event": 202}.items():
        answer = aws("lambda").invoke(FunctionName=name, InvocationType=kind)
        assert (answer["StatusCode"], answer["Payload"].read()) == (status, b"")
        assert answer.keys() == {"StatusCode", "Payload", "ResponseMetadata"}


def test_malformed_and_oversized_payloads_are_refused(aws: Aws, deployed: Deployed) -> None:
    client, name = aws("lambda"), deployed({"app.py": "def handler(event, context):\n    return 1\n"})
    with pytest.raises(botocore.exceptions.ClientError, match="Could not parse request body into json") as refusal:
        client.invoke(FunctionName=name, Payload=b'{"a": ')
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(botocore.exceptions.ClientError, match="Request must be smaller than 6291456 bytes") as refusal:
        client.invoke(FunctionName=name, Payload=b'"' + b"x" * 6_291_456 + b'"')
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    with pytest.raises(botocore.exceptions.ClientError, match=r"Function not found: .*:nope:") as refusal:
        client.invoke(FunctionName="nope")
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_buffered_answer_is_one_chunk_of_a_stream(aws: Aws, deployed: Deployed) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    return event\n"})
    answer = aws("lambda").invoke_with_response_stream(FunctionName=name, Payload=b'{"a":1}', LogType="Tail")
    events = list(answer["EventStream"])
    assert answer["ExecutedVersion"] == "$LATEST"
    assert b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1]) == b'{"a": 1}'
    assert "REPORT" in base64.b64decode(events[-1]["InvokeComplete"]["LogResult"]).decode()
