"""A function that fills the queue it reads is stopped where the chain of requests is told along."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Aws

LOOP = """
import json, os, boto3
sqs = boto3.client("sqs")
def handler(event, context):
    for record in event["Records"]:
        depth = json.loads(record["body"])["depth"]
        print("DEPTH", depth)
        name = record["eventSourceARN"].rpartition(":")[2]
        header = {"DataType": "String", "StringValue": os.environ["_X_AMZN_TRACE_ID"]}
        sqs.send_message(
            QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"],
            MessageBody=json.dumps({"depth": depth + 1}),
            MessageSystemAttributes={"AWSTraceHeader": header},
        )
"""


@pytest.mark.timeout(200)
@pytest.mark.slow
def test_a_loop_through_a_queue_ends_after_sixteen(aws: Aws, deployed: Callable[..., str]) -> None:
    name = deployed({"app.py": LOOP}, Timeout=20, MemorySize=1024)
    client, sqs = aws("lambda"), aws("sqs")
    queue = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    source = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn=source)["UUID"]
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"depth": 1}))
    now = datetime.now(UTC)
    deadline, dropped = time.monotonic() + 150, 0.0
    while not dropped:
        assert time.monotonic() < deadline
        points = aws("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="RecursiveInvocationsDropped",
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=10),
            Period=1200,
            Statistics=["Sum"],
        )["Datapoints"]
        dropped = sum(point["Sum"] for point in points)
    while (shown := client.get_event_source_mapping(UUID=mapping))["LastProcessingResult"] == "OK":
        assert time.monotonic() < deadline
    assert shown["LastProcessingResult"] == "PROBLEM: Function call failed"
    events = aws("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="DEPTH")["events"]
    assert sorted(int(event["message"].split()[1]) for event in events) == list(range(1, 17))
    hidden = ["ApproximateNumberOfMessagesNotVisible"]
    assert sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=hidden)["Attributes"] == {hidden[0]: "1"}
    client.delete_event_source_mapping(UUID=mapping)
