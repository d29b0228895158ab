"""Execution environments as a function and its caller see them, through boto3 (isolated where that works)."""

import base64
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ramuda.testing import RunningServer

Deploy = Callable[..., str]
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture
def is_isolated(server: RunningServer) -> bool:
    return bool(server.ready["sandbox"]["backend"] == "isolated")


@pytest.fixture
def invoke(aws: Any) -> Callable[..., Any]:
    """Gives (the answer's JSON, FunctionError or None, the log's tail)."""

    def call(name: str, event: Any = None, **options: Any) -> tuple[Any, str | None, str]:
        answer = aws("lambda").invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail", **options)
        assert answer["StatusCode"] == 200
        payload = json.loads(answer["Payload"].read())
        return payload, answer.get("FunctionError"), base64.b64decode(answer["LogResult"]).decode()

    return call


def test_an_invocation_answers_and_logs_word_for_word(deployed: Deploy, invoke: Callable[..., Any], aws: Any) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    print('hello')\n    return {'got': event}"})
    answer = aws("lambda").invoke(FunctionName=name, Payload=b'{"a": [1, "\xc3\xa4"]}', LogType="Tail")
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert re.fullmatch(UUID, request_id)
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert answer["Payload"].read() == b'{"got": {"a": [1, "\\u00e4"]}}'
    report = (
        rf"REPORT RequestId: {request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n"
    )
    expected = rf"START RequestId: {request_id} Version: \$LATEST\nhello\nEND RequestId: {request_id}\n{report}"
    assert re.fullmatch(expected, base64.b64decode(answer["LogResult"]).decode())
    assert "Init Duration" not in invoke(name)[2], "the second invocation is warm"
    streams = aws("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    assert len(streams) == 1
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", streams[0]["logStreamName"])
    events = aws("logs").get_log_events(
        logGroupName=f"/aws/lambda/{name}", logStreamName=streams[0]["logStreamName"], startFromHead=True
    )["events"]
    arn = r"arn:aws:lambda:us-east-1::runtime:\w{64}"
    first = rf"INIT_START Runtime Version: python:3\.11\.\S+\tRuntime Version ARN: {arn}\n"
    assert re.fullmatch(first, events[0]["message"])
    assert [event["message"].split()[0] for event in events[1:]] == ["START", "hello", "END", "REPORT"] * 2


def test_a_function_out_of_time_loses_its_memory_but_keeps_tmp(deployed: Deploy, invoke: Callable[..., Any]) -> None:
    source = """
import os, time
count = 0
def handler(event, context):
    global count
    count += 1
    if event == "hang":
        open("/tmp/kept", "w").write("here")
        time.sleep(30)
    return {"count": count, "kept": os.path.exists("/tmp/kept"), "left_ms": context.get_remaining_time_in_millis()}
"""
    name = deployed({"app.py": source}, Timeout=1)
    assert invoke(name)[0]["count"] == 1
    payload, error, log = invoke(name, "hang")
    request_id = log.split()[2]
    assert (payload, error) == (
        {
            "errorType": "Sandbox.Timedout",
            "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds",
        },
        "Unhandled",
    )
    assert re.search(r"\tDuration: 1000\.00 ms\tBilled Duration: 1000 ms\t.*\tStatus: timeout\t\n$", log)
    after, error, log = invoke(name)
    assert (after["count"], after["kept"], error) == (1, True, None)
    assert 0 < after["left_ms"] <= 1000
    assert "Init Duration" not in log


def test_memory_over_the_limit_kills_and_says_so(
    deployed: Deploy, invoke: Callable[..., Any], is_isolated: bool
) -> None:
    if not is_isolated:
        pytest.skip("no memory limit without the isolated sandbox")
    name = deployed({"app.py": "def handler(event, context):\n    return len(bytearray(event * 2**20))"}, Timeout=20)
    assert invoke(name, 20)[0] == 20 * 2**20
    payload, error, log = invoke(name, 300)
    assert (payload["errorType"], error) == ("Runtime.OutOfMemory", "Unhandled")
    assert re.fullmatch(rf"RequestId: {UUID} Error: Runtime exited with error: signal: killed", payload["errorMessage"])
    assert log.endswith("\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory\t\n")
    assert invoke(name, 20)[0] == 20 * 2**20, "the environment starts again"


@pytest.mark.parametrize(
    ("statement", "error_type", "message"),
    [
        ("os._exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime.ExitError", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 11)", "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_runtime_that_ends_is_an_error_of_aws_form(
    deployed: Deploy, invoke: Callable[..., Any], statement: str, error_type: str, message: str
) -> None:
    name = deployed({"app.py": f"import os\ndef handler(event, context):\n    {statement}"})
    payload, error, log = invoke(name)
    assert error == "Unhandled"
    assert payload == {"errorType": error_type, "errorMessage": f"RequestId: {log.split()[2]} Error: {message}"}
    assert log.endswith(f"\tStatus: error\tError Type: {error_type}\t\n")


def test_an_exception_is_told_with_its_trace(deployed: Deploy, invoke: Callable[..., Any]) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    raise ValueError('no')"})
    payload, error, log = invoke(name)
    assert error == "Unhandled"
    assert payload == {
        "errorMessage": "no",
        "errorType": "ValueError",
        "requestId": log.split()[2],
        "stackTrace": ["  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('no')\n"],
    }
    assert "[ERROR] ValueError: no\n" in log


@pytest.mark.parametrize(
    ("files", "handler", "error_type", "message"),
    [
        (
            {"app.py": "import nope"},
            "app.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module",
        ),
        ({"app.py": "x = ("}, "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ({"app.py": ""}, "app.nope", "Runtime.HandlerNotFound", "Handler 'nope' missing on module 'app'"),
        ({"app.py": ""}, "nodot", "Runtime.MalformedHandlerName", "Bad handler 'nodot'"),
        ({"app.py": "raise KeyError('k')"}, "app.handler", "KeyError", "'k'"),
    ],
)
def test_code_that_cannot_be_loaded_is_told(
    deployed: Deploy,
    invoke: Callable[..., Any],
    aws: Any,
    files: dict[str, str],
    handler: str,
    error_type: str,
    message: str,
) -> None:
    name = deployed(files, Handler=handler)
    payload, error, log = invoke(name)
    assert (payload["errorType"], error) == (error_type, "Unhandled")
    assert payload["errorMessage"].startswith(message)
    assert log.startswith("START ")
    messages = [
        event["message"] for event in aws("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    ]
    assert any(
        re.fullmatch(
            rf"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init\tStatus: error\tError Type: {error_type}\t\n", m
        )
        for m in messages
    )


def test_a_function_is_frozen_between_invocations(
    deployed: Deploy, invoke: Callable[..., Any], aws: Any, is_isolated: bool
) -> None:
    source = """
import threading, time
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
def handler(event, context):
    if event:
        time.sleep(event)
    return ticks
"""
    name = deployed({"app.py": source}, Timeout=10, MemorySize=1769)
    other = deployed({"app.py": "import time\ndef handler(event, context):\n    time.sleep(1)"}, Timeout=10)
    before = invoke(name)[0]
    invoke(other)  # a second passes in another environment
    after = invoke(name)[0]
    running = invoke(name, 1)[0] - after
    assert running > 20
    assert after - before < running / 3


def test_the_cpu_share_follows_the_memory(deployed: Deploy, invoke: Callable[..., Any], is_isolated: bool) -> None:
    if not is_isolated:
        pytest.skip("no CPU share without the isolated sandbox")
    source = """
import time
def handler(event, context):
    wall, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < 1.0:
        pass
    return (time.process_time() - cpu) / (time.perf_counter() - wall)
"""
    name = deployed({"app.py": source}, Timeout=10, MemorySize=256)
    assert invoke(name)[0] == pytest.approx(256 / 1769, rel=0.35)


def test_the_environment_variables_are_those_of_lambda(deployed: Deploy, invoke: Callable[..., Any], aws: Any) -> None:
    source = "import os\ndef handler(event, context):\n    return dict(os.environ)"
    name = deployed({"app.py": source}, Environment={"Variables": {"MINE": "1", "TZ": "Europe/Berlin"}}, MemorySize=256)
    told = invoke(name)[0]
    expected = {
        "_HANDLER": "app.handler",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LANG": "en_US.UTF-8",
        "MINE": "1",
        "TZ": "Europe/Berlin",
    }
    assert {key: told.get(key) for key in expected} == expected
    streams = aws("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    assert told["AWS_LAMBDA_LOG_STREAM_NAME"] == streams[0]["logStreamName"]
    assert told["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert told["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")


def test_a_function_calls_the_platform_as_its_role(deployed: Deploy, invoke: Callable[..., Any]) -> None:
    source = """
import boto3
def handler(event, context):
    identity = boto3.client("sts").get_caller_identity()
    own = boto3.client("lambda").get_function_configuration(FunctionName=context.function_name)
    return [identity["Account"], identity["Arn"], own["FunctionArn"]]
"""
    name = deployed({"app.py": source}, Timeout=20, MemorySize=512)
    assert invoke(name)[0] == [
        "000000000000",
        f"arn:aws:sts::000000000000:assumed-role/lambda-role/{name}",
        f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
    ]


def test_a_function_invokes_another(deployed: Deploy, invoke: Callable[..., Any]) -> None:
    inner = deployed({"app.py": "def handler(event, context):\n    return event * 2"})
    source = """
import boto3, json
def handler(event, context):
    return json.loads(boto3.client("lambda").invoke(FunctionName=event, Payload="21")["Payload"].read())
"""
    outer = deployed({"app.py": source}, Timeout=20, MemorySize=512)
    assert invoke(outer, inner)[0] == 42


def test_tmp_has_the_configured_size_and_no_more(
    deployed: Deploy, invoke: Callable[..., Any], is_isolated: bool
) -> None:
    if not is_isolated:
        pytest.skip("no limit of /tmp without the isolated sandbox")
    source = """
import os
def handler(event, context):
    written = 0
    with open("/tmp/fill", "wb") as file:
        try:
            while written < 1024:
                written += file.write(bytes(2**20)) >> 20
                file.flush()
        except OSError as e:
            return [written, e.errno]
    return [written, 0]
"""
    name = deployed({"app.py": source}, Timeout=60, MemorySize=1024, EphemeralStorage={"Size": 512})
    written, errno = invoke(name)[0]
    assert errno == 28
    assert 460 <= written <= 512


def test_simultaneous_invocations_run_side_by_side(deployed: Deploy, aws: Any) -> None:
    source = (
        "import os, time\nid = os.urandom(8).hex()\ndef handler(event, context):\n    time.sleep(0.5)\n    return id"
    )
    name = deployed({"app.py": source})

    def run(_: int) -> str:
        return str(json.loads(aws("lambda").invoke(FunctionName=name)["Payload"].read()))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(run, range(8)))) == 8


def test_payloads_of_six_megabytes_pass_and_larger_answers_do_not(deployed: Deploy, invoke: Callable[..., Any]) -> None:
    name = deployed(
        {"app.py": "def handler(event, context):\n    return 'x' * event if isinstance(event, int) else len(event)"},
        MemorySize=1024,
        Timeout=20,
    )
    assert invoke(name, "y" * (6 * 2**20 - 2))[0] == 6 * 2**20 - 2
    assert len(invoke(name, 6 * 2**20 + 98)[0]) == 6 * 2**20 + 98
    payload, error, _ = invoke(name, 6 * 2**20 + 99)
    assert (payload, error) == (
        {
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            "errorType": "Function.ResponseSizeTooLarge",
        },
        "Unhandled",
    )
    assert invoke(name, "abc")[0] == 3


def test_updated_code_and_configuration_are_live_at_the_next_invocation(
    deployed: Deploy, invoke: Callable[..., Any], aws: Any, zipped: Callable[..., bytes]
) -> None:
    name = deployed({"app.py": "import os\ndef handler(event, context):\n    return ['old', os.environ.get('V')]"})
    assert invoke(name)[0] == ["old", None]
    new = zipped({"app.py": "import os\ndef handler(event, context):\n    return ['new', os.environ.get('V')]"})
    aws("lambda").update_function_code(FunctionName=name, ZipFile=new)
    wait = {"Delay": 0.1, "MaxAttempts": 100}
    aws("lambda").get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=wait)
    assert invoke(name)[0] == ["new", None]
    aws("lambda").update_function_configuration(FunctionName=name, Environment={"Variables": {"V1": "x", "V2": "2"}})
    aws("lambda").get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=wait)
    assert invoke(name)[0] == ["new", None]


def test_metrics_of_invocations_are_there(deployed: Deploy, invoke: Callable[..., Any], aws: Any) -> None:
    from datetime import UTC, datetime, timedelta

    name = deployed({"app.py": "def handler(event, context):\n    return 1 / event"})
    for event in (1, 1, 0):
        invoke(name, event)
    now = datetime.now(UTC)
    dimensions = [{"Name": "FunctionName", "Value": name}]
    query = [
        {
            "Id": metric.lower(),
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions},
                "Period": 300,
                "Stat": stat,
            },
        }
        for metric, stat in (
            ("Invocations", "Sum"),
            ("Errors", "Sum"),
            ("Throttles", "Sum"),
            ("Duration", "SampleCount"),
            ("ConcurrentExecutions", "Maximum"),
        )
    ]
    results = aws("cloudwatch").get_metric_data(
        MetricDataQueries=query, StartTime=now - timedelta(minutes=10), EndTime=now + timedelta(minutes=5)
    )["MetricDataResults"]
    totals = {result["Id"]: (max if "concurrent" in result["Id"] else sum)(result["Values"]) for result in results}
    assert totals == {"invocations": 3, "errors": 1, "throttles": 0, "duration": 3, "concurrentexecutions": 1}
    listed = aws("cloudwatch").list_metrics(Namespace="AWS/Lambda", Dimensions=dimensions)["Metrics"]
    assert {metric["MetricName"] for metric in listed} == {
        "Invocations",
        "Errors",
        "Throttles",
        "Duration",
        "ConcurrentExecutions",
    }


@pytest.mark.slow
def test_an_init_of_more_than_ten_seconds_runs_again_under_the_functions_timeout(
    deployed: Deploy, invoke: Callable[..., Any], aws: Any
) -> None:
    name = deployed({"app.py": "import time\ntime.sleep(11)\ndef handler(event, context):\n    return 1"}, Timeout=15)
    payload, error, log = invoke(name)
    assert (payload, error) == (1, None)
    assert "Init Duration" not in log
    messages = [
        event["message"] for event in aws("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    ]
    assert re.match(r"INIT_REPORT Init Duration: 10\d\d\d\.\d\d ms\tPhase: init\tStatus: timeout\t", messages[1])
