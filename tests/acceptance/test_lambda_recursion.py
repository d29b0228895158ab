"""Recursive loops and trace headers, with the header that boto3 itself sends on inside a function."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import Aws

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
TRACE = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"
LOOP = """
import json, os
import boto3

client = boto3.client("lambda")

def handler(event, context):
    depth = event["depth"]
    if depth == event["enough"]:
        return {"depth": depth}
    try:
        answer = client.invoke(FunctionName=context.function_name, Payload=json.dumps({**event, "depth": depth + 1}))
    except client.exceptions.RecursiveInvocationException as e:
        response = {name: value for name, value in e.response.items() if name != "ResponseMetadata"}
        status = e.response["ResponseMetadata"]["HTTPStatusCode"]
        return {"depth": depth, "status": status, "refused": response, "trace": os.environ["_X_AMZN_TRACE_ID"]}
    return json.load(answer["Payload"])
"""

LOOP_OF_EVENTS = """
import json
import boto3

client = boto3.client("lambda")

def handler(event, context):
    payload = json.dumps({"depth": event["depth"] + 1})
    client.invoke(FunctionName=context.function_name, InvocationType="Event", Payload=payload)
"""


def members(header: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in header.split(";"))


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws("lambda")


def invoke(client: Any, name: str, payload: Any = None, trace: str | None = None) -> Any:
    def add(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = trace

    if trace is not None:
        client.meta.events.register("before-sign.lambda.Invoke", add, unique_id="trace")
    try:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        assert "FunctionError" not in answer
        return json.load(answer["Payload"])
    finally:
        client.meta.events.unregister("before-sign.lambda.Invoke", unique_id="trace")


def dropped(aws: Aws, name: str) -> list[float]:
    """RecursiveInvocationsDropped of the function."""
    now = datetime.now(UTC)
    points = aws("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="RecursiveInvocationsDropped",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=10),
        Period=1200,
        Statistics=["Sum"],
    )["Datapoints"]
    assert all(point["Unit"] == "Count" for point in points)
    return [point["Sum"] for point in points]


def test_a_recursion_setting_is_kept_and_shown(client: Any, deployed: Callable[..., str]) -> None:
    name = deployed({"app.py": TRACE})

    def answered(answer: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return answer.pop("ResponseMetadata")["HTTPStatusCode"], answer

    assert answered(client.get_function_recursion_config(FunctionName=name)) == (200, {"RecursiveLoop": "Terminate"})
    put = client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert answered(put) == (200, {"RecursiveLoop": "Allow"})
    assert answered(client.get_function_recursion_config(FunctionName=name)) == (200, {"RecursiveLoop": "Allow"})


def test_every_invocation_has_a_trace_of_its_own(client: Any, deployed: Callable[..., str]) -> None:
    name = deployed({"app.py": TRACE})
    first, second = members(invoke(client, name)), members(invoke(client, name))
    assert list(first) == ["Root", "Parent", "Sampled", "Lineage"]
    assert (len(first["Root"]), len(first["Parent"]), first["Sampled"]) == (35, 16, "0")
    assert first["Lineage"] == second["Lineage"]
    assert first["Lineage"].startswith("1:")
    assert first["Lineage"].endswith(":0")
    assert first["Root"] != second["Root"]


def test_the_callers_trace_goes_on_in_the_function(client: Any, deployed: Callable[..., str]) -> None:
    name = deployed({"app.py": TRACE})
    sent = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"
    seen = members(invoke(client, name, trace=sent))
    assert (seen["Root"], seen["Sampled"]) == (ROOT, "1")
    assert seen["Parent"] != "53995c3f42cd8ad8"
    again = members(invoke(client, name, trace=";".join(f"{key}={value}" for key, value in seen.items())))
    assert again["Lineage"] == "2:" + seen["Lineage"][2:-1] + "1"
    fresh = members(invoke(client, name, trace="no trace at all"))
    assert fresh["Root"] != ROOT


def test_active_tracing_samples(client: Any, deployed: Callable[..., str]) -> None:
    name = deployed({"app.py": TRACE}, TracingConfig={"Mode": "Active"})
    assert members(invoke(client, name))["Sampled"] == "1"
    assert members(invoke(client, name, trace=f"Root={ROOT};Sampled=0"))["Sampled"] == "0"


def test_a_chain_at_its_limit_is_stopped_unless_the_function_may_loop(
    client: Any, aws: Aws, deployed: Callable[..., str]
) -> None:
    name = deployed({"app.py": TRACE})
    fingerprint = members(invoke(client, name))["Lineage"].split(":")[1]
    chain = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0;Lineage=16:{fingerprint}:15"
    with pytest.raises(client.exceptions.RecursiveInvocationException) as stopped:
        invoke(client, name, trace=chain)
    response = dict(stopped.value.response)
    metadata: Any = response.pop("ResponseMetadata")
    sentence = (
        "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources "
        "and stopped your function's invocation."
    )
    assert (metadata["HTTPStatusCode"], response) == (
        400,
        {
            "Error": {"Code": "RecursiveInvocationException", "Message": sentence},
            "Message": sentence,
            "Type": "User",
        },
    )
    assert dropped(aws, name) == [1.0]
    client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert members(invoke(client, name, trace=chain))["Lineage"] == f"17:{fingerprint}:16"


def test_a_function_that_invokes_itself_is_stopped_after_sixteen(client: Any, deployed: Callable[..., str]) -> None:
    name = deployed({"app.py": LOOP}, Timeout=60, MemorySize=512)
    stopped = invoke(client, name, {"depth": 1, "enough": 18})
    assert (stopped["depth"], stopped["status"]) == (16, 400)
    assert stopped["refused"]["Error"]["Code"] == "RecursiveInvocationException"
    assert stopped["refused"]["Message"].startswith("Lambda has detected your function being invoked in a recursive")
    lineage = members(stopped["trace"])["Lineage"]
    assert (lineage[:3], lineage[-3:]) == ("16:", ":15")

    client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    assert invoke(client, name, {"depth": 1, "enough": 18}) == {"depth": 18}


def test_events_of_a_function_that_sends_itself_events_end_at_the_destination(
    client: Any, aws: Aws, deployed: Callable[..., str]
) -> None:
    name = deployed({"app.py": LOOP_OF_EVENTS}, Timeout=60, MemorySize=512)
    witness = deployed(
        {"app.py": "import json\ndef handler(event, context):\n    print('RECORD', json.dumps(event))\n"}
    )
    client.put_function_event_invoke_config(
        FunctionName=name,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:lambda:us-east-1:000000000000:function:{witness}"}},
    )
    client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"depth": 1}')

    record = json.loads(logged(aws, witness, "RECORD"))
    assert record["requestPayload"] == {"depth": 17}
    assert record["requestContext"]["functionArn"].startswith(f"arn:aws:lambda:us-east-1:000000000000:function:{name}")
    assert dropped(aws, name) == [1.0]


def logged(aws: Aws, name: str, word: str) -> str:
    """What follows `word` in the log of a function, as soon as it is there."""
    limit_s = time.monotonic() + 30
    while time.monotonic() < limit_s:
        try:
            events = aws("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern=word)["events"]
        except aws("logs").exceptions.ResourceNotFoundException:
            continue
        if events:
            return str(events[0]["message"]).partition(f"{word} ")[2]
    raise AssertionError(f"{name} logged no {word}")
