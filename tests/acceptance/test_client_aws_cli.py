"""AWS CLI v1, in a virtual environment of its own because it pins botocore."""

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ramuda.testing import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CODE = 'def handler(event, context):\n    print("greeting", event["name"])\n    return {"hello": event["name"]}\n'


class AwsCli:
    def __init__(self, program: Path, server: RunningServer, home: Path) -> None:
        self._program = program
        self._environment = {**server.environment(), "HOME": str(home), "AWS_PAGER": ""}

    def __call__(self, *arguments: str) -> Any:
        done = subprocess.run(
            [str(self._program), *arguments], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refusal(self, *arguments: str) -> str:
        """What it says when AWS refuses."""
        done = subprocess.run(
            [str(self._program), *arguments], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        return done.stderr.strip()


@pytest.fixture
def cli(own_environment: Callable[..., Path], server: RunningServer, tmp_path: Path) -> Iterator[AwsCli]:
    return AwsCli(own_environment("awscli", "awscli<2") / "aws", server, tmp_path)


def test_a_function_lives_and_dies_by_the_aws_cli(
    cli: AwsCli, unique: str, zipped: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "code.zip").write_bytes(zipped({"app.py": CODE}))
    made = cli(
        "lambda", "create-function", "--function-name", unique, "--runtime", "python3.11", "--handler", "app.handler",
        "--role", "arn:aws:iam::000000000000:role/cli", "--zip-file", f"fileb://{tmp_path}/code.zip",
    )  # fmt: skip
    assert made["FunctionArn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{unique}"
    cli("lambda", "wait", "function-active-v2", "--function-name", unique)

    (tmp_path / "event.json").write_text('{"name": "Ada"}')
    answered = cli(
        "lambda", "invoke", "--function-name", unique, "--log-type", "Tail",
        "--payload", f"fileb://{tmp_path}/event.json", str(tmp_path / "answer.json"),
    )  # fmt: skip
    assert json.loads((tmp_path / "answer.json").read_text()) == {"hello": "Ada"}
    assert (answered["StatusCode"], answered["ExecutedVersion"]) == (200, "$LATEST")
    tail = base64.b64decode(answered["LogResult"]).decode().splitlines()
    assert [line.split()[0] for line in tail[-4:]] == ["START", "greeting", "END", "REPORT"]

    assert unique in {f["FunctionName"] for f in cli("lambda", "list-functions")["Functions"]}
    assert cli("lambda", "delete-function", "--function-name", unique) in (None, {"StatusCode": 204})
    assert cli.refusal("lambda", "get-function", "--function-name", unique) == (
        "An error occurred (ResourceNotFoundException) when calling the GetFunction operation: "
        f"Function not found: arn:aws:lambda:us-east-1:000000000000:function:{unique}"
    )
