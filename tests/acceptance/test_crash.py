"""The server killed with SIGKILL: what it had answered for is still there."""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ramuda.testing import RunningServer
from tests.conftest import ROLE

CODE = "def handler(event, context):\n    print('back again')\n    return {'version': context.function_version}\n"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    it = RunningServer(tmp_path / "data")
    it.start()
    yield it
    it.stop()


def test_a_function_deployed_before_a_kill_is_invoked_after_it(
    own_server: RunningServer, zipped: Callable[..., bytes]
) -> None:
    client = own_server.client("lambda")
    made = client.create_function(
        FunctionName="f",
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": CODE})},
    )
    layer = client.publish_layer_version(LayerName="l", Content={"ZipFile": zipped({"python/x.py": "X = 1\n"})})
    own_server.kill()

    own_server.start()
    client = own_server.client("lambda")
    client.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    found = client.get_function_configuration(FunctionName="f")
    assert (found["CodeSha256"], found["FunctionArn"]) == (made["CodeSha256"], made["FunctionArn"])
    assert json.loads(client.invoke(FunctionName="f")["Payload"].read()) == {"version": "$LATEST"}
    assert client.get_layer_version(LayerName="l", VersionNumber=1)["LayerVersionArn"] == layer["LayerVersionArn"]


def processes(server_pid: int) -> list[str]:
    """Of the sandboxes of a server, by their control groups; of servers that ended as well."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if re.search(rf"/ramuda/\d+-{server_pid}-", path.read_text()):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="needs control groups")
def test_the_next_server_ends_what_a_kill_left_frozen(
    own_server: RunningServer, zipped: Callable[..., bytes], unique: str
) -> None:
    client = own_server.client("lambda")
    client.create_function(
        FunctionName=unique,
        Runtime="python3.12",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": CODE})},
        SnapStart={"ApplyOn": "PublishedVersions"},
    )
    wait = {"Delay": 0.1, "MaxAttempts": 300}
    client.get_waiter("function_active_v2").wait(FunctionName=unique, WaiterConfig=wait)
    client.publish_version(FunctionName=unique)
    client.get_waiter("published_version_active").wait(FunctionName=unique, Qualifier="1", WaiterConfig=wait)
    for qualifier in ("$LATEST", "1"):
        assert client.invoke(FunctionName=unique, Qualifier=qualifier)["StatusCode"] == 200
    killed = own_server.pid
    assert processes(killed)
    own_server.kill()
    own_server.start()
    until_s = time.monotonic() + 20
    while processes(killed):
        assert time.monotonic() < until_s
        threading.Event().wait(0.05)


def test_a_second_server_is_refused_the_same_data_directory(own_server: RunningServer) -> None:
    second = RunningServer(own_server.data_dir)
    with pytest.raises(RuntimeError, match="another server is using it"):
        second.start()
    second.stop()
