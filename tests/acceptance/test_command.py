"""The `ramuda` command against a real server, from a folder to an answer and its log."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ramuda.testing import RunningServer, running_server

CODE = """
def handler(event, context):
    if "fail" in event:
        raise ValueError(event["fail"])
    print("greeting", event["name"])
    return {"hello": event["name"]}
"""


@pytest.fixture
def folder(tmp_path: Path, unique: str) -> Path:
    it = tmp_path / unique
    it.mkdir()
    (it / "app.py").write_text(CODE)
    return it


def _ramuda(server: RunningServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ramuda.cli", *arguments],
        env={**server.environment(), "RAMUDA_ENDPOINT": server.url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_from_a_folder_to_an_answer_and_its_log(server: RunningServer, folder: Path) -> None:
    name = folder.name
    made = _ramuda(server, "deploy", str(folder), "--timeout", "5")
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[0] == f"made arn:aws:lambda:us-east-1:000000000000:function:{name}"

    answered = _ramuda(server, "invoke", name, '{"name": "Ada"}', "--tail")
    assert (answered.returncode, json.loads(answered.stdout)) == (0, {"hello": "Ada"})
    assert [line.split()[0] for line in answered.stderr.splitlines()][-4:] == ["START", "greeting", "END", "REPORT"]

    failed = _ramuda(server, "invoke", name, '{"fail": "no tea"}')
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.splitlines()[0] == "ValueError: no tea"

    listed = json.loads(_ramuda(server, "functions", "--json").stdout)
    assert [f["Timeout"] for f in listed if f["FunctionName"] == name] == [5]

    updated = _ramuda(server, "deploy", str(folder), "--memory", "256")
    assert updated.stdout.splitlines()[0] == f"updated arn:aws:lambda:us-east-1:000000000000:function:{name}"

    log = _ramuda(server, "logs", name, "--json").stdout.splitlines()
    messages = [json.loads(line)["message"] for line in log]
    assert "greeting Ada\n" in messages
    assert len([m for m in messages if m.startswith("REPORT RequestId: ")]) == 2


def test_a_function_that_is_not_there_is_exit_code_4(server: RunningServer, unique: str) -> None:
    refused = _ramuda(server, "invoke", unique)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert refused.stderr.splitlines()[0].startswith("error: Invoke: Function not found: arn:aws:lambda:us-east-1:")


def _keys(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ramuda.cli", "keys", *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_keys_made_by_the_command_are_the_ones_a_server_accepts(tmp_path: Path) -> None:
    key = json.loads(_keys(tmp_path / "data", "create", "--json").stdout)
    with running_server("--auth", data_dir=tmp_path / "data") as server:
        sts = server.client("sts", aws_access_key_id=key["accessKeyId"], aws_secret_access_key=key["secretAccessKey"])
        assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
        stranger = server.client("sts")
        with pytest.raises(stranger.exceptions.ClientError, match="InvalidClientTokenId"):
            stranger.get_caller_identity()


def test_a_running_server_follows_the_keys_that_the_command_makes_and_deletes(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running_server("--auth", data_dir=data_dir) as server:
        made = _keys(data_dir, "create", "--user", "ann", "--json")
        assert made.returncode == 0, made.stderr
        key = json.loads(made.stdout)
        sts = server.client("sts", aws_access_key_id=key["accessKeyId"], aws_secret_access_key=key["secretAccessKey"])
        assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/ann"
        assert key["accessKeyId"] in _keys(data_dir, "list").stdout

        deleted = _keys(data_dir, "delete", key["accessKeyId"])
        assert (deleted.returncode, deleted.stderr) == (0, f"deleted {key['accessKeyId']}\n")
        with pytest.raises(sts.exceptions.ClientError, match="InvalidClientTokenId"):
            sts.get_caller_identity()
        again = _keys(data_dir, "delete", key["accessKeyId"])
        assert (again.returncode, again.stderr.splitlines()[0]) == (2, f"error: there is no key {key['accessKeyId']}")


def test_another_address_is_refused_without_signature_checking() -> None:
    serve = [sys.executable, "-m", "ramuda.cli", "serve", "--host", "0.0.0.0", "--port", "0"]
    refused = subprocess.run(serve, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr == (
        "error: --host 0.0.0.0 would let anybody who reaches this machine run code on it. "
        "Turn on signature checking with --auth, or stay with 127.0.0.1.\n"
    )


def test_doctor_says_what_this_machine_can_do() -> None:
    doctor = [sys.executable, "-m", "ramuda.cli", "doctor"]
    told = subprocess.run([*doctor, "--json"], capture_output=True, text=True, check=False)
    report = json.loads(told.stdout)
    assert [sandbox["backend"] for sandbox in report["sandboxes"]] == ["isolated", "process"]
    assert (told.returncode == 0) is any(sandbox["usable"] for sandbox in report["sandboxes"])
    assert {"python3.11", "nodejs22.x", "provided.al2023"} <= {runtime["identifier"] for runtime in report["runtimes"]}
    human = subprocess.run(doctor, capture_output=True, text=True, check=False).stdout
    assert "sandbox isolated" in human
    assert "\x1b[" not in human
