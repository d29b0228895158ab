"""The headers that carry an event to the runtime."""

import re

from ramuda.runtime import events
from tests.unit.runtime.fakes import invocation, snapshot


def told(**changes: object) -> dict[str, str]:
    lines = events.headers(invocation(snapshot(), **changes), 1_800_000_000_123).decode()
    assert lines.endswith("\r\n")
    return dict(line.split(": ", 1) for line in lines.removesuffix("\r\n").split("\r\n"))


def test_an_event_comes_with_all_that_the_client_wants_to_know() -> None:
    got = told(trace="Root=1-0-0;Sampled=0", client_context='{"a":\n1}')
    assert re.fullmatch(r"[0-9a-f]{32}", got.pop("Lambda-Runtime-Invocation-Id"))
    assert got == {
        "Lambda-Runtime-Aws-Request-Id": "11111111-1111-4111-8111-111111111111",
        "Lambda-Runtime-Deadline-Ms": "1800000000123",
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "Lambda-Runtime-Trace-Id": "Root=1-0-0;Sampled=0",
        "Lambda-Runtime-Client-Context": '{"a": 1}',
    }


def test_each_attempt_of_a_request_has_an_id_of_its_own() -> None:
    assert told()["Lambda-Runtime-Invocation-Id"] != told()["Lambda-Runtime-Invocation-Id"]
