"""Looks subnets and security groups of functions up in EC2, where EC2 is in use, and whether they have a way out."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ramuda.kernel.call import Result
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.ports.api import Api
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.rules import network

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What VpcConfig means. `vpc_id` is empty where nobody knows."""

    vpc_id: str = ""
    has_way_out: bool = True


class Vpcs:
    """`is_known` says whether EC2 is in use: an endpoint is configured, or something was delegated already."""

    def __init__(self, api: Api, options: Options, is_known: Callable[[], bool]) -> None:
        self._api = api
        self._options = options
        self._is_known = is_known

    async def examine(self, config: Mapping[str, Any], account: str, region: str) -> Surroundings:
        """Raises EC2's refusal in Lambda's words for subnets and groups that are not there."""
        subnets: list[str] = config.get("SubnetIds", [])
        if not subnets:
            return Surroundings()
        egress = self._options.vpc_egress
        try:
            found = await self._find(subnets, config["SecurityGroupIds"], account, region) if self._is_known() else ""
            if egress != "auto" or not found:
                return Surroundings(vpc_id=found, has_way_out=egress != "none")
            filters = [{"Name": "vpc-id", "Values": [found]}]
            tables = await self._ec2("DescribeRouteTables", {"Filters": filters}, account, region)
        except PortError as e:
            log.warning("lambda.vpc.unchecked", extra={"reason": str(e)})
            return Surroundings(has_way_out=egress != "none")
        return Surroundings(vpc_id=found, has_way_out=network.has_way_out(tables.get("RouteTables", []), subnets))

    async def _find(self, subnets: list[str], groups: list[str], account: str, region: str) -> str:
        answers = [
            (await self._ec2("DescribeSubnets", {"SubnetIds": subnets}, account, region)).get("Subnets", []),
            (await self._ec2("DescribeSecurityGroups", {"GroupIds": groups}, account, region)).get(
                "SecurityGroups", []
            ),
        ]
        vpcs = {entry["VpcId"] for entries in answers for entry in entries}
        if len(vpcs) > 1:
            raise network.several_vpcs(vpcs)
        return vpcs.pop() if vpcs else ""

    async def _ec2(self, operation: str, params: dict[str, Any], account: str, region: str) -> Result:
        try:
            return await self._api.call("ec2", operation, params, account=account, region=region)
        except ApiError as e:
            if e.code in ("NotImplemented", "UnknownOperationException"):
                raise PortError(f"EC2 is not served: {e}") from e
            raise network.ec2_failed(operation, e.code, e.message) from e
