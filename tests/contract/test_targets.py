"""What every end of an arrow keeps to, and what each one asks of its service."""

import json
from typing import Any

import pytest

from ramuda.invoke import destinations
from ramuda.kernel.arn import Arn
from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.function import FunctionRef
from ramuda.kernel.ports.target import Attribute, Delivery, Kind, Undeliverable

ACCOUNT, REGION = "111111111111", "us-east-1"
FUNCTION = FunctionRef(account=ACCOUNT, region=REGION, name="f", qualifier="live")
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
RECORD = {"version": "1.0", "requestContext": {}, "requestPayload": {"a": 1}, "responsePayload": None}
ID = "5e0d1e9a-3f5c-4a6e-9d6b-7d2f0c0a1b2c"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"

ARNS = {
    "sqs": f"arn:aws:sqs:{REGION}:222222222222:q",
    "sns": f"arn:aws:sns:{REGION}:222222222222:t",
    "events": f"arn:aws:events:{REGION}:222222222222:event-bus/b",
    "s3": "arn:aws:s3:::bucket",
    "lambda": f"arn:aws:lambda:{REGION}:222222222222:function:g:1",
}


class Services:
    """Implements ports.Api and Enqueue: remembers what it was asked, and raises `trouble` instead of answering."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any], str, str]] = []
        self.trouble: Exception | None = None
        self.answers: dict[str, Result] = {
            "GetQueueUrl": {"QueueUrl": "http://q"},
            "PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]},
        }

    async def call(self, service: str, operation: str, params: dict[str, Any], *, account: str, region: str) -> Result:
        self.asked.append((service, operation, params, account, region))
        if self.trouble is not None:
            raise self.trouble
        return self.answers.get(operation, {})

    async def __call__(self, arn: Arn, *, payload: bytes, request_id: str, trace: str | None) -> None:
        told = {"payload": payload, "request_id": request_id, "trace": trace}
        self.asked.append(("lambda", str(arn), told, arn.account, arn.region))
        if self.trouble is not None:
            raise self.trouble


def delivery(kind: Kind = "Failure", *, body: str = "", attributes: tuple[Attribute, ...] = ()) -> Delivery:
    return Delivery(
        id=ID,
        kind=kind,
        function=FUNCTION,
        body=body or json.dumps(RECORD),
        at_s=1_700_000_000.5,
        attributes=attributes,
        trace=TRACE,
    )


async def deliver(services: Services, service: str, what: Delivery, arn: str | None = None) -> list[Any]:
    """What the service was asked in the end."""
    target = destinations.targets(services, services)[service]
    await target.deliver(Arn.parse(arn or ARNS[service]), what)
    return list(services.asked[-1])


def test_every_target_is_tried_here() -> None:
    assert set(destinations.targets(Services(), Services())) == set(ARNS)


@pytest.mark.parametrize("service", ARNS)
async def test_a_failure_is_taken(service: str) -> None:
    services = Services()
    asked = await deliver(services, service, delivery())
    assert json.dumps(asked, default=str)
    assert asked[0] == service
    assert asked[3] == ("111111111111" if service == "s3" else "222222222222")
    assert asked[4] == REGION


@pytest.mark.parametrize("service", ARNS)
async def test_the_same_delivery_again_is_the_same_request(service: str) -> None:
    services = Services()
    first = await deliver(services, service, delivery())
    assert await deliver(services, service, delivery()) == first


@pytest.mark.parametrize("service", ARNS)
@pytest.mark.parametrize("trouble", [PortError("out of reach"), ApiError("InternalError", "later", status=500)])
async def test_trouble_of_the_service_is_told(service: str, trouble: Exception) -> None:
    services = Services()
    services.trouble = trouble
    with pytest.raises(type(trouble)):
        await deliver(services, service, delivery())


@pytest.mark.parametrize(
    ("service", "kind", "arn"),
    [
        ("sqs", "Success", f"arn:aws:sqs:{REGION}:222222222222:q.fifo"),
        ("sqs", "DeadLetter", f"arn:aws:sqs:{REGION}:222222222222:q.fifo"),
        ("sns", "Failure", f"arn:aws:sns:{REGION}:222222222222:t.fifo"),
        ("s3", "Success", ARNS["s3"]),
        ("lambda", "DeadLetter", ARNS["lambda"]),
    ],
)
async def test_what_is_not_supported_is_never_tried(service: str, kind: Kind, arn: str) -> None:
    services = Services()
    with pytest.raises(Undeliverable):
        await deliver(services, service, delivery(kind), arn)
    assert services.asked == []


async def test_a_message_for_a_queue() -> None:
    attributes = (Attribute(name="ErrorCode", type="Number", value="200"),)
    services = Services()
    asked = await deliver(services, "sqs", delivery("DeadLetter", body="[1]", attributes=attributes))
    assert [one[1] for one in services.asked] == ["GetQueueUrl", "SendMessage"]
    assert asked[2] == {
        "QueueUrl": "http://q",
        "MessageBody": "[1]",
        "MessageAttributes": {"ErrorCode": {"DataType": "Number", "StringValue": "200"}},
        "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}},
    }
    target = destinations.targets(services, services)["sqs"]
    for _ in range(3):
        await target.deliver(Arn.parse(ARNS["sqs"]), delivery())
    assert [one[1] for one in services.asked[2:]] == ["GetQueueUrl", *["SendMessage"] * 3]


async def test_a_queue_that_was_made_anew_is_looked_up_again() -> None:
    services = Services()
    target = destinations.targets(services, services)["sqs"]
    await target.deliver(Arn.parse(ARNS["sqs"]), delivery())
    services.trouble = ApiError("AWS.SimpleQueueService.NonExistentQueue", "gone", status=400)
    with pytest.raises(ApiError):
        await target.deliver(Arn.parse(ARNS["sqs"]), delivery())
    services.trouble = None
    services.asked.clear()
    await target.deliver(Arn.parse(ARNS["sqs"]), delivery())
    assert [one[1] for one in services.asked] == ["GetQueueUrl", "SendMessage"]


async def test_a_message_for_a_topic() -> None:
    asked = await deliver(Services(), "sns", delivery())
    assert asked[1:3] == ["Publish", {"TopicArn": ARNS["sns"], "Message": json.dumps(RECORD)}]


@pytest.mark.parametrize(("payload_bytes", "is_whole"), [(200_000, True), (262_144, False)])
async def test_a_record_too_large_for_a_topic_goes_without_its_payloads(payload_bytes: int, is_whole: bool) -> None:
    record = {**RECORD, "requestPayload": "x" * payload_bytes}
    asked = await deliver(Services(), "sns", delivery(body=json.dumps(record)))
    expected = record if is_whole else {"version": "1.0", "requestContext": {}}
    assert json.loads(asked[2]["Message"]) == expected


@pytest.mark.parametrize(("kind", "told"), [("Success", "Success"), ("Failure", "Failure")])
async def test_an_event_for_a_bus(kind: Kind, told: str) -> None:
    asked = await deliver(Services(), "events", delivery(kind))
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {told}",
        "Resources": [ARNS["events"], f"{FUNCTION_ARN}:live"],
        "Detail": json.dumps(RECORD),
        "EventBusName": ARNS["events"],
        "TraceHeader": TRACE,
    }
    assert asked[1:3] == ["PutEvents", {"Entries": [entry]}]


@pytest.mark.parametrize(
    ("code", "error"), [("ThrottlingException", PortError), ("NotAuthorizedForSourceException", Undeliverable)]
)
async def test_an_event_that_the_bus_did_not_take_is_a_failure(code: str, error: type[Exception]) -> None:
    services = Services()
    services.answers["PutEvents"] = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}
    with pytest.raises(error, match=code):
        await deliver(services, "events", delivery())


async def test_an_object_for_a_bucket() -> None:
    asked = await deliver(Services(), "s3", delivery())
    assert asked[1:3] == [
        "PutObject",
        {
            "Bucket": "bucket",
            "Key": f"aws/lambda/async/f/2023/11/14/2023-11-14T22.13.20-{ID}",
            "Body": json.dumps(RECORD).encode(),
            "ContentType": "application/json",
        },
    ]


async def test_an_event_for_a_function() -> None:
    asked = await deliver(Services(), "lambda", delivery("Success"))
    assert asked[1:3] == [
        ARNS["lambda"],
        {"payload": json.dumps(RECORD).encode(), "request_id": ID, "trace": TRACE},
    ]
