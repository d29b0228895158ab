"""The same function where nothing can be isolated: it runs, reaches the platform, and the server says so aloud."""

import base64
import json
from collections.abc import Callable

from ramuda.testing import running_server
from tests.conftest import ROLE

SOURCE = """
import boto3, os
def handler(event, context):
    open("/tmp/ignored" if event is None else os.path.join(os.environ["TMPDIR"], "mine"), "w").write("x")
    return [boto3.client("sts").get_caller_identity()["Arn"], event]
"""


def test_a_function_runs_and_calls_the_platform_in_the_process_sandbox(zipped: Callable[..., bytes]) -> None:
    with running_server("--sandbox", "process") as server:
        assert server.ready["sandbox"] == {
            "backend": "process",
            "reason": "as asked: functions run as this user, WITHOUT isolation",
        }
        client = server.client("lambda")
        code = {"ZipFile": zipped({"app.py": SOURCE})}
        client.create_function(
            FunctionName="f", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code, Timeout=20
        )
        client.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
        answer = client.invoke(FunctionName="f", Payload=b"7", LogType="Tail")
        assert json.loads(answer["Payload"].read()) == ["arn:aws:sts::000000000000:assumed-role/lambda-role/f", 7]
        log = base64.b64decode(answer["LogResult"]).decode()
        assert log.startswith(f"START RequestId: {answer['ResponseMetadata']['RequestId']} Version: $LATEST\n")
        assert server.stop() == 0
