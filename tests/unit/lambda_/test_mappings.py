"""Event source mappings: what is kept and shown, and what is refused."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.errors import ApiError, PortError
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, arn
from tests.unit.lambda_.mapped import (
    DOCUMENTDB,
    DYNAMODB,
    KINESIS,
    MQ,
    MSK,
    OTHERS,
    QUEUE,
    SECRETS,
    SELF_MANAGED,
    SQS,
    STREAM,
    kept,
    mapped,
    mapping,
    queue_of,
    settled,
    started,
)


@pytest.fixture
async def lambda_(tmp_path: Path) -> AsyncIterator[Lambda]:
    """With a function `f` and a queue that is empty."""
    made = await started(tmp_path)
    await made.create()
    yield made
    await made.stop()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"EventSourceArn": QUEUE}, SQS),  # recorded: event_source_mapping_default_batch_size
        ({"EventSourceArn": KINESIS, "StartingPosition": "LATEST"}, STREAM),  # recorded
        ({"EventSourceArn": DYNAMODB, "StartingPosition": "TRIM_HORIZON"}, STREAM),  # recorded
        (
            {  # recorded: kinesis_report_batch_item_failures
                "EventSourceArn": KINESIS,
                "StartingPosition": "TRIM_HORIZON",
                "BatchSize": 3,
                "MaximumBatchingWindowInSeconds": 1,
                "MaximumRetryAttempts": 3,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
                "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"event_type": ["function_1"]}}'}]},
            },
            STREAM,
        ),
        (
            {"EventSourceArn": MSK, "StartingPosition": "TRIM_HORIZON", "Topics": ["t"]},
            {**OTHERS, "DestinationConfig": {"OnFailure": {}}},
        ),
        (SELF_MANAGED, {**OTHERS, "DestinationConfig": {"OnFailure": {}}}),
        ({"EventSourceArn": MQ, "Queues": ["q"], "SourceAccessConfigurations": SECRETS}, OTHERS),
        ({"EventSourceArn": DOCUMENTDB, "StartingPosition": "LATEST"}, OTHERS),
    ],
)
async def test_a_new_mapping_has_the_defaults_of_its_source(
    lambda_: Lambda, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    created = await lambda_("CreateEventSourceMapping", FunctionName="f", **given)
    uuid = created["UUID"]
    expected = {
        **shown,
        **given,
        "UUID": uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{uuid}",
        "FunctionArn": arn("f"),
        "LastModified": datetime.fromtimestamp(lambda_.clock.time(), UTC),
        "State": "Creating",
    }
    assert created == expected
    result = {name: value for name, value in (await settled(lambda_, uuid)).items() if name != "LastProcessingResult"}
    assert result == {k: v for k, v in expected.items() if k != "LastProcessingResult"} | {"State": "Enabled"}


async def test_a_position_in_time_is_kept(lambda_: Lambda) -> None:
    at = datetime(2026, 11, 21, 5, 24, tzinfo=UTC)
    given = {"EventSourceArn": KINESIS, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": at}
    created = await lambda_("CreateEventSourceMapping", FunctionName="f", **given)
    assert created.items() >= given.items()


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ("f", arn("f")),
        (f"{ACCOUNT}:function:f:$LATEST", arn("f", "$LATEST")),
        (f"{ACCOUNT}:function:f:1", arn("f", "1")),
        (f"{ACCOUNT}:function:f:myalias", arn("f", "myalias")),
        (arn("f"), arn("f")),
        (arn("f", "1"), arn("f", "1")),
        (arn("f", "myalias"), arn("f", "myalias")),
    ],
)
async def test_a_function_is_shown_as_it_was_named(lambda_: Lambda, named: str, shown: str) -> None:
    """Recorded: function_name_variations."""
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_("CreateAlias", FunctionName="f", Name="myalias", FunctionVersion="1")
    assert (await mapped(lambda_, FunctionName=named))["FunctionArn"] == shown


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"EventSourceArn": None}, "Unrecognized event source."),
        ({"EventSourceArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t"}, "Unrecognized event source."),
        ({"FunctionName": "not-there"}, "Function does not exist"),
        ({"FunctionName": "f:7"}, "Function does not exist"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        (
            {"StartingPosition": "LATEST"},
            "Unsupported StartingPosition parameter for given event source mapping type.",
        ),
        (
            {"EventSourceArn": MQ, "Queues": ["q"], "SourceAccessConfigurations": SECRETS, "ParallelizationFactor": 2},
            "Unsupported ParallelizationFactor parameter for given event source mapping type.",
        ),
        (
            {"BatchSize": 15},
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ),
        ({"EventSourceArn": f"{QUEUE}.fifo", "BatchSize": 11}, "Maximum batch size is 10 for this event source."),
        (
            {"EventSourceArn": f"{QUEUE}.fifo", "MaximumBatchingWindowInSeconds": 1},
            "Batching window is not supported for FIFO queues.",
        ),
        (
            {"EventSourceArn": DYNAMODB},
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null.",
        ),
        (
            {"EventSourceArn": DYNAMODB, "StartingPosition": "AT_TIMESTAMP"},
            f"Unsupported starting position for arn type: {DYNAMODB}",
        ),
        (
            {"EventSourceArn": KINESIS, "StartingPosition": "AT_TIMESTAMP"},
            "A timestamp must be provided for starting position AT_TIMESTAMP.",
        ),
        (
            {**SELF_MANAGED, "EventSourceArn": None, "SourceAccessConfigurations": None},
            "Required 'sourceAccessConfigurations' parameter is missing.",
        ),
        (
            {"ScalingConfig": {"MaximumConcurrency": 2}, "ProvisionedPollerConfig": {"MinimumPollers": 2}},
            "A mapping has either MaximumConcurrency or provisioned pollers.",
        ),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": '{"body": ["a"]}'}] * 11}},
            "An event source mapping has 10 filters at most.",
        ),
    ],
)
async def test_what_cannot_be_mapped_is_refused(lambda_: Lambda, params: dict[str, Any], message: str) -> None:
    given = {"FunctionName": "f", "EventSourceArn": QUEUE, **params}
    asked = {name: value for name, value in given.items() if value is not None}
    refused = await lambda_.refusal("CreateEventSourceMapping", **asked)
    assert (refused.code, refused.message, refused.members) == (
        "InvalidParameterValueException",
        message,
        {"Type": "User"},
    )
    assert await lambda_("ListEventSourceMappings") == {"EventSourceMappings": []}


@pytest.mark.parametrize("source", [QUEUE, DYNAMODB])
@pytest.mark.parametrize(
    "pattern",
    [
        "null",
        "simple string",
        '{"eventSource": "aws:sqs"}',
        '{"eventSource": []}',
        '[{"eventName": ["INSERT"=123}]',
        "",
        "[" * 4096,
        '{"a":' * 800,
    ],
)
async def test_a_filter_that_is_none_is_refused(lambda_: Lambda, source: str, pattern: str) -> None:
    """Recorded: sqs_invalid_event_filter, dynamodb_invalid_event_filter."""
    given: dict[str, Any] = {"EventSourceArn": source, "FilterCriteria": {"Filters": [{"Pattern": pattern}]}}
    if source == DYNAMODB:
        given["StartingPosition"] = "LATEST"
    refused = await lambda_.refusal("CreateEventSourceMapping", FunctionName="f", **given)
    assert (refused.code, refused.message) == ("InvalidParameterValueException", "Invalid filter pattern definition.")


async def test_a_queue_that_is_not_there_or_cannot_be_asked_is_refused(lambda_: Lambda) -> None:
    queue = queue_of(lambda_)
    prefix = "Error occurred while ReceiveMessage. SQS Error Code: "
    gone = "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."
    for failure, message in (
        (ApiError("AWS.SimpleQueueService.NonExistentQueue", "other words"), f"{prefix}{gone}"),  # recorded
        (ApiError("QueueDoesNotExist", None), f"{prefix}{gone}"),
        (ApiError("AccessDenied", "No."), f"{prefix}AccessDenied. SQS Error Message: No."),
        (PortError("no server"), f"The queue {QUEUE} could not be reached: no server"),
    ):
        queue.failures = [failure]
        refused = await lambda_.refusal("CreateEventSourceMapping", FunctionName="f", EventSourceArn=QUEUE)
        assert (refused.code, refused.message) == ("InvalidParameterValueException", message)


async def test_a_queue_hides_its_messages_for_as_long_as_the_function_may_run(lambda_: Lambda) -> None:
    queue_of(lambda_).visibility_s = 2
    refused = await lambda_.refusal("CreateEventSourceMapping", FunctionName="f", EventSourceArn=QUEUE)
    assert refused.message == "Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds"
    queue_of(lambda_).visibility_s = 3
    await mapped(lambda_)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (
            {"EventSourceArn": QUEUE},
            f'An event source mapping with SQS arn (" {QUEUE} ") and function (" {arn("f")} ") already exists.',
        ),
        (
            {"EventSourceArn": KINESIS, "StartingPosition": "LATEST"},
            f'The event source arn (" {KINESIS} ") and function (" {arn("f")} ") provided mapping already exists.',
        ),
        (
            SELF_MANAGED,
            f'An event source mapping with event source ("kafka:1000"), function ("{arn("f")}"), '
            'topics ("topic") already exists.',
        ),
    ],
)
async def test_a_source_is_mapped_to_a_function_once(lambda_: Lambda, given: dict[str, Any], named: str) -> None:
    first = await lambda_("CreateEventSourceMapping", FunctionName="f", **given)
    refused = await lambda_.refusal("CreateEventSourceMapping", FunctionName="f", **given)
    assert (refused.code, refused.message, refused.members) == (
        "ResourceConflictException",
        f"{named} Please update or delete the existing mapping with UUID {first['UUID']}",
        {"Type": "User"},
    )
    await lambda_.create("g")
    assert (await lambda_("CreateEventSourceMapping", FunctionName="g", **given))["FunctionArn"] == arn("g")


@pytest.mark.parametrize("operation", ["GetEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping"])
async def test_a_mapping_that_is_not_there_is_not_found(lambda_: Lambda, operation: str) -> None:
    """Recorded: event_source_mapping_exceptions."""
    created = await mapped(lambda_)
    for asked in ({"UUID": "not-there"}, {"UUID": created["UUID"], "region": "eu-west-1"}):
        refused = await lambda_.refusal(operation, **asked)
        assert (refused.code, refused.message, refused.members) == (
            "ResourceNotFoundException",
            "The resource you requested does not exist.",
            {"Type": "User"},
        )


@pytest.mark.parametrize(
    ("is_enabled", "changes", "states"),
    [
        (True, {"BatchSize": 5}, ("Updating", "Enabled")),
        (True, {"Enabled": False}, ("Disabling", "Disabled")),
        (False, {"Enabled": True}, ("Enabling", "Enabled")),
        (False, {"BatchSize": 5}, ("Updating", "Disabled")),
        (False, {"FunctionName": "g"}, ("Updating", "Disabled")),
    ],
)
async def test_an_update_is_carried_out(
    lambda_: Lambda, is_enabled: bool, changes: dict[str, Any], states: tuple[str, str]
) -> None:
    await lambda_.create("g")
    created = await mapped(lambda_, Enabled=is_enabled)
    before = await settled(lambda_, created["UUID"])
    await lambda_.clock.advance(1)
    shown = {name: value for name, value in changes.items() if name == "BatchSize"}
    expected = {
        **before,
        **shown,
        "FunctionArn": arn(changes.get("FunctionName", "f")),
        "LastModified": datetime.fromtimestamp(lambda_.clock.time(), UTC),
    }
    updated = await lambda_("UpdateEventSourceMapping", UUID=created["UUID"], **changes)
    assert updated == {**expected, "State": states[0]}
    assert await settled(lambda_, created["UUID"]) == {**expected, "State": states[1]}


async def test_filters_are_taken_away_by_an_empty_list(lambda_: Lambda) -> None:
    criteria = {"Filters": [{"Pattern": '{"body": ["a"]}'}]}
    created = await mapped(lambda_, FilterCriteria=criteria)
    assert created["FilterCriteria"] == criteria
    updated = await lambda_("UpdateEventSourceMapping", UUID=created["UUID"], FilterCriteria={"Filters": []})
    assert "FilterCriteria" not in updated


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"BatchSize": 15},  # recorded: event_source_mapping_default_batch_size
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ),
        ({"FunctionName": "not-there"}, "Function does not exist"),
        (
            {"TumblingWindowInSeconds": 1},
            "Unsupported TumblingWindowInSeconds parameter for given event source mapping type.",
        ),
        ({"FilterCriteria": {"Filters": [{"Pattern": "x"}]}}, "Invalid filter pattern definition."),
    ],
)
async def test_an_update_that_cannot_be_changes_nothing(lambda_: Lambda, changes: dict[str, Any], message: str) -> None:
    created = await mapped(lambda_)
    before = await settled(lambda_, created["UUID"])
    refused = await lambda_.refusal("UpdateEventSourceMapping", UUID=created["UUID"], **changes)
    assert (refused.code, refused.message) == ("InvalidParameterValueException", message)
    assert await lambda_("GetEventSourceMapping", UUID=created["UUID"]) == before


async def test_mappings_are_listed_by_function_by_source_and_in_pages(lambda_: Lambda) -> None:
    await lambda_.create("g")
    made = [
        mapping("Disabled", 1),
        mapping("Disabled", 2, function_name="g"),
        mapping("Disabled", 3, qualifier="1"),
        mapping("Disabled", 4, settings={"EventSourceArn": KINESIS, **STREAM}),
    ]
    await kept(
        lambda_, *made, mapping("Disabled", 5, account="222222222222"), mapping("Disabled", 6, region="eu-west-1")
    )

    async def listed(**params: Any) -> list[str]:
        shown = (await lambda_("ListEventSourceMappings", **params))["EventSourceMappings"]
        return [each["UUID"][-1] for each in shown]

    assert await listed() == ["1", "2", "3", "4"]
    assert await listed(FunctionName="f") == ["1", "4"]
    assert await listed(FunctionName=arn("f", "1")) == ["3"]
    assert await listed(EventSourceArn=KINESIS) == ["4"]
    assert await listed(FunctionName="g", EventSourceArn=KINESIS) == []
    first = await lambda_("ListEventSourceMappings", MaxItems=3)
    assert [each["UUID"][-1] for each in first["EventSourceMappings"]] == ["1", "2", "3"]
    rest = await lambda_("ListEventSourceMappings", MaxItems=3, Marker=first["NextMarker"])
    assert ([each["UUID"][-1] for each in rest["EventSourceMappings"]], "NextMarker" in rest) == (["4"], False)
    assert (await lambda_.refusal("ListEventSourceMappings", Marker="x")).code == "InvalidParameterValueException"
