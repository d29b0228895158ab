"""CloudWatch Logs as boto3 sees it, against a live server."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]


@pytest.fixture
def logs(aws: Aws) -> Any:
    return aws("logs")


@pytest.fixture
def group(logs: Any, unique: str) -> Iterator[str]:
    name = f"/{unique}"
    logs.create_log_group(logGroupName=name, tags={"made-by": "test"})
    yield name
    logs.delete_log_group(logGroupName=name)


def put(logs: Any, group: str, stream: str, *messages: str) -> int:
    """Gives the time of the first; each next one is a millisecond later."""
    at_ms = int(time.time() * 1000)
    events = [{"timestamp": at_ms + number, "message": message} for number, message in enumerate(messages)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    return at_ms


def test_a_group_lives_as_terraform_makes_reads_changes_and_removes_it(logs: Any, unique: str) -> None:
    name = f"/{unique}/terraform"
    logs.create_log_group(logGroupName=name, logGroupClass="STANDARD", tags={"a": "1"})
    logs.put_retention_policy(logGroupName=name, retentionInDays=7)
    (found,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{name}"
    created_ms = found.pop("creationTime")
    assert abs(created_ms - time.time() * 1000) < 60_000
    assert found == {
        "logGroupName": name,
        "retentionInDays": 7,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "logGroupArn": arn,
        "deletionProtectionEnabled": False,
    }
    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    logs.delete_retention_policy(logGroupName=name)
    logs.delete_log_group(logGroupName=name)
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []


def test_errors_are_the_exceptions_of_the_client(logs: Any, group: str) -> None:
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException, match="The specified log group already exists"):
        logs.create_log_group(logGroupName=group)
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match=r"The specified log stream does not exist\."):
        logs.get_log_events(logGroupName=group, logStreamName="none")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match=r"The specified log group does not exist\."):
        logs.describe_log_streams(logGroupName=f"{group}-none")
    with pytest.raises(ClientError, match="failed to satisfy constraint") as raised:
        logs.create_log_group(logGroupName="not a name")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_events_are_put_and_read_page_by_page(logs: Any, group: str) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    first_ms = put(logs, group, "s", *(f"line {number}" for number in range(5)))
    read, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        page = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True, limit=2, **more)
        read += [(event["timestamp"] - first_ms, event["message"]) for event in page["events"]]
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    assert read == [(number, f"line {number}") for number in range(5)]


def test_botos_own_paginators_walk_through_groups_streams_and_events(logs: Any, group: str) -> None:
    for number in range(3):
        logs.create_log_stream(logGroupName=group, logStreamName=f"s{number}")
        put(logs, group, f"s{number}", f"hit {number}", f"miss {number}")

    def all_of(operation: str, member: str, key: str, **params: Any) -> list[Any]:
        pages = logs.get_paginator(operation).paginate(PaginationConfig={"PageSize": 1}, **params)
        return [one[key] for page in pages for one in page[member]]

    streams = ["s0", "s1", "s2"]
    assert all_of("describe_log_streams", "logStreams", "logStreamName", logGroupName=group) == streams
    assert all_of("describe_log_groups", "logGroups", "logGroupName", logGroupNamePrefix=group) == [group]
    found = all_of("filter_log_events", "events", "message", logGroupName=group, filterPattern="hit")
    assert sorted(found) == ["hit 0", "hit 1", "hit 2"]


def test_what_is_not_ascii_comes_back_as_it_was(logs: Any, group: str) -> None:
    logs.create_log_stream(logGroupName=group, logStreamName="ströme/[$LATEST]")
    put(logs, group, "ströme/[$LATEST]", "grüße \u2028 🐑\n", "\x00\x1f")
    page = logs.get_log_events(logGroupName=group, logStreamName="ströme/[$LATEST]", startFromHead=True)
    assert [event["message"] for event in page["events"]] == ["grüße \u2028 🐑\n", "\x00\x1f"]


def test_what_a_function_prints_is_found_under_its_group(logs: Any, aws: Aws, deployed: Callable[..., str]) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    print('hello', event)\n"})
    answer = aws("lambda").invoke(FunctionName=name, Payload=b'"world"')
    request_id = answer["ResponseMetadata"]["RequestId"]
    kinds: list[str] = []
    give_up_at = time.monotonic() + 20
    while "REPORT" not in kinds and time.monotonic() < give_up_at:  # written once the function has asked for more
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        kinds = [event["message"].split()[0] for event in events]
    assert [kind for kind in kinds if kind in ("START", "hello", "END", "REPORT")] == [
        "START",
        "hello",
        "END",
        "REPORT",
    ]
    assert len({event["logStreamName"] for event in events}) == 1
    wanted = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern=f'"{request_id}" REPORT')
    assert [event["message"].split()[0] for event in wanted["events"]] == ["REPORT"]


def test_logs_outlive_a_restart_of_the_server(unique: str) -> None:
    from ramuda.testing import running_server

    with running_server() as server:
        logs = server.client("logs")
        logs.create_log_group(logGroupName=unique)
        logs.create_log_stream(logGroupName=unique, logStreamName="s")
        put(logs, unique, "s", "kept")
        server.kill()
        server.start()
        logs = server.client("logs")
        page = logs.get_log_events(logGroupName=unique, logStreamName="s", startFromHead=True)
    assert [event["message"] for event in page["events"]] == ["kept"]
