"""Event source mappings through boto3: the operations, and queues that are read."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.conftest import Aws

COLLECT = """
import json, boto3
def handler(event, context):
    bodies = [r["body"] for r in event["Records"]]
    if "fail" in bodies and event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1":
        raise ValueError("once")
    queue = context.function_name + "-out"
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=json.dumps(event))
    return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in event["Records"] if r["body"] == "never"]}
"""
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Stage:
    """A function, the queue it reads and the queue it tells what it saw."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.name = name
        self.client, self.sqs = aws("lambda"), aws("sqs")
        self.queue = self.sqs.create_queue(QueueName=f"{name}-in", Attributes={"VisibilityTimeout": "4"})["QueueUrl"]
        self.out = self.sqs.create_queue(QueueName=f"{name}-out")["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:000000000000:{name}-in"
        self.function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"

    def map(self, **members: Any) -> dict[str, Any]:
        made = self.client.create_event_source_mapping(FunctionName=self.name, EventSourceArn=self.arn, **members)
        self.wait(made["UUID"], "Enabled")
        return plain(made)

    def wait(self, uuid: str, state: str) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while (found := self.client.get_event_source_mapping(UUID=uuid))["State"] != state:
            assert time.monotonic() < deadline, found
        return plain(found)

    def seen(self) -> dict[str, Any]:
        """The next event that the function was given."""
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            found = self.sqs.receive_message(QueueUrl=self.out, WaitTimeSeconds=5).get("Messages", [])
            if found:
                self.sqs.delete_message(QueueUrl=self.out, ReceiptHandle=found[0]["ReceiptHandle"])
                event: dict[str, Any] = json.loads(found[0]["Body"])
                return event
        raise AssertionError("the function saw nothing")


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    answer.pop("ResponseMetadata")
    assert isinstance(answer.pop("LastModified"), datetime)
    answer.pop("LastProcessingResult", None)
    return answer


@pytest.fixture
def stage(aws: Aws, deployed: Callable[..., str]) -> Iterator[Stage]:
    made = Stage(aws, deployed({"app.py": COLLECT}, Timeout=4, MemorySize=1024))
    yield made
    for mapping in made.client.list_event_source_mappings(FunctionName=made.name)["EventSourceMappings"]:
        made.wait(mapping["UUID"], "Enabled" if mapping["State"] != "Disabled" else "Disabled")
        made.client.delete_event_source_mapping(UUID=mapping["UUID"])


@pytest.mark.slow
def test_the_life_of_a_mapping(stage: Stage) -> None:
    client = stage.client
    created = client.create_event_source_mapping(
        FunctionName=stage.name, EventSourceArn=stage.arn, Tags={"a": "b"}, Enabled=False
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    uuid = created["UUID"]
    expected = {
        "UUID": uuid,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "EventSourceArn": stage.arn,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}",
        "FunctionArn": stage.function_arn,
        "FunctionResponseTypes": [],
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    }
    assert plain(created) == expected
    assert stage.wait(uuid, "Disabled") == {**expected, "State": "Disabled"}
    assert client.list_tags(Resource=expected["EventSourceMappingArn"])["Tags"] == {"a": "b"}
    listed = client.list_event_source_mappings(FunctionName=stage.name)["EventSourceMappings"]
    assert [each["UUID"] for each in listed] == [uuid]
    assert [e["UUID"] for e in client.list_event_source_mappings(EventSourceArn=stage.arn)["EventSourceMappings"]] == [
        uuid
    ]

    updated = client.update_event_source_mapping(UUID=uuid, BatchSize=5, Enabled=True)
    assert updated["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert plain(updated) == {**expected, "BatchSize": 5, "State": "Enabling"}
    assert stage.wait(uuid, "Enabled")["BatchSize"] == 5

    with pytest.raises(client.exceptions.ResourceConflictException) as raised:
        client.create_event_source_mapping(FunctionName=stage.name, EventSourceArn=stage.arn)
    assert raised.value.response["Error"]["Message"] == (
        f'An event source mapping with SQS arn (" {stage.arn} ") and function (" {stage.function_arn} ") already '
        f"exists. Please update or delete the existing mapping with UUID {uuid}"
    )

    deleted = client.delete_event_source_mapping(UUID=uuid)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert plain(deleted) == {**expected, "BatchSize": 5, "State": "Deleting"}
    deadline = time.monotonic() + 20
    while client.list_event_source_mappings(FunctionName=stage.name)["EventSourceMappings"]:
        assert time.monotonic() < deadline
    for operation in (client.get_event_source_mapping, client.delete_event_source_mapping):
        with pytest.raises(client.exceptions.ResourceNotFoundException) as gone:
            operation(UUID=uuid)
        assert gone.value.response["Error"]["Message"] == "The resource you requested does not exist."


@pytest.mark.slow
def test_a_message_reaches_the_function_and_leaves_the_queue(stage: Stage) -> None:
    stage.map()
    sent = stage.sqs.send_message(
        QueueUrl=stage.queue,
        MessageBody='{"foo": "bar"}',
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "test"}},
    )
    (record,) = stage.seen()["Records"]
    assert record.pop("receiptHandle")
    attributes = record.pop("attributes")
    assert set(attributes) >= {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert attributes["ApproximateReceiveCount"] == "1"
    assert record == {
        "messageId": sent["MessageId"],
        "body": '{"foo": "bar"}',
        "messageAttributes": {
            "kind": {"stringValue": "test", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
        },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": stage.arn,
        "awsRegion": "us-east-1",
    }
    deadline = time.monotonic() + 20
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    while True:
        left = stage.sqs.get_queue_attributes(QueueUrl=stage.queue, AttributeNames=names)["Attributes"]
        if set(left.values()) == {"0"}:
            break
        assert time.monotonic() < deadline, left


@pytest.mark.slow
def test_what_the_function_failed_on_comes_again_after_the_visibility_time_out(stage: Stage) -> None:
    stage.map()
    stage.sqs.send_message(QueueUrl=stage.queue, MessageBody="fail")
    (record,) = stage.seen()["Records"]
    assert (record["body"], record["attributes"]["ApproximateReceiveCount"]) == ("fail", "2")


@pytest.mark.slow
def test_filtered_messages_are_deleted_and_reported_failures_stay(stage: Stage) -> None:
    stage.map(
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": ["a", "never"]})}]},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BatchSize=1,
    )
    for body in ("x", "never", "a"):
        stage.sqs.send_message(QueueUrl=stage.queue, MessageBody=body)
    seen = {stage.seen()["Records"][0]["body"] for _ in range(2)}
    assert seen == {"never", "a"}
    (again,) = stage.seen()["Records"]
    assert (again["body"], again["attributes"]["ApproximateReceiveCount"]) == ("never", "2")


@pytest.mark.slow
def test_what_cannot_be_mapped_is_refused_in_the_words_of_lambda(stage: Stage) -> None:
    client = stage.client

    def refused(**members: Any) -> str:
        with pytest.raises(client.exceptions.InvalidParameterValueException) as raised:
            client.create_event_source_mapping(**{"FunctionName": stage.name, "EventSourceArn": stage.arn, **members})
        message: str = raised.value.response["Error"]["Message"]
        return message

    assert refused(EventSourceArn=f"{stage.arn}-not-there") == (
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
        "SQS Error Message: The specified queue does not exist."
    )
    client.update_function_configuration(FunctionName=stage.name, Timeout=60)
    assert refused() == "Queue visibility timeout: 4 seconds is less than Function timeout: 60 seconds"
