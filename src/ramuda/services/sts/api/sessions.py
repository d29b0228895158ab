"""Temporary credentials.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
"""

from datetime import UTC, datetime

from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.credentials import CredentialIssuer, Credentials
from ramuda.services.sts import rules


class SessionOperations:
    """The operations that make keys."""

    def __init__(self, credentials: CredentialIssuer, *, other_accounts: bool) -> None:
        self._credentials = credentials
        self._other_accounts = other_accounts

    async def assume_role(self, call: Call) -> Result:
        role_arn, session_name = call.params["RoleArn"], call.params["RoleSessionName"]
        duration_s = call.params.get("DurationSeconds", rules.ROLE_SESSION_S_DEFAULT)
        rules.check_role_arn(role_arn)
        if not self._other_accounts:
            rules.check_own_role(role_arn, call.principal)
        rules.check_chaining(duration_s, call.principal)
        issued = self._credentials.issue_role_session(role_arn, session_name, duration_s)
        return {
            "Credentials": _wire(issued),
            "AssumedRoleUser": {"AssumedRoleId": issued.user_id, "Arn": issued.principal_arn},
        }

    async def get_session_token(self, call: Call) -> Result:
        rules.check_long_term(call.principal)
        duration_s = rules.session_s(call.params.get("DurationSeconds"), call.principal)
        return {"Credentials": _wire(self._credentials.issue_session(call.principal, duration_s))}


def _wire(credentials: Credentials) -> Result:
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": datetime.fromtimestamp(credentials.expires_at_s, UTC),
    }
