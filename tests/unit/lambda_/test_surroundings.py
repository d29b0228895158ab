"""VPC, subnets and their way out; KMS keys and what lies on the disk."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.errors import ApiError, PortError
from ramuda.services import lambda_ as service
from ramuda.services.lambda_.rules import network
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda

SUBNETS, GROUPS = ("ec2", "DescribeSubnets"), ("ec2", "DescribeSecurityGroups")
TABLES = ("ec2", "DescribeRouteTables")
VPC = {"SubnetIds": ["subnet-a"], "SecurityGroupIds": ["sg-a"]}
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
INTERNET = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
ENVIRONMENT = {"Variables": {"PASSWORD": "correct horse"}}


def in_ec2(lambda_: Lambda, *routes: dict[str, Any]) -> None:
    lambda_.delegates.running.add("ec2")
    lambda_.api.answers[SUBNETS] = {"Subnets": [{"SubnetId": "subnet-a", "VpcId": "vpc-1"}]}
    lambda_.api.answers[GROUPS] = {"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "vpc-1"}]}
    lambda_.api.answers[TABLES] = {"RouteTables": [{"Associations": [{"Main": True}], "Routes": list(routes)}]}


async def has_way_out(lambda_: Lambda) -> bool:
    await lambda_.settled()
    target = await lambda_.service.room.catalog.resolve(ACCOUNT, REGION, "f", None)
    return target.snapshot.has_way_out


def on_the_disk(lambda_: Lambda) -> str:
    with sqlite3.connect(lambda_.folder / "state.db") as connection:
        text = " ".join(row[0] for row in connection.execute("SELECT record FROM function_versions"))
    connection.close()
    return text


async def test_before_ec2_is_in_use_a_vpc_is_kept_as_given(lambda_: Lambda) -> None:
    made = await lambda_.create("f", VpcConfig=VPC)
    assert made["VpcConfig"] == {**VPC, "VpcId": "", "Ipv6AllowedForDualStack": False}
    assert lambda_.api.asked == []
    assert await has_way_out(lambda_)


async def test_a_function_in_a_subnet_with_nat_has_a_way_out(lambda_: Lambda) -> None:
    in_ec2(lambda_, NAT)
    made = await lambda_.create("f", VpcConfig=VPC)
    assert made["VpcConfig"] == {**VPC, "VpcId": "vpc-1", "Ipv6AllowedForDualStack": False}
    assert await has_way_out(lambda_)


async def test_an_internet_gateway_is_no_way_out_for_a_function(lambda_: Lambda) -> None:
    in_ec2(lambda_, INTERNET)
    await lambda_.create("f", VpcConfig=VPC)
    assert not await has_way_out(lambda_)


async def test_leaving_the_vpc_opens_the_way_out(lambda_: Lambda) -> None:
    in_ec2(lambda_)
    await lambda_.create("f", VpcConfig=VPC)
    assert not await has_way_out(lambda_)
    left = await lambda_(
        "UpdateFunctionConfiguration", FunctionName="f", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}
    )
    assert left["VpcConfig"]["VpcId"] == ""
    assert await has_way_out(lambda_)


async def test_a_subnet_that_is_not_there_is_refused_in_the_words_of_ec2(lambda_: Lambda) -> None:
    in_ec2(lambda_)
    lambda_.api.answers[SUBNETS] = ApiError("InvalidSubnetID.NotFound", "The subnet ID 'subnet-a' does not exist")
    with pytest.raises(ApiError) as raised:
        await lambda_.create("f", VpcConfig=VPC)
    assert (raised.value.code, raised.value.message) == (
        "InvalidParameterValueException",
        "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. "
        "EC2 Error Message: The subnet ID 'subnet-a' does not exist",
    )


async def test_subnets_and_groups_of_two_vpcs_are_refused(lambda_: Lambda) -> None:
    in_ec2(lambda_)
    lambda_.api.answers[GROUPS] = {"SecurityGroups": [{"GroupId": "sg-a", "VpcId": "vpc-2"}]}
    with pytest.raises(ApiError, match="not of one VPC: vpc-1, vpc-2"):
        await lambda_.create("f", VpcConfig=VPC)


async def test_when_ec2_cannot_be_reached_the_function_is_made_all_the_same(lambda_: Lambda) -> None:
    in_ec2(lambda_)
    lambda_.api.answers[SUBNETS] = PortError("away")
    await lambda_.create("f", VpcConfig=VPC)
    assert await has_way_out(lambda_)


@pytest.mark.parametrize(("egress", "expected"), [("open", True), ("none", False)])
async def test_the_way_out_of_vpcs_can_be_an_option(tmp_path: Path, egress: Any, expected: bool) -> None:
    lambda_ = await Lambda(tmp_path, service.Options(vpc_egress=egress)).start()
    await lambda_.create("f", VpcConfig=VPC)
    assert await has_way_out(lambda_) is expected
    await lambda_.stop()


def test_a_subnet_with_a_route_table_of_its_own_does_not_use_the_main_one() -> None:
    own = {"Associations": [{"Main": False, "SubnetId": "a"}], "Routes": [INTERNET]}
    main = {"Associations": [{"Main": True}], "Routes": [NAT]}
    assert not network.has_way_out([own, main], ["a"])
    assert network.has_way_out([own, main], ["b"])
    assert network.has_way_out([own, main], ["a", "b"])


def test_a_route_that_leads_nowhere_is_no_way_out() -> None:
    assert not network.has_way_out(
        [{"Associations": [{"Main": True}], "Routes": [{**NAT, "State": "blackhole"}]}], ["a"]
    )
    assert not network.has_way_out([{"Associations": [{"Main": True}], "Routes": []}], ["a"])
    assert not network.has_way_out([], ["a"])


async def test_environment_variables_are_not_readable_on_the_disk(lambda_: Lambda) -> None:
    made = await lambda_.create("f", Environment=ENVIRONMENT)
    assert made["Environment"] == ENVIRONMENT
    await lambda_("PublishVersion", FunctionName="f")
    assert "PASSWORD" not in on_the_disk(lambda_)
    assert "correct horse" not in on_the_disk(lambda_)
    again = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert again["Environment"] == ENVIRONMENT


async def test_a_disabled_key_is_refused(lambda_: Lambda) -> None:
    lambda_.delegates.running.add("kms")
    lambda_.api.answers["kms", "DescribeKey"] = {"KeyMetadata": {"KeyState": "Disabled"}}
    with pytest.raises(ApiError) as raised:
        await lambda_.create("f", KMSKeyArn=KEY, Environment=ENVIRONMENT)
    assert (raised.value.code, raised.value.message) == (
        "InvalidParameterValueException",
        "Lambda was unable to configure access to your environment variables because the KMS key is invalid for "
        "CreateGrant. Please check your KMS key settings. KMS Exception: DisabledException KMS Message: "
        "The key is disabled.",
    )


async def test_under_an_endpoint_for_kms_variables_need_its_key_after_a_restart(tmp_path: Path) -> None:
    lambda_ = Lambda(tmp_path)
    lambda_.delegates.endpoints.add("kms")
    lambda_.api.answers["kms", "GenerateDataKey"] = {"CiphertextBlob": b"for kms", "Plaintext": b"k" * 32}
    await lambda_.start()
    made = await lambda_.create("f", KMSKeyArn=KEY, Environment=ENVIRONMENT)
    assert (made["KMSKeyArn"], made["Environment"]) == (KEY, ENVIRONMENT)
    await lambda_.settled()
    await lambda_.stop()

    later = Lambda(tmp_path)
    later.delegates.endpoints.add("kms")
    later.api.answers["kms", "Decrypt"] = ApiError("NotFoundException", "Key 'arn' does not exist")
    await later.start()
    with pytest.raises(ApiError) as raised:
        await later("Invoke", FunctionName="f")
    assert (raised.value.code, raised.value.message) == (
        "KMSNotFoundException",
        "Lambda was unable to decrypt the environment variables because the KMS key was not found. Please check the "
        "function's KMS key settings. KMS Exception: NotFoundException KMS Message: Key 'arn' does not exist",
    )
    shown = await later("GetFunctionConfiguration", FunctionName="f")
    assert shown["Environment"] == {
        "Error": {
            "ErrorCode": "AccessDeniedException",
            "Message": "Lambda was unable to decrypt your environment variables because the KMS access was denied. "
            "Please check your KMS permissions.",
        }
    }

    later.api.answers["kms", "Decrypt"] = {"Plaintext": b"k" * 32}
    await later("Invoke", FunctionName="f")
    assert later.invoker.asked[-1].function.environment == ENVIRONMENT["Variables"]
    assert later.api.asked[-1][2] == {"CiphertextBlob": b"for kms", "KeyId": KEY}
    await later.stop()
