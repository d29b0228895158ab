"""Whether a function in a VPC reaches anything outside: what its subnets' route tables say (pure).

An environment has no public address, so an internet gateway is no way out for it; a NAT gateway is.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.rules import refusals

EVERYWHERE = ("0.0.0.0/0", "::/0")
_WAYS = ("NatGatewayId", "TransitGatewayId", "InstanceId", "NetworkInterfaceId", "VpcPeeringConnectionId")


def has_way_out(route_tables: Sequence[Mapping[str, Any]], subnets: Iterable[str]) -> bool:
    """Whether one subnet at least has a default route that leads out. `route_tables` are all of the VPC, as
    DescribeRouteTables gives them; a subnet without a table of its own has the main one."""
    own: dict[str, Mapping[str, Any]] = {}
    main: Mapping[str, Any] = {}
    for table in route_tables:
        for association in table.get("Associations", []):
            if association.get("Main"):
                main = table
            elif "SubnetId" in association:
                own[association["SubnetId"]] = table
    return any(_leads_out(own.get(subnet, main)) for subnet in subnets)


def _leads_out(table: Mapping[str, Any]) -> bool:
    return any(_is_way_out(route) for route in table.get("Routes", []))


def _is_way_out(route: Mapping[str, Any]) -> bool:
    to = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
    if to not in EVERYWHERE or route.get("State", "active") != "active":
        return False
    return any(route.get(way) for way in _WAYS) or str(route.get("GatewayId", "")).startswith("vgw-")


def ec2_failed(operation: str, code: str, message: str | None) -> ApiError:
    return refusals.invalid(f"Error occurred while {operation}. EC2 Error Code: {code}. EC2 Error Message: {message}")


def several_vpcs(vpcs: Iterable[str]) -> ApiError:
    return refusals.invalid(f"The subnets and security groups are not of one VPC: {', '.join(sorted(vpcs))}.")  # ours
