"""Records of asynchronous invocations at real queues, topics, buses, buckets and functions, compared whole with those
recorded from AWS; and the dead-letter queue."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

Aws = Callable[..., Any]
Deployed = Callable[..., str]

ARN = "arn:aws:lambda:us-east-1:000000000000:function"
HANDLER = """
def handler(event, context):
    if event.get("raise_error"):
        raise Exception("Test exception (this is intentional)")
    return {
        "event": event,
        "context": {
            "invoked_function_arn": context.invoked_function_arn,
            "function_version": context.function_version,
            "function_name": context.function_name,
            "memory_limit_in_mb": context.memory_limit_in_mb,
            "aws_request_id": context.aws_request_id,
            "log_group_name": context.log_group_name,
            "client_context": context.client_context,
        },
    }
"""
CODE: dict[str, str | bytes] = {"handler.py": HANDLER}
FAILURE = {"raise_error": 1}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TRACE = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01](;Lineage=1:[0-9a-f]{8}:0)?")


@pytest.fixture
def queue(aws: Aws, unique: str) -> dict[str, str]:
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    return {"url": url, "arn": f"arn:aws:sqs:us-east-1:000000000000:{unique}"}


@pytest.fixture
def function(deployed: Deployed) -> str:
    return deployed(CODE, Handler="handler.handler")


def send(aws: Aws, function: str, event: dict[str, Any]) -> str:
    """Its request id."""
    answer = aws("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))
    assert answer.pop("Payload").read() == b""
    metadata = answer.pop("ResponseMetadata")
    assert (answer, metadata["HTTPStatusCode"]) == ({"StatusCode": 202}, 202)
    return str(metadata["RequestId"])


def received(aws: Aws, queue: dict[str, str]) -> dict[str, Any]:
    found = aws("sqs").receive_message(
        QueueUrl=queue["url"], WaitTimeSeconds=20, AttributeNames=["All"], MessageAttributeNames=["All"]
    )
    (message,) = found["Messages"]
    aws("sqs").delete_message(QueueUrl=queue["url"], ReceiptHandle=message["ReceiptHandle"])
    return dict(message)


def success(function: str, request_id: str, event: dict[str, Any]) -> dict[str, Any]:
    """The record as recorded, but for its timestamp."""
    return {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{ARN}:{function}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {
            "event": event,
            "context": {
                "invoked_function_arn": f"{ARN}:{function}",
                "function_version": "$LATEST",
                "function_name": function,
                "memory_limit_in_mb": "128",
                "aws_request_id": request_id,
                "log_group_name": f"/aws/lambda/{function}",
                "client_context": None,
            },
        },
    }


def failure(function: str, request_id: str) -> dict[str, Any]:
    line = '    raise Exception("Test exception (this is intentional)")\n'
    return {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{ARN}:{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1,
        },
        "requestPayload": FAILURE,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {
            "errorMessage": "Test exception (this is intentional)",
            "errorType": "Exception",
            "requestId": request_id,
            "stackTrace": [f'  File "/var/task/handler.py", line 4, in handler\n{line}'],
        },
    }


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    assert STAMP.fullmatch(record.pop("timestamp"))
    return record


def reported_to(aws: Aws, function: str, **where: str) -> None:
    destinations = {side: {"Destination": arn} for side, arn in where.items()}
    aws("lambda").put_function_event_invoke_config(
        FunctionName=function, MaximumRetryAttempts=0, DestinationConfig=destinations
    )


def test_a_queue_gets_the_record(aws: Aws, function: str, queue: dict[str, str]) -> None:
    reported_to(aws, function, OnSuccess=queue["arn"], OnFailure=queue["arn"])
    request_id = send(aws, function, {})
    message = received(aws, queue)
    record = json.loads(message["Body"])
    assert list(record) == [
        "version",
        "timestamp",
        "requestContext",
        "requestPayload",
        "responseContext",
        "responsePayload",
    ]
    assert timeless(record) == success(function, request_id, {})
    assert TRACE.fullmatch(message["Attributes"]["AWSTraceHeader"])
    assert "MessageAttributes" not in message
    request_id = send(aws, function, FAILURE)
    assert timeless(json.loads(received(aws, queue)["Body"])) == failure(function, request_id)


def test_a_function_without_concurrency_is_reported_without_having_run(
    aws: Aws, function: str, queue: dict[str, str]
) -> None:
    aws("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    reported_to(aws, function, OnFailure=queue["arn"])
    request_id = send(aws, function, {})
    message = received(aws, queue)
    assert timeless(json.loads(message["Body"])) == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{ARN}:{function}:$LATEST",
            "condition": "ZeroReservedConcurrency",
            "approximateInvokeCount": 0,
        },
        "requestPayload": {},
    }
    assert TRACE.fullmatch(message["Attributes"]["AWSTraceHeader"])


def test_an_event_too_old_for_its_retry_is_reported_with_its_answer(
    aws: Aws, function: str, queue: dict[str, str]
) -> None:
    aws("lambda").put_function_event_invoke_config(
        FunctionName=function,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": queue["arn"]}},
    )
    request_id = send(aws, function, FAILURE)
    expected = failure(function, request_id)
    expected["requestContext"]["condition"] = "EventAgeExceeded"
    assert timeless(json.loads(received(aws, queue)["Body"])) == expected


def test_a_bus_gets_an_event(aws: Aws, function: str, queue: dict[str, str], unique: str) -> None:
    events = aws("events")
    bus = events.create_event_bus(Name=unique)["EventBusArn"]
    events.put_rule(Name=unique, EventBusName=unique, EventPattern=json.dumps({"source": ["lambda"]}))
    events.put_targets(Rule=unique, EventBusName=unique, Targets=[{"Id": "q", "Arn": queue["arn"]}])
    reported_to(aws, function, OnSuccess=bus, OnFailure=bus)
    for event, kind in (({}, "Success"), (FAILURE, "Failure")):
        request_id = send(aws, function, event)
        told = json.loads(received(aws, queue)["Body"])
        detail = success(function, request_id, event) if kind == "Success" else failure(function, request_id)
        assert timeless(told.pop("detail")) == detail
        assert told.pop("id")
        assert told.pop("time")
        assert told == {
            "version": "0",  # AWS's bus adds the account; the delegated one does not
            "region": "us-east-1",
            "detail-type": f"Lambda Function Invocation Result - {kind}",
            "source": "lambda",
            "resources": [bus, f"{ARN}:{function}:$LATEST"],
        }


def test_a_bucket_gets_an_object_of_each_failure(aws: Aws, function: str, unique: str) -> None:
    s3 = aws("s3")
    s3.create_bucket(Bucket=unique)
    reported_to(aws, function, OnFailure=f"arn:aws:s3:::{unique}")
    request_id = send(aws, function, FAILURE)
    s3.get_waiter("bucket_exists").wait(Bucket=unique)
    deadline = time.monotonic() + 20
    while not (found := s3.list_objects_v2(Bucket=unique).get("Contents", [])):
        assert time.monotonic() < deadline
    (key,) = [one["Key"] for one in found]
    record = json.loads(s3.get_object(Bucket=unique, Key=key)["Body"].read())
    day = record["timestamp"][:10].replace("-", "/")
    second = record["timestamp"][:19].replace(":", ".")
    assert re.fullmatch(rf"aws/lambda/async/{function}/{day}/{second}-[0-9a-f-]{{36}}", key)
    assert timeless(record) == failure(function, request_id)


def test_a_function_gets_the_record_as_its_event(aws: Aws, deployed: Deployed, queue: dict[str, str]) -> None:
    first, second = deployed(CODE, Handler="handler.handler"), deployed(CODE, Handler="handler.handler")
    reported_to(aws, first, OnSuccess=f"{ARN}:{second}")
    reported_to(aws, second, OnSuccess=queue["arn"])
    request_id = send(aws, first, {"a": 1})
    message = received(aws, queue)
    record = json.loads(message["Body"])
    assert timeless(record["requestPayload"]) == success(first, request_id, {"a": 1})
    assert record["requestContext"]["functionArn"] == f"{ARN}:{second}:$LATEST"
    assert message["Attributes"]["AWSTraceHeader"].count("|") == 1  # the lineage of both functions


def test_functions_that_are_each_others_destinations_are_stopped(
    aws: Aws, deployed: Deployed, queue: dict[str, str]
) -> None:
    silent: dict[str, str | bytes] = {"app.py": "def handler(event, context):\n    pass\n"}
    first, second = deployed(silent), deployed(silent)
    reported_to(aws, first, OnSuccess=f"{ARN}:{second}", OnFailure=queue["arn"])
    reported_to(aws, second, OnSuccess=f"{ARN}:{first}", OnFailure=queue["arn"])
    send(aws, first, {})
    record = json.loads(received(aws, queue)["Body"])
    assert record["requestContext"]["functionArn"] == f"{ARN}:{first}:$LATEST"
    assert record["requestContext"]["approximateInvokeCount"] == 0


def test_a_topic_gets_the_event_as_a_dead_letter_and_the_record(
    aws: Aws, deployed: Deployed, queue: dict[str, str], unique: str
) -> None:
    sns = aws("sns")
    topic = sns.create_topic(Name=unique)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue["arn"])
    function = deployed(CODE, Handler="handler.handler", DeadLetterConfig={"TargetArn": topic})
    aws("lambda").put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    request_id = send(aws, function, FAILURE)
    told = json.loads(received(aws, queue)["Body"])
    assert json.loads(told["Message"]) == FAILURE
    assert told["MessageAttributes"] == {
        "ErrorCode": {"Type": "Number", "Value": "200"},
        "ErrorMessage": {"Type": "String", "Value": "Test exception (this is intentional)"},
        "RequestID": {"Type": "String", "Value": request_id},
    }
    reported_to(aws, function, OnSuccess=topic)
    request_id = send(aws, function, {})
    told = json.loads(received(aws, queue)["Body"])
    assert timeless(json.loads(told["Message"])) == success(function, request_id, {})


def test_a_queue_gets_the_event_as_a_dead_letter(aws: Aws, deployed: Deployed, queue: dict[str, str]) -> None:
    function = deployed(CODE, Handler="handler.handler", DeadLetterConfig={"TargetArn": queue["arn"]})
    aws("lambda").put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    request_id = send(aws, function, FAILURE)
    message = received(aws, queue)
    assert json.loads(message["Body"]) == FAILURE
    assert message["MessageAttributes"] == {
        "ErrorCode": {"StringValue": "200", "DataType": "Number"},
        "ErrorMessage": {"StringValue": "Test exception (this is intentional)", "DataType": "String"},
        "RequestID": {"StringValue": request_id, "DataType": "String"},
    }


def test_what_cannot_be_delivered_is_counted(aws: Aws, deployed: Deployed, queue: dict[str, str]) -> None:
    nowhere = "arn:aws:sqs:us-east-1:000000000000:there-is-none"
    function = deployed(CODE, Handler="handler.handler", DeadLetterConfig={"TargetArn": nowhere})
    reported_to(aws, function, OnFailure=f"{nowhere}.fifo")
    began = time.time()
    send(aws, function, FAILURE)

    def total(name: str) -> float:
        found = aws("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=began - 120,
            EndTime=began + 120,
            Period=60,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in found["Datapoints"]))

    wanted = ("AsyncEventsReceived", "AsyncEventsDropped", "DestinationDeliveryFailures", "DeadLetterErrors")
    deadline = time.monotonic() + 20
    while (counted := {name: total(name) for name in wanted}) != dict.fromkeys(wanted, 1.0):
        assert time.monotonic() < deadline, counted
