"""Settings of asynchronous invocation: put, update, get, list, delete; whole answers, as recorded from AWS."""

import datetime
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

Aws = Callable[..., Any]
Deployed = Callable[..., str]

ARN = "arn:aws:lambda:us-east-1:000000000000:function"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
BUCKET = "arn:aws:s3:::b"
CODE: dict[str, str | bytes] = {"app.py": "def handler(event, context):\n    return event\n"}
NOWHERE = {"OnSuccess": {}, "OnFailure": {}}


@pytest.fixture
def function(deployed: Deployed) -> str:
    return deployed(CODE)


def whole(answer: dict[str, Any], status: int = 200) -> dict[str, Any]:
    """The answer without what differs from run to run."""
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == status
    for config in [answer, *answer.get("FunctionEventInvokeConfigs", [])]:
        if "LastModified" in config:
            modified = config.pop("LastModified")
            assert abs(modified - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=2)
    return answer


def refused(call: Callable[..., Any], **params: Any) -> dict[str, Any]:
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        call(**params)
    answer: dict[str, Any] = refusal.value.response
    return {
        "status": answer["ResponseMetadata"]["HTTPStatusCode"],
        **answer["Error"],
        "Type": answer.get("Type"),
    }


def not_found(message: str) -> dict[str, Any]:
    return {"status": 404, "Code": "ResourceNotFoundException", "Message": message, "Type": "User"}


def invalid(message: str) -> dict[str, Any]:
    return {"status": 400, "Code": "InvalidParameterValueException", "Message": message, "Type": "User"}


def test_the_life_of_a_config_is_as_recorded(aws: Aws, function: str) -> None:
    client = aws("lambda")
    latest = {"DestinationConfig": NOWHERE, "FunctionArn": f"{ARN}:{function}:$LATEST"}
    put, update = client.put_function_event_invoke_config, client.update_function_event_invoke_config
    get, list_ = client.get_function_event_invoke_config, client.list_function_event_invoke_configs
    assert whole(put(FunctionName=function, MaximumRetryAttempts=0)) == {**latest, "MaximumRetryAttempts": 0}
    aged = {**latest, "MaximumEventAgeInSeconds": 60}
    assert whole(put(FunctionName=function, MaximumEventAgeInSeconds=60)) == aged
    assert whole(update(FunctionName=function, MaximumEventAgeInSeconds=60)) == aged
    both = {**aged, "MaximumRetryAttempts": 1}
    assert whole(update(FunctionName=function, MaximumRetryAttempts=1)) == both
    assert whole(get(FunctionName=function)) == both
    assert whole(get(FunctionName=function, Qualifier="$LATEST")) == both
    assert whole(list_(FunctionName=function)) == {"FunctionEventInvokeConfigs": [both]}

    client.publish_version(FunctionName=function)
    missing = not_found(f"The function {ARN}:{function}:1 doesn't have an EventInvokeConfig")
    assert refused(get, FunctionName=function, Qualifier="1") == missing
    published = {
        "DestinationConfig": NOWHERE,
        "FunctionArn": f"{ARN}:{function}:1",
        "MaximumEventAgeInSeconds": 120,
    }
    assert whole(put(FunctionName=function, Qualifier="1", MaximumEventAgeInSeconds=120)) == published
    assert whole(get(FunctionName=f"{function}:1")) == published
    page = list_(FunctionName=function, MaxItems=1)
    marker = page.pop("NextMarker")
    assert whole(page) == {"FunctionEventInvokeConfigs": [both]}
    assert whole(list_(FunctionName=function, MaxItems=1, Marker=marker)) == {"FunctionEventInvokeConfigs": [published]}

    assert whole(client.delete_function_event_invoke_config(FunctionName=function), 204) == {}
    assert whole(list_(FunctionName=function)) == {"FunctionEventInvokeConfigs": [published]}
    missing = not_found(f"The function {ARN}:{function}:$LATEST doesn't have an EventInvokeConfig")
    for call in (get, client.delete_function_event_invoke_config):
        assert refused(call, FunctionName=function) == missing
    assert refused(update, FunctionName=function, MaximumRetryAttempts=1) == missing


def test_destinations_are_kept_and_taken_away(aws: Aws, function: str) -> None:
    client = aws("lambda")
    put, update = client.put_function_event_invoke_config, client.update_function_event_invoke_config
    client.publish_version(FunctionName=function)
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    where = {"OnSuccess": {"Destination": QUEUE}, "OnFailure": {"Destination": BUCKET}}
    expected = {"FunctionArn": f"{ARN}:{function}:live", "DestinationConfig": where}
    assert whole(put(FunctionName=function, Qualifier="live", DestinationConfig=where)) == expected
    changed = update(FunctionName=function, Qualifier="live", DestinationConfig={"OnSuccess": {"Destination": ""}})
    assert whole(changed) == {
        **expected,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": BUCKET}},
    }
    assert whole(put(FunctionName=function, Qualifier="live", MaximumRetryAttempts=1)) == {
        "FunctionArn": f"{ARN}:{function}:live",
        "DestinationConfig": NOWHERE,
        "MaximumRetryAttempts": 1,
    }
    client.delete_alias(FunctionName=function, Name="live")
    assert whole(client.list_function_event_invoke_configs(FunctionName=function)) == {"FunctionEventInvokeConfigs": []}


def test_what_may_not_be_set_is_refused(aws: Aws, function: str, unique: str) -> None:
    client = aws("lambda")
    put = client.put_function_event_invoke_config
    assert refused(put, FunctionName=function) == invalid(
        "You must specify at least one of error handling or destination setting."
    )
    assert refused(
        put, FunctionName=function, DestinationConfig={"OnSuccess": {"Destination": f"{ARN}:{function}"}}
    ) == invalid("You can't specify the function as a destination for itself.")
    for side, destination in (
        ("OnSuccess", f"{ARN}:{unique}-nope"),
        ("OnFailure", f"{ARN}:{function}:7"),
        ("OnFailure", "arn:aws:lambda:us-east-1:000000000000:layer:x"),
        ("OnSuccess", BUCKET),
        ("OnFailure", "arn:aws:firehose:us-east-1:000000000000:deliverystream/x"),
    ):
        assert refused(put, FunctionName=function, DestinationConfig={side: {"Destination": destination}}) == invalid(
            f"The destination ARN {destination} is invalid."
        )
    nothing = f"{unique}-nope"
    assert refused(put, FunctionName=nothing, MaximumRetryAttempts=0) == not_found("The function doesn't exist.")
    assert refused(client.list_function_event_invoke_configs, FunctionName=nothing) == not_found(
        "The function doesn't exist."
    )
    assert refused(client.get_function_event_invoke_config, FunctionName=nothing) == not_found(
        f"The function {ARN}:{nothing}:$LATEST doesn't have an EventInvokeConfig"
    )


def test_a_config_goes_with_its_function(aws: Aws, function: str, zipped: Callable[..., bytes]) -> None:
    client = aws("lambda")
    client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    told = client.get_function_configuration(FunctionName=function)
    client.delete_function(FunctionName=function)
    client.create_function(
        FunctionName=function,
        Runtime=told["Runtime"],
        Handler=told["Handler"],
        Role=told["Role"],
        Code={"ZipFile": zipped(CODE)},
    )
    assert whole(client.list_function_event_invoke_configs(FunctionName=function)) == {"FunctionEventInvokeConfigs": []}
