"""STS's own rules, beyond what the service model says (lengths, patterns, 900-43200 seconds).

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
"""

import re

from ramuda.kernel.call import Principal
from ramuda.kernel.errors import ApiError

ROLE_SESSION_S_DEFAULT = 3600
CHAINED_SESSION_S_MAX = 3600  # "role chaining limits your session to a maximum of one hour"
USER_SESSION_S_DEFAULT = 43_200
ROOT_SESSION_S_MAX = 3600  # "Credentials for AWS account owners are restricted to a maximum of 3,600 seconds"

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/(?:[\x21-\x7e]+/)?[\w+=,.@-]{1,64}", re.ASCII)


def check_role_arn(role_arn: str) -> None:
    if not _ROLE_ARN.fullmatch(role_arn):
        raise ApiError("ValidationError", f"{role_arn} is invalid", status=400)


def check_own_role(role_arn: str, caller: Principal) -> None:
    if role_arn.split(":")[4] != caller.account:
        raise ApiError(
            "AccessDenied",
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
            status=403,
        )


def check_chaining(duration_s: int, caller: Principal) -> None:
    """Whoever is in an assumed role already gets one hour at most."""
    if ":assumed-role/" in caller.arn and duration_s > CHAINED_SESSION_S_MAX:
        raise ApiError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            status=400,
        )


def check_long_term(caller: Principal) -> None:
    """GetSessionToken is for long-term keys."""
    if caller.session_token is not None:
        raise ApiError("AccessDenied", "Cannot call GetSessionToken with session credentials", status=403)


def session_s(requested_s: int | None, caller: Principal) -> int:
    """How long a session of the caller itself lasts. A root's longer wish is cut to an hour, not refused."""
    wanted_s = USER_SESSION_S_DEFAULT if requested_s is None else requested_s
    return min(wanted_s, ROOT_SESSION_S_MAX) if caller.arn.endswith(":root") else wanted_s
