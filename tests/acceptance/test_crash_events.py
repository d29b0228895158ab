"""The server killed with SIGKILL while asynchronous invocations wait and run: every one that was accepted runs."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ramuda.testing import RunningServer
from tests.conftest import ROLE

CODE = """
import time

def handler(event, context):
    print("ran", event["id"])
    time.sleep(event.get("sleep", 0))
"""
EVENTS = 60


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    it = RunningServer(tmp_path / "data")
    it.start()
    yield it
    it.stop()


def runs(server: RunningServer) -> dict[int, int]:
    """How often each event ran, as the function's log has it."""
    counted: dict[int, int] = {}
    client = server.client("logs")
    pages = client.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/f", filterPattern="ran")
    try:
        events = [event for page in pages for event in page["events"]]
    except client.exceptions.ResourceNotFoundException:  # nothing ran yet
        return {}
    for event in events:
        number = int(event["message"].split()[1])
        counted[number] = counted.get(number, 0) + 1
    return counted


def test_events_in_flight_and_waiting_run_after_a_kill(own_server: RunningServer, zipped: Callable[..., bytes]) -> None:
    client = own_server.client("lambda")
    client.create_function(
        FunctionName="f",
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Timeout=60,
        Code={"ZipFile": zipped({"app.py": CODE})},
    )
    client.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=2)
    for number in range(EVENTS):  # the first two hold up the others until the server is gone
        payload = json.dumps({"id": number, "sleep": 50 if number < 2 else 0})
        accepted = client.invoke(FunctionName="f", InvocationType="Event", Payload=payload)
        assert accepted["StatusCode"] == 202
    own_server.kill()

    own_server.start()
    client = own_server.client("lambda")
    client.delete_function_concurrency(FunctionName="f")
    deadline = time.monotonic() + 40
    while set(found := runs(own_server)) != set(range(EVENTS)):
        assert time.monotonic() < deadline, sorted(set(range(EVENTS)) - set(found))


def test_a_retry_and_the_settings_outlive_a_kill(own_server: RunningServer, zipped: Callable[..., bytes]) -> None:
    client = own_server.client("lambda")
    code = "def handler(event, context):\n    print('ran', event['id'])\n    raise ValueError('no luck')\n"
    client.create_function(
        FunctionName="f",
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": code})},
    )
    client.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)
    client.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"id": 7}')
    deadline = time.monotonic() + 20
    while not runs(own_server):
        assert time.monotonic() < deadline
    own_server.kill()
    own_server.start()
    found = own_server.client("lambda").get_function_event_invoke_config(FunctionName="f")
    assert found["MaximumRetryAttempts"] == 1
    assert runs(own_server) == {7: 1}  # the second attempt comes a minute after the first, not with the start
