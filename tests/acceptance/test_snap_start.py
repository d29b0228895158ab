"""SnapStart as a user of boto3 sees it: published versions are initialised once and restored ever after."""

import base64
import contextlib
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from ramuda.testing import RunningServer, running_server
from tests.conftest import ROLE, Aws

RUNTIME = "python3.12"
SNAP_START = {"ApplyOn": "PublishedVersions"}
WAIT = {"Delay": 0.1, "MaxAttempts": 600}
HOOKS = """
import json, os, random, secrets, uuid
import boto3
from snapshot_restore_py import register_after_restore, register_before_snapshot
order = ["init"]
sts = boto3.client("sts")
in_init = sts.get_caller_identity()["Arn"]
key_of_init = sts._request_signer._credentials.get_frozen_credentials().access_key
calls = 0
open("/tmp/from-init", "w").write("kept")
@register_before_snapshot
def before():
    order.append("before")
@register_after_restore
def after():
    order.append("after")
    print("the hook runs")
print("Init runs")
def handler(event, context):
    global calls
    calls += 1
    if event == "exit":
        os._exit(3)
    arn = sts.get_caller_identity()["Arn"]
    key = sts._request_signer._credentials.get_frozen_credentials().access_key
    return {"order": order, "calls": calls, "unique": [random.random(), secrets.token_hex(), str(uuid.uuid4())],
            "arns": [in_init, arn], "keys": [key_of_init, key], "names": sorted(os.environ), "tmp": os.listdir("/tmp"),
            "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "stream": context.log_stream_name}
"""
FAILS_AFTER_RESTORE = """
from snapshot_restore_py import register_after_restore
@register_after_restore
def after():
    raise ValueError("no database here")
def handler(event, context):
    return 1
"""


def publish(client: Any, name: str) -> str:
    """A new version, Active or Failed."""
    version: str = client.publish_version(FunctionName=name)["Version"]
    with contextlib.suppress(WaiterError):
        client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=version, WaiterConfig=WAIT)
    return version


def invoke(client: Any, name: str, version: str, event: Any = None, **options: Any) -> Any:
    answer = client.invoke(FunctionName=name, Qualifier=version, Payload=json.dumps(event), **options)
    return json.loads(answer["Payload"].read()), answer


def messages(logs: Any, name: str) -> list[list[str]]:
    """Of each log stream, the oldest first."""
    group = f"/aws/lambda/{name}"
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    of_each = [
        logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
        for stream in streams
    ]
    return [[event["message"] for event in events] for events in sorted(of_each, key=lambda e: e[0]["timestamp"])]


def created(client: Any, name: str, zipped: Callable[..., bytes], source: str, **settings: Any) -> None:
    client.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": source})},
        **{"SnapStart": SNAP_START, "Timeout": 20, "MemorySize": 256, **settings},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=WAIT)


def test_a_published_version_is_pending_then_on_and_latest_stays_off(deployed: Callable[..., str], aws: Aws) -> None:
    client = aws("lambda")
    name = deployed({"app.py": HOOKS}, Runtime=RUNTIME, SnapStart=SNAP_START)
    latest = client.get_function_configuration(FunctionName=name)
    published = client.publish_version(FunctionName=name)
    expected = {
        **{
            key: value for key, value in latest.items() if key not in ("LastUpdateStatus", "LastModified", "RevisionId")
        },
        "FunctionArn": f"{latest['FunctionArn']}:1",
        "Version": "1",
        "SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
    }
    left_out = ("ResponseMetadata", "LastModified", "RevisionId")
    assert {k: v for k, v in published.items() if k not in left_out} == {
        k: v for k, v in expected.items() if k not in left_out
    }
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=WAIT)
    assert client.get_function_configuration(FunctionName=name, Qualifier="1")["SnapStart"] == {
        "ApplyOn": "PublishedVersions",
        "OptimizationStatus": "On",
    }
    assert client.get_function_configuration(FunctionName=name)["SnapStart"]["OptimizationStatus"] == "Off"
    assert client.publish_version(FunctionName=name)["Version"] == "1"


