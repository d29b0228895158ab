"""Messages as a function sees them, filters, and what its answer says of them (pure).

Sources: recorded events; https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html;
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html for partial answers."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from ramuda.kernel import event_pattern, trace
from ramuda.kernel.codec import decode_json, encode_json

Message = Mapping[str, Any]
Record = dict[str, Any]

_ATTRIBUTES = (
    "ApproximateReceiveCount",
    "AWSTraceHeader",
    "SentTimestamp",
    "SequenceNumber",
    "MessageGroupId",
    "SenderId",
    "MessageDeduplicationId",
    "ApproximateFirstReceiveTimestamp",
    "DeadLetterQueueSourceArn",
)


def record(message: Message, queue_arn: str, region: str) -> Record:
    """A message of ReceiveMessage as an entry of `Records`."""
    attributes = message.get("Attributes", {})
    made: Record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {name: attributes[name] for name in _ATTRIBUTES if name in attributes},
        "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
        "md5OfMessageAttributes": message.get("MD5OfMessageAttributes"),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
    return made


def _attribute(value: Mapping[str, Any]) -> Record:
    made: Record = {}
    if "StringValue" in value:
        made["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        made["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return {**made, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}


def is_wanted(patterns: Sequence[Mapping[str, Any]], made: Record) -> bool:
    """Whether one of the patterns fits, or there is none. A body that is JSON is looked into; a pattern that does so
    fits no other body."""
    if not patterns:
        return True
    body = _decoded(made["body"])
    seen = {**made, "body": body}
    able = [each for each in patterns if not isinstance(each.get("body"), dict) or isinstance(body, dict | list)]
    try:
        return any(event_pattern.matches(pattern, seen) for pattern in able)
    except RecursionError:  # the body nests deeper than a pattern may
        return False


def _decoded(body: str) -> Any:
    try:
        found = decode_json(body.encode())
    except (ValueError, RecursionError):
        return body
    return found if isinstance(found, dict | list) else body


def parts(records: Sequence[Record], most_bytes: int) -> list[list[Record]]:
    """The records in order, split so that no event is larger; one record is never split."""
    made: list[list[Record]] = []
    room = 0
    for each in records:
        size = len(encode_json(each)) + 1
        if not made or size > room:
            made.append([])
            room = most_bytes - len('{"Records":[]}')
        made[-1].append(each)
        room -= size
    return made


def trace_of(records: Sequence[Record]) -> str | None:
    """The trace header that a batch is invoked with: that of the longest chain of requests, lest a loop hide behind
    another message."""
    headers = [str(each["attributes"].get("AWSTraceHeader", "")) for each in records]
    found = [(header, parsed) for header in headers if (parsed := trace.parse(header)) is not None]
    return max(found, key=lambda each: each[1].requests)[0] if found else None


def failed(answer: bytes, records: Sequence[Record], *, is_fifo: bool) -> set[str]:
    """Ids of the messages that a function which reports batch item failures says it could not process. What is no
    such report, or names a message that was not there, means all of them; null or nothing, none."""
    every = {made["messageId"] for made in records}
    try:
        report = decode_json(answer or b"null")
        items = (report or {}).get("batchItemFailures") or []
        named = {item["itemIdentifier"] for item in items}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return every
    if not named <= every:
        return every
    if not is_fifo or not named:
        return named
    order = [made["messageId"] for made in records]
    return set(order[min(order.index(each) for each in named) :])
