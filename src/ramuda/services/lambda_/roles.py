"""Looks execution roles up in IAM, when there is an IAM to look in.

By default that is lenient until it is of use: an account without a single role does not use IAM, and there any
well-formed role will do; with the first role made, roles must be there and trust Lambda.
"""

import logging
from collections.abc import Callable
from typing import Any

from ramuda.kernel.arn import Arn
from ramuda.kernel.call import Result
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.ports.api import Api
from ramuda.services.lambda_.options import Options
from ramuda.services.lambda_.rules import refusals
from ramuda.services.lambda_.rules import roles as rules

log = logging.getLogger(__name__)


class Roles:
    """Checks that Lambda may assume a role. A role found good is not looked up again for `Options.role_cache_s`."""

    def __init__(self, api: Api, clock: Clock, options: Options, roles_known: Callable[[], bool]) -> None:
        self._api = api
        self._clock = clock
        self._options = options
        self._roles_known = roles_known
        self._good_until: dict[str, float] = {}

    async def check(self, role: str, account: str) -> None:
        """Raises AWS's refusal unless `role` (an ARN) is there and trusts Lambda."""
        mode = self._options.role_check
        if self._options.other_accounts is False:
            _check_own(role, account)
        if mode == "never" or (mode == "auto" and not self._roles_known()):
            return
        arn = _check_own(role, account)
        now = self._clock.monotonic()
        if self._good_until.get(role, now) > now:
            return
        if await self._is_good(arn):
            self._good_until = {known: until for known, until in self._good_until.items() if until > now}
            self._good_until[role] = now + self._options.role_cache_s

    async def _is_good(self, arn: Arn) -> bool:
        """False when IAM could not say."""
        name = arn.resource.rpartition("/")[2]
        try:
            answer = await self._iam("GetRole", {"RoleName": name}, arn.account)
        except ApiError as e:
            if self._options.role_check == "auto" and not await self._has_roles(arn.account):
                return False
            raise refusals.role_not_assumable() from e
        except PortError as e:
            if self._options.role_check == "always":
                raise ApiError("ServiceException", f"IAM could not be reached: {e}", fault="Server") from e
            log.warning("lambda.role.unchecked", extra={"role": str(arn), "reason": str(e)})
            return False
        if not rules.lambda_may_assume(answer["Role"].get("AssumeRolePolicyDocument", "")):
            raise refusals.role_not_assumable()
        return True

    async def _has_roles(self, account: str) -> bool:
        answer = await self._iam("ListRoles", {"MaxItems": 1}, account)
        return bool(answer.get("Roles"))

    async def _iam(self, operation: str, params: dict[str, Any], account: str) -> Result:
        return await self._api.call("iam", operation, params, account=account, region="us-east-1")


def _check_own(role: str, account: str) -> Arn:
    """The role's ARN. Raises AWS's refusal unless the role is the account's own."""
    arn = Arn.parse(role)
    if arn.account != account:
        raise ApiError("AccessDeniedException", "Cross-account pass role is not allowed.", status=403)
    return arn
