"""Functions in VPCs and under KMS keys, with EC2 and KMS as the delegated services play them."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ramuda.testing import RunningServer, running_server
from tests.conftest import Aws

REACH = """
import boto3, socket
def handler(event, context):
    try:
        with socket.create_connection(("203.0.113.1", 443), timeout=5) as s:
            s.settimeout(5)
            out = "read " + repr(s.recv(1))
    except OSError as e:
        out = type(e).__name__
    return [out, boto3.client("sts").get_caller_identity()["Account"]]
"""
SHOW = "import os\ndef handler(event, context): return os.environ['PASSWORD']"


def create(
    client: Any, zipped: Callable[[dict[str, str]], bytes], name: str, source: str, **more: Any
) -> dict[str, Any]:
    made: dict[str, Any] = client.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Timeout=20,
        Code={"ZipFile": zipped({"app.py": source})},
        **more,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return made


def answer(client: Any, name: str) -> Any:
    return json.load(client.invoke(FunctionName=name)["Payload"])


def private_subnet(ec2: Any) -> tuple[str, str, str]:
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    return vpc, subnet, group


@pytest.mark.slow
def test_a_function_in_a_vpc_without_nat_reaches_the_platform_and_nothing_else(
    aws: Aws, zipped: Callable[[dict[str, str]], bytes], unique: str
) -> None:
    vpc, subnet, group = private_subnet(aws("ec2"))
    client = aws("lambda")
    made = create(client, zipped, unique, REACH, VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": [group]})
    assert made["VpcConfig"] == {
        "SubnetIds": [subnet],
        "SecurityGroupIds": [group],
        "VpcId": vpc,
        "Ipv6AllowedForDualStack": False,
    }
    assert answer(client, unique) == ["ConnectionResetError", "000000000000"]
    with pytest.raises(client.exceptions.InvalidParameterValueException) as raised:
        client.update_function_configuration(
            FunctionName=unique, VpcConfig={"SubnetIds": ["subnet-0123456789abcdef0"], "SecurityGroupIds": [group]}
        )
    assert raised.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. "
        "EC2 Error Message: The subnet ID 'subnet-0123456789abcdef0' does not exist",
    }


@pytest.fixture
def kms_endpoint(tmp_path: Path) -> Iterator[RunningServer]:
    """Another server, whose KMS plays one that lives on its own."""
    with running_server(data_dir=tmp_path / "kms") as server:
        yield server


@pytest.mark.slow
def test_variables_under_a_kms_key_of_an_own_endpoint_survive_a_restart_and_need_the_key(
    tmp_path: Path, kms_endpoint: RunningServer, zipped: Callable[[dict[str, str]], bytes]
) -> None:
    kms = kms_endpoint.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    data_dir = tmp_path / "data"
    options = ("--endpoint", f"kms={kms_endpoint.url}")
    environment = {"Variables": {"PASSWORD": "correct horse"}}
    with running_server(*options, data_dir=data_dir) as server:
        client = server.client("lambda")
        made = create(client, zipped, "f", SHOW, KMSKeyArn=key, Environment=environment)
        assert (made["KMSKeyArn"], made["Environment"]) == (key, environment)
        assert answer(client, "f") == "correct horse"
    for stored in (data_dir / "state.db", data_dir / "state.db-wal"):
        assert b"correct horse" not in (stored.read_bytes() if stored.exists() else b"")
    with running_server(*options, data_dir=data_dir) as server:
        assert answer(server.client("lambda"), "f") == "correct horse"
    with (
        running_server(data_dir=tmp_path / "other-kms") as stranger,
        running_server("--endpoint", f"kms={stranger.url}", data_dir=data_dir) as server,
    ):
        client = server.client("lambda")
        shown = client.get_function_configuration(FunctionName="f")["Environment"]
        assert shown == {
            "Error": {
                "ErrorCode": "AccessDeniedException",
                "Message": "Lambda was unable to decrypt your environment variables because the KMS access was denied. "
                "Please check your KMS permissions.",
            }
        }
        with pytest.raises(client.exceptions.KMSNotFoundException):
            client.invoke(FunctionName="f")
    with running_server(*options, data_dir=data_dir) as server:
        assert answer(server.client("lambda"), "f") == "correct horse"


def test_variables_do_not_lie_in_clear_in_the_database(
    server: RunningServer, aws: Aws, zipped: Callable[[dict[str, str]], bytes], unique: str
) -> None:
    client = aws("lambda")
    create(client, zipped, unique, SHOW, Environment={"Variables": {"PASSWORD": "correct horse"}})
    assert answer(client, unique) == "correct horse"
    with sqlite3.connect(server.data_dir / "state.db") as connection:
        stored = [
            row[0] for row in connection.execute("SELECT record FROM function_versions WHERE name = ?", (unique,))
        ]
    connection.close()
    assert len(stored) == 1
    assert "sealed_environment" in stored[0]
    assert "PASSWORD" not in stored[0]
