"""The server killed with SIGKILL: what it had answered for is still there."""

import json
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


def test_a_second_server_is_refused_the_same_data_directory(own_server: RunningServer) -> None:
    second = RunningServer(own_server.data_dir)
    with pytest.raises(RuntimeError, match="another server is using it"):
        second.start()
    second.stop()