def test_environments_are_restored_with_hooks_fresh_credentials_and_randomness(
    deployed: Callable[..., str], aws: Aws
) -> None:
    client = aws("lambda")
    name = deployed({"app.py": HOOKS}, Runtime=RUNTIME, SnapStart=SNAP_START, Timeout=20)
    publish(client, name)
    one, _ = invoke(client, name, "1")
    again, _ = invoke(client, name, "1")
    assert (one["calls"], again["calls"]) == (1, 2)
    invoke(client, name, "1", "exit")
    other, _ = invoke(client, name, "1")
    assert other["calls"] == 1
    for seen in (one, other):
        assert seen["order"] == ["init", "before", "after"]
        assert seen["type"] == "snap-start"
        assert seen["tmp"] == ["from-init"]
        assert seen["stream"] is None
        assert set(seen["arns"]) == {f"arn:aws:sts::000000000000:assumed-role/lambda-role/{name}"}
        assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} & set(seen["names"])
        assert {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"} <= set(seen["names"])
    assert len({*one["unique"], *again["unique"], *other["unique"]}) == 9
    assert len({one["keys"][0], one["keys"][1], other["keys"][1]}) == 3
    assert one["keys"][0] == other["keys"][0]


def test_the_log_tells_of_the_snapshot_and_of_every_restore(deployed: Callable[..., str], aws: Aws) -> None:
    client = aws("lambda")
    name = deployed({"app.py": HOOKS}, Runtime=RUNTIME, SnapStart=SNAP_START, Timeout=20)
    publish(client, name)
    _, answer = invoke(client, name, "1", LogType="Tail")
    request_id = answer["ResponseMetadata"]["RequestId"]
    snapshot, restored = messages(aws("logs"), name)
    start, *said, report = snapshot
    assert start.startswith("INIT_START Runtime Version: python:3.12")
    assert said == ["Init runs\n"]
    assert re.fullmatch(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: snap-start\t\n", report)
    assert restored[0].startswith("RESTORE_START Runtime Version: python:3.12")
    assert restored[1] == "the hook runs\n"
    told = re.fullmatch(r"RESTORE_REPORT Restore Duration: ([\d.]+) ms\t\n", restored[2])
    assert told
    assert restored[3:5] == [f"START RequestId: {request_id} Version: 1\n", f"END RequestId: {request_id}\n"]
    line = re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\tMemory Size: 128 MB\t"
        rf"Max Memory Used: \d+ MB\tRestore Duration: {told[1]} ms\tBilled Restore Duration: (\d+) ms\t\n",
        restored[5],
    )
    assert line
    assert int(line[2]) == -(-float(line[1]) // 1) + int(line[3])
    assert base64.b64decode(answer["LogResult"]).decode() == "".join(restored[3:])


def test_a_failing_after_restore_hook_is_told_to_the_caller(deployed: Callable[..., str], aws: Aws) -> None:
    client = aws("lambda")
    name = deployed({"app.py": FAILS_AFTER_RESTORE}, Runtime=RUNTIME, SnapStart=SNAP_START)
    publish(client, name)
    with pytest.raises(client.exceptions.SnapStartException) as refused:
        invoke(client, name, "1")
    response = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    message = (
        "The afterRestore() runtime hook encountered an error. For more information, check the Amazon CloudWatch logs."
    )
    assert response["Error"] == {"Code": "SnapStartException", "Message": message}
    assert response["Type"] == "User"
    restored = messages(aws("logs"), name)[-1]
    assert any("ValueError: no database here" in line for line in restored)
    pattern = r"RESTORE_REPORT Restore Duration: [\d.]+ ms\tStatus: error\tError Type: Runtime.AfterRestoreError\t\n"
    assert re.fullmatch(pattern, restored[-1])


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("raise ValueError('not today')\n", "ValueError"),
        (
            "from snapshot_restore_py import register_before_snapshot\n"
            "register_before_snapshot(lambda: 1 / 0)\ndef handler(event, context): return 1\n",
            "Runtime.BeforeSnapshotError",
        ),
        ("import os\nos._exit(7)\n", "Runtime.ExitError"),
    ],
)
def test_a_version_whose_init_fails_is_failed_and_says_why(
    deployed: Callable[..., str], aws: Aws, source: str, error_type: str
) -> None:
    client = aws("lambda")
    name = deployed({"app.py": source}, Runtime=RUNTIME, SnapStart=SNAP_START)
    publish(client, name)
    seen = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert {key: seen[key] for key in ("State", "StateReason", "StateReasonCode", "SnapStart")} == {
        "State": "Failed",
        "StateReason": f"Function initialization failed while its snapshot was made: {error_type}",
        "StateReasonCode": "FunctionError.RuntimeInitError",
        "SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"},
    }
    with pytest.raises(client.exceptions.ResourceConflictException, match="Failed"):
        invoke(client, name, "1")
    (lines,) = messages(aws("logs"), name)
    assert re.fullmatch(
        rf"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: snap-start\tStatus: error\tError Type: {error_type}\t\n",
        lines[-1],
    )


