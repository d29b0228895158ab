"""Extensions, telemetry and log formats of functions, through boto3 against a live server."""

import io
import json
import re
import socket
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ramuda.testing import RunningServer, running_server
from tests.conftest import ROLE

Deploy = Callable[..., str]
WATCHER = Path(__file__).parents[2] / "examples" / "extension" / "extensions" / "watcher"
HELLO = "def handler(event, context):\n    print('hello')\n    return event\n"
MS = r"\d+\.\d+"
PRELUDE = """#!/usr/bin/env python3
import json, os, sys, time, urllib.request
API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension"
def call(path, data=None, **headers):
    request = urllib.request.Request(API + path, data, {k.replace("_", "-"): v for k, v in headers.items()})
    with urllib.request.urlopen(request) as answer:
        return answer.headers, json.load(answer)
def register(name, events):
    headers, _ = call("/register", json.dumps({"events": events}).encode(), Lambda_Extension_Name=name)
    return {"Lambda_Extension_Identifier": headers["Lambda-Extension-Identifier"]}
"""
INTERNAL = (
    PRELUDE
    + """
import threading
seen = []
def attend(me):
    while True:
        seen.append(call("/event/next", **me)[1])
threading.Thread(target=attend, args=(register("internal", ["INVOKE"]),), daemon=True).start()
def handler(event, context):
    while not seen or seen[-1]["requestId"] != context.aws_request_id:
        pass
    return [event["eventType"] for event in seen]
"""
)


def archive(files: dict[str, str], mode: int = 0o755) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            made.writestr(info, content)
    return packed.getvalue()


def layer_of(client: Any, name: str, files: dict[str, str], mode: int = 0o755) -> str:
    published = client.publish_layer_version(LayerName=name, Content={"ZipFile": archive(files, mode)})
    return str(published["LayerVersionArn"])


@pytest.fixture
def layer(aws: Any, unique: str) -> Callable[..., str]:
    """`layer({"extensions/e": "#!/bin/sh..."})` is the ARN of a layer."""
    return lambda files, mode=0o755: layer_of(aws("lambda"), f"{unique}-layer", files, mode)


def logged(client: Any, group: str) -> list[str]:
    """Every event of the group's only stream."""
    (stream,) = client.describe_log_streams(logGroupName=group)["logStreams"]
    name = stream["logStreamName"]
    found = client.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)
    return [event["message"] for event in found["events"]]


def until(condition: Callable[[], Any], limit_s: float = 20.0) -> Any:
    """The condition's value once it is true."""
    end_s = time.monotonic() + limit_s
    while not (value := condition()):
        assert time.monotonic() < end_s, "this does not come true"
    return value


def watched(lines: list[str], what: str) -> list[Any]:
    begin = f"watcher {what} "
    return [json.loads(line[len(begin) :]) for line in lines if line.startswith(begin)]


def check_watcher(client: Any, logs: Any, name: str) -> None:
    """Invokes twice, has the environment shut down, and looks at what the watcher said."""
    ids = []
    for number in (1, 2):
        answer = client.invoke(FunctionName=name, Payload=str(number))
        assert json.loads(answer["Payload"].read()) == number
        ids.append(answer["ResponseMetadata"]["RequestId"])
    group = f"/aws/lambda/{name}"
    client.update_function_configuration(FunctionName=name, Description="another revision")
    lines = until(lambda: (found := logged(logs, group)) and len(watched(found, "event")) == 3 and found)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    account = "000000000000"
    told = {"functionName": name, "functionVersion": "$LATEST", "handler": "app.handler", "accountId": account}
    assert watched(lines, "registered") == [told]
    *events, end = watched(lines, "event")
    for event, request_id in zip(events, ids, strict=True):
        assert event.pop("deadlineMs") > time.time() * 1000 - 60_000
        tracing = event.pop("tracing")
        assert tracing["type"] == "X-Amzn-Trace-Id"
        assert tracing["value"].startswith("Root=1-")
        assert event == {"eventType": "INVOKE", "requestId": request_id, "invokedFunctionArn": arn}
    assert end.pop("deadlineMs") > 0
    assert end == {"eventType": "SHUTDOWN", "shutdownReason": "SPINDOWN"}
    kinds = [event["type"] for event in watched(lines, "telemetry")]
    each = ["platform.start", "function", "platform.runtimeDone", "platform.report"]
    # Runtime and extension start side by side: which is ready first is open.
    beside = ["platform.extension", "platform.initRuntimeDone", "platform.telemetrySubscription"]
    assert sorted(kinds[1:4]) == beside
    assert kinds[:1] + kinds[4:] == ["platform.initStart", "platform.initReport", *each, *each]
    assert "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE,SHUTDOWN]\n" in lines
    assert "TELEMETRY\tName: watcher\tState: Subscribed\tTypes: [Platform, Function, Extension]\n" in lines


