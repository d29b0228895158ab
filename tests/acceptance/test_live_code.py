"""Edits that run at once: code that is a folder, and `ramuda deploy --watch`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ramuda.testing import RunningServer, running_server
from tests.conftest import Aws

HANDLER = "def handler(event, context): return {answer!r}"


def write(folder: Path, answer: str) -> None:
    (folder / "app.py").write_text(HANDLER.format(answer=answer))


@pytest.fixture
def folder(tmp_path: Path, unique: str) -> Path:
    made = tmp_path / unique
    made.mkdir()
    write(made, "first")
    return made


def invoke(client: Any, name: str) -> Any:
    return json.load(client.invoke(FunctionName=name)["Payload"])


def create(client: Any, name: str, folder: Path) -> dict[str, Any]:
    made: dict[str, Any] = client.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"S3Bucket": "hot-reload", "S3Key": str(folder)},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return made


def test_each_edit_of_a_folder_runs_at_the_next_invocation(aws: Aws, unique: str, folder: Path) -> None:
    client = aws("lambda")
    create(client, unique, folder)
    assert invoke(client, unique) == "first"
    for answer in ("second", "3rd", "fourth"):
        write(folder, answer)
        assert invoke(client, unique) == answer


def test_a_folder_only_its_owner_may_read_works_too(aws: Aws, unique: str, folder: Path) -> None:
    folder.chmod(0o700)
    (folder / "app.py").chmod(0o600)
    client = aws("lambda")
    create(client, unique, folder)
    assert invoke(client, unique) == "first"


def test_under_signature_checking_no_folder_becomes_code_unless_it_was_named(tmp_path: Path, folder: Path) -> None:
    data_dir = tmp_path / "data"
    command = [sys.executable, "-m", "ramuda.cli", "keys", "create", "--json", "--data-dir", str(data_dir)]
    key = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    with running_server("--auth", data_dir=data_dir) as server:
        client = server.client(
            "lambda", aws_access_key_id=key["accessKeyId"], aws_secret_access_key=key["secretAccessKey"]
        )
        with pytest.raises(client.exceptions.InvalidParameterValueException) as raised:
            create(client, "f", folder)
    assert raised.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": f"Code may not be taken from the folder {folder}.",
    }


def test_deploy_watch_deploys_every_change_and_survives_what_cannot_be_deployed(
    server: RunningServer, aws: Aws, folder: Path
) -> None:
    client = aws("lambda")
    command = [sys.executable, "-u", "-m", "ramuda.cli", "deploy", str(folder), "--watch", "--json"]
    environment = {**os.environ, **server.environment(), "RAMUDA_ENDPOINT": server.url}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["FunctionName"] == folder.name
        while not process.stderr.readline().startswith("watching "):
            pass
        assert invoke(client, folder.name) == "first"

        write(folder, "second")
        assert json.loads(process.stdout.readline())["LastUpdateStatus"] == "Successful"
        assert invoke(client, folder.name) == "second"

        (folder / "app.py").rename(folder / "app.txt")
        (folder / "app.txt").unlink()
        while "holds no files" not in process.stderr.readline():
            pass
        write(folder, "third")
        assert json.loads(process.stdout.readline())["LastUpdateStatus"] == "Successful"
        assert invoke(client, folder.name) == "third"

        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