def test_what_cannot_be_copied_starts_cold_and_the_log_says_why(deployed: Callable[..., str], aws: Aws) -> None:
    client = aws("lambda")
    source = (
        "import os, threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "def handler(event, context): return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
    )
    name = deployed({"app.py": source}, Runtime=RUNTIME, SnapStart=SNAP_START)
    publish(client, name)
    seen = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert (seen["State"], seen["SnapStart"]["OptimizationStatus"]) == ("Active", "Off")
    assert invoke(client, name, "1")[0] == "on-demand"
    assert messages(aws("logs"), name)[0][-1] == (
        "WARN SnapStart: no snapshot can be made of this function, which starts cold: it runs 2 threads.\n"
    )


def test_log_records_of_a_restored_function_have_a_channel_of_their_own(deployed: Callable[..., str], aws: Aws) -> None:
    client = aws("lambda")
    source = (
        "import logging, os\nlogging.getLogger().setLevel('INFO')\n"
        "def handler(event, context):\n    logging.info('one\\ntwo')\n"
        "    return '_LAMBDA_TELEMETRY_LOG_FD' in os.environ\n"
    )
    name = deployed({"app.py": source}, Runtime=RUNTIME, SnapStart=SNAP_START)
    publish(client, name)
    shown, _ = invoke(client, name, "1")
    assert shown is False
    restored = messages(aws("logs"), name)[-1]
    assert next(line for line in restored if "one" in line).endswith("\tone\ntwo\n")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    it = RunningServer(tmp_path / "data")
    it.start()
    yield it
    it.stop()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_snapshot_is_made_again_after_the_server_ended(
    own_server: RunningServer, zipped: Callable[..., bytes], end: str
) -> None:
    client = own_server.client("lambda")
    created(client, "f", zipped, HOOKS)
    publish(client, "f")
    before, _ = invoke(client, "f", "1")
    getattr(own_server, end)()
    own_server.start()
    client = own_server.client("lambda")
    after, answer = invoke(client, "f", "1", LogType="Tail")
    assert after["order"] == ["init", "before", "after"]
    assert after["calls"] == 1
    assert b"Restore Duration: " in base64.b64decode(answer["LogResult"])
    assert set(after["unique"]).isdisjoint(before["unique"])


def test_a_snapshot_whose_process_was_killed_is_made_again(
    own_server: RunningServer, zipped: Callable[..., bytes]
) -> None:
    client = own_server.client("lambda")
    created(client, "f", zipped, HOOKS)
    publish(client, "f")
    invoke(client, "f", "1")
    groups = list(Path("/sys/fs/cgroup").glob(f"**/ramuda/*-{own_server.pid}-*/*/cgroup.procs"))
    if not groups:
        pytest.skip("without control groups the processes are not found")
    for group in groups:
        for pid in group.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    answers = [invoke(client, "f", "1") for _ in range(2)]
    assert answers[-1][0]["order"] == ["init", "before", "after"]
    assert "FunctionError" not in answers[-1][1]


def test_a_version_that_was_pending_when_the_server_was_killed_becomes_active(
    own_server: RunningServer, zipped: Callable[..., bytes]
) -> None:
    client = own_server.client("lambda")
    created(client, "f", zipped, HOOKS)
    assert client.publish_version(FunctionName="f")["State"] == "Pending"
    own_server.kill()
    own_server.start()
    client = own_server.client("lambda")
    client.get_waiter("published_version_active").wait(FunctionName="f", Qualifier="1", WaiterConfig=WAIT)
    assert invoke(client, "f", "1")[0]["order"] == ["init", "before", "after"]


def test_the_process_sandbox_starts_cold(zipped: Callable[..., bytes]) -> None:
    with running_server("--sandbox", "process") as server:
        client = server.client("lambda")
        created(
            client, "f", zipped, "import os\ndef handler(e, c): return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
        )
        publish(client, "f")
        seen = client.get_function_configuration(FunctionName="f", Qualifier="1")
        assert seen["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
        assert invoke(client, "f", "1")[0] == "on-demand"
        assert "snapshot.not_possible" in server.log


def test_deleting_the_function_ends_its_snapshot_and_environments(
    aws: Aws, unique: str, zipped: Callable[..., bytes]
) -> None:
    client = aws("lambda")
    created(client, unique, zipped, HOOKS)
    publish(client, unique)
    invoke(client, unique, "1")
    client.delete_function(FunctionName=unique)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        invoke(client, unique, "1")