def test_an_extension_of_a_layer_sees_events_telemetry_and_the_end(aws: Any, deployed: Deploy, layer: Any) -> None:
    name = deployed({"app.py": HELLO}, Layers=[layer({"extensions/watcher": WATCHER.read_text()})], Timeout=10)
    check_watcher(aws("lambda"), aws("logs"), name)


def test_extensions_work_in_the_process_sandbox(zipped: Callable[..., bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running_server("--sandbox", "process") as server:
        client = server.client("lambda")
        client.create_function(
            FunctionName="f",
            Runtime="python3.11",
            Handler="app.handler",
            Role=ROLE,
            Code={"ZipFile": zipped({"app.py": HELLO})},
            Layers=[layer_of(client, "watcher", {"extensions/watcher": WATCHER.read_text()})],
            Environment={"Variables": {"WATCHER_PORT": str(port)}},
            Timeout=10,
        )
        client.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
        check_watcher(client, server.client("logs"), "f")


def test_the_time_of_extensions_is_in_duration_and_in_a_metric_and_not_the_callers(
    aws: Any, deployed: Deploy, layer: Any
) -> None:
    slow = (
        PRELUDE + "me = register('slow', ['INVOKE'])\nwhile True:\n    call('/event/next', **me)\n    time.sleep(0.4)\n"
    )
    name = deployed({"app.py": HELLO}, Layers=[layer({"extensions/slow": slow})])
    client = aws("lambda")
    client.invoke(FunctionName=name, Payload="1")
    line = until(lambda: [text for text in logged(aws("logs"), f"/aws/lambda/{name}") if text.startswith("REPORT")])[0]
    duration_ms = float(re.search(rf"\tDuration: ({MS}) ms", line)[1])  # type: ignore[index]
    assert 400 <= duration_ms < 2_000

    def points() -> list[Any]:
        found = aws("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="PostRuntimeExtensionsDuration",
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime=time.time() - 600,
            EndTime=time.time() + 600,
            Period=1200,
            Statistics=["Maximum", "SampleCount"],
        )
        return list(found["Datapoints"])

    (point,) = until(points)
    assert point["SampleCount"] == 1.0
    assert 350 <= point["Maximum"] <= duration_ms


def test_an_internal_extension_is_told_of_every_event(aws: Any, deployed: Deploy) -> None:
    name = deployed({"app.py": INTERNAL}, Timeout=10)
    answers = [json.loads(aws("lambda").invoke(FunctionName=name)["Payload"].read()) for _ in range(2)]
    assert answers == [["INVOKE"], ["INVOKE", "INVOKE"]]
    lines = logged(aws("logs"), f"/aws/lambda/{name}")
    assert "EXTENSION\tName: internal\tState: Ready\tEvents: [INVOKE]\n" in lines


def test_an_extension_that_crashes_fails_the_invocation_and_starts_again_with_the_next(
    aws: Any, deployed: Deploy, layer: Any
) -> None:
    crashing = (
        PRELUDE + "me = register('crashing', ['INVOKE'])\ncall('/event/next', **me)\n"
        "if not os.path.exists('/tmp/once'):\n    open('/tmp/once', 'w').close()\n    sys.exit(3)\n"
        "call('/event/next', **me)\n"
    )
    slow = "import time\ndef handler(event, context):\n    time.sleep(1)\n    return event\n"
    name = deployed({"app.py": slow}, Layers=[layer({"extensions/crashing": crashing})], Timeout=10)
    answer = aws("lambda").invoke(FunctionName=name, Payload="1")
    request_id = answer["ResponseMetadata"]["RequestId"]
    message = f"RequestId: {request_id} Error: exit code 3"
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read()) == {"errorType": "Extension.Crash", "errorMessage": message}
    again = aws("lambda").invoke(FunctionName=name, Payload="2")
    assert json.loads(again["Payload"].read()) == 2


def test_an_extension_that_cannot_be_executed_is_named(aws: Any, deployed: Deploy, layer: Any) -> None:
    name = deployed({"app.py": HELLO}, Layers=[layer({"extensions/readonly": "#!/bin/sh\n"}, 0o644)])
    answer = aws("lambda").invoke(FunctionName=name, Payload="1")
    told = json.loads(answer["Payload"].read())
    request_id = answer["ResponseMetadata"]["RequestId"]
    message = f"RequestId: {request_id} Error: fork/exec /opt/extensions/readonly: EACCES"
    assert told == {"errorType": "Extension.LaunchError", "errorMessage": message}
    lines = logged(aws("logs"), f"/aws/lambda/{name}")
    assert "EXTENSION\tName: readonly\tState: LaunchError\tEvents: []\tError Type: PermissionDenied\n" in lines


# Log formats

PRINTING = """
import logging, json
log = logging.getLogger("mine")
def handler(event, context):
    print("plain")
    print(json.dumps({"level": "INFO", "timestamp": "2026-11-21T05:24:00Z", "message": "printed"}))
    print(json.dumps({"level": "ERROR", "timestamp": "2026-11-21T05:24:00Z", "message": "printed"}))
    log.info("not shown")
    log.error("two\\nlines")
    return event
"""


def test_json_logs_have_the_platforms_events_and_the_functions_from_their_levels_on(
    aws: Any, deployed: Deploy, unique: str
) -> None:
    group = f"/custom/{unique}"
    logging = {"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "SystemLogLevel": "DEBUG", "LogGroup": group}
    name = deployed({"app.py": PRINTING}, LoggingConfig=logging)
    answer = aws("lambda").invoke(FunctionName=name, Payload="1")
    request_id = answer["ResponseMetadata"]["RequestId"]
    lines = until(lambda: (found := logged(aws("logs"), group)) and "platform.report" in found[-1] and found)
    told = [json.loads(line) for line in lines]
    system = [event for event in told if event.get("type", "").startswith("platform.")]
    assert [event["type"].partition(".")[2] for event in system] == [
        "initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"
    ]  # fmt: skip
    start, done, report = (event["record"] for event in system[3:])
    assert start == {"requestId": request_id, "version": "$LATEST"}
    assert (done["requestId"], done["status"]) == (request_id, "success")
    metrics = report.pop("metrics")
    assert report == {"requestId": request_id, "status": "success"}
    assert set(metrics) == {
        "durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs"
    }  # fmt: skip
    application = sorted((event for event in told if "level" in event), key=lambda event: str(event["message"]))
    assert [(event["level"], event["message"]) for event in application] == [
        ("ERROR", "printed"),
        ("ERROR", "two\nlines"),
    ]
    assert application[1]["requestId"] == request_id


def test_the_error_of_a_function_with_json_logs_is_a_json_record(aws: Any, deployed: Deploy) -> None:
    code = {"app.py": "def handler(event, context):\n    raise ValueError('no')\n"}
    name = deployed(code, LoggingConfig={"LogFormat": "JSON"})
    payload = json.loads(aws("lambda").invoke(FunctionName=name)["Payload"].read())
    (line,) = (line for line in logged(aws("logs"), f"/aws/lambda/{name}") if "no" in line and "ValueError" in line)
    told = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told.pop("timestamp"))
    assert told == {"level": "ERROR", **payload}


def test_a_traceback_is_one_event_and_a_carriage_return_stays_one(aws: Any, deployed: Deploy) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    print('a\\rb')\n    raise ValueError('no')\n"})
    aws("lambda").invoke(FunctionName=name)
    lines = logged(aws("logs"), f"/aws/lambda/{name}")
    assert "a\rb\n" in lines
    (traceback,) = (line for line in lines if "ValueError" in line)
    assert traceback.startswith("[ERROR] ValueError: no\nTraceback (most recent call last):\n\u00a0\u00a0File")


NODE = """
exports.handler = async (event) => {
  console.log('two\\nlines');
  console.debug('hidden');
  console.error(new Error('wrong'));
  return typeof process.env._LAMBDA_TELEMETRY_LOG_FD;
};
"""


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_a_node_function_writes_records_of_several_lines(aws: Any, deployed: Deploy, log_format: str) -> None:
    settings = {"LogFormat": log_format}
    name = deployed({"app.js": NODE}, Runtime="nodejs22.x", LoggingConfig=settings)
    answer = aws("lambda").invoke(FunctionName=name)
    if "Runtime.InvalidRuntime" in str(answer.get("FunctionError")):
        pytest.skip("no Node.js here")
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert json.loads(answer["Payload"].read()) == "undefined"
    lines = logged(aws("logs"), f"/aws/lambda/{name}")
    (first,) = (line for line in lines if "lines" in line)
    (error,) = (line for line in lines if "wrong" in line)
    if log_format == "Text":
        assert first.endswith(f"\t{request_id}\tINFO\ttwo\nlines\n")
        assert re.search(r"\tERROR\tError: wrong\n    at .*\n", error)
    else:
        told = json.loads(first)
        assert (told["level"], told["message"], told["requestId"]) == ("INFO", "two\nlines", request_id)
        assert json.loads(error)["level"] == "ERROR"
        assert not [line for line in lines if "hidden" in line]


# Others are not harmed

HOSTILE = (
    PRELUDE
    + """
import socket, threading
listening = socket.create_server(("127.0.0.1", 8080))
me = register("hostile", ["INVOKE"])
body = {"schemaVersion": "2022-12-13", "types": ["function", "platform"], "buffering": {"timeoutMs": 25}}
body["destination"] = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080"}
url = API.replace("/2020-01-01/extension", "/2022-07-01/telemetry")
headers = {k.replace("_", "-"): v for k, v in me.items()}
urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers, method="PUT"))
def attend():
    while True:
        call("/event/next", **me)
threading.Thread(target=attend, daemon=True).start()
def flood():
    while True:
        connection, _ = listening.accept()
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            pass
def handler(event, context):
    if event["floods"]:
        threading.Thread(target=flood, daemon=True).start()
    for _ in range(200):
        print("x" * 50_000)
    return 1
"""
)


@pytest.mark.parametrize("floods", [False, True])
def test_a_subscriber_that_does_as_it_likes_harms_nobody(
    aws: Any, deployed: Deploy, server: RunningServer, floods: bool
) -> None:
    hostile = deployed({"app.py": HOSTILE}, Timeout=30, MemorySize=512)
    other = deployed({"app.py": HELLO})
    client = aws("lambda")
    client.invoke(FunctionName=other, Payload="1")
    before = _resident_mib(server)
    for _ in range(3):
        assert client.invoke(FunctionName=hostile, Payload=json.dumps({"floods": floods}))["Payload"].read() == b"1"
        assert client.invoke(FunctionName=other, Payload="2")["Payload"].read() == b"2"
    assert _resident_mib(server) - before < 100


def _resident_mib(server: RunningServer) -> float:
    text = Path(f"/proc/{server.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024
