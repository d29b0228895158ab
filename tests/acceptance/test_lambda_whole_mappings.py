"""Event source mappings through boto3, whole answers. A stream is the source: nobody has to answer for it."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import botocore.exceptions
import pytest

from tests.acceptance.test_lambda_versions import Account, answered
from tests.conftest import Aws


@pytest.fixture
def account(aws: Aws, zipped: Any) -> Iterator[Account]:
    """Of its own, with a function `f`."""
    made = Account(aws, zipped)
    made.create("f")
    yield made
    made.client.delete_function(FunctionName="f")


def dated(answer: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    status, members = answered(answer)
    assert isinstance(members.pop("LastModified"), datetime)
    return status, members


def until(account: Account, uuid: str, state: str) -> tuple[int, dict[str, Any]]:
    deadline = time.monotonic() + 20
    while (found := account.client.get_event_source_mapping(UUID=uuid))["State"] != state:
        assert time.monotonic() < deadline, found
    return dated(found)


def test_a_mapping_is_made_read_listed_changed_and_deleted(account: Account) -> None:
    """Recorded: event_source_mapping_lifecycle_delete_function, create_kinesis_event_source_mapping."""
    client = account.client
    source = f"arn:aws:kinesis:us-east-1:{account.id}:stream/s"
    created = client.create_event_source_mapping(
        FunctionName="f", EventSourceArn=source, StartingPosition="LATEST", Enabled=False, Tags={"a": "b"}
    )
    uuid = created["UUID"]
    shown = {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": source,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:{account.id}:event-source-mapping:{uuid}",
        "FunctionArn": account.arn("f"),
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "LATEST",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
        "UUID": uuid,
    }
    assert dated(created) == (202, {**shown, "State": "Creating"})
    assert until(account, uuid, "Disabled") == (200, {**shown, "State": "Disabled"})
    got = answered(client.get_event_source_mapping(UUID=uuid))[1]
    for wanted in ({}, {"FunctionName": "f"}, {"EventSourceArn": source}):
        assert answered(client.list_event_source_mappings(**wanted)) == (200, {"EventSourceMappings": [got]})
    assert answered(client.list_event_source_mappings(FunctionName="other")) == (200, {"EventSourceMappings": []})
    assert answered(client.list_tags(Resource=shown["EventSourceMappingArn"])) == (200, {"Tags": {"a": "b"}})

    filters = {"FilterCriteria": {"Filters": [{"Pattern": '{"data": {"event_type": ["function_1"]}}'}]}}
    changes = {"BatchSize": 3, "MaximumRetryAttempts": 2, "BisectBatchOnFunctionError": True, **filters}
    assert dated(client.update_event_source_mapping(UUID=uuid, **changes)) == (
        202,
        {**shown, **changes, "State": "Updating"},
    )
    assert until(account, uuid, "Disabled") == (200, {**shown, **changes, "State": "Disabled"})
    assert dated(client.delete_event_source_mapping(UUID=uuid)) == (202, {**shown, **changes, "State": "Deleting"})
    deadline = time.monotonic() + 20
    while answered(client.list_event_source_mappings()) != (200, {"EventSourceMappings": []}):
        assert time.monotonic() < deadline


def refused(call: Any, **params: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**params)
    return answered(dict(caught.value.response))


def test_what_is_refused_is_refused_as_recorded(account: Account) -> None:
    """Recorded: event_source_mapping_exceptions, create_event_source_validation."""
    client = account.client
    nowhere = "The resource you requested does not exist."
    uuid = "14e0db71-5d35-4eb5-b481-8945cf9d10c2"
    for call in (
        client.get_event_source_mapping,
        client.delete_event_source_mapping,
        client.update_event_source_mapping,
    ):
        assert refused(call, UUID=uuid) == (
            404,
            {
                "Error": {"Code": "ResourceNotFoundException", "Message": nowhere},
                "Message": nowhere,
                "Type": "User",
            },
        )
    table = f"arn:aws:dynamodb:us-east-1:{account.id}:table/t/stream/2025-11-25T02:47:20.000"
    for params, sentence in (
        ({}, "Unrecognized event source."),
        (
            {"EventSourceArn": table},
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null.",
        ),
        (
            {"EventSourceArn": table, "StartingPosition": "AT_TIMESTAMP"},
            f"Unsupported starting position for arn type: {table}",
        ),
        (
            {"EventSourceArn": table, "StartingPosition": "LATEST", "FunctionName": "doesnotexist"},
            "Function does not exist",
        ),
    ):
        assert refused(client.create_event_source_mapping, **{"FunctionName": "f", **params}) == (
            400,
            {
                "Error": {"Code": "InvalidParameterValueException", "Message": sentence},
                "Type": "User",
                "message": sentence,
            },
        )
    sentence = (
        "1 validation error detected: Value 'invalid' at 'startingPosition' failed to satisfy constraint: "
        "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"
    )
    assert refused(
        client.create_event_source_mapping, FunctionName="f", EventSourceArn=table, StartingPosition="invalid"
    ) == (400, {"Error": {"Code": "ValidationException", "Message": sentence}})
