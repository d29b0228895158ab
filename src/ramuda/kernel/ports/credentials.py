"""Temporary and long-term credentials, as the gateway checks them and environments get them."""

from dataclasses import dataclass
from typing import Protocol

from ramuda.kernel.call import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """`principal_arn` and `user_id` are what GetCallerIdentity answers to who uses these."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at_s: float
    principal_arn: str = ""
    user_id: str = ""


class CredentialIssuer(Protocol):
    def issue_role_session(self, role_arn: str, session_name: str, duration_s: int) -> Credentials:
        """Credentials of `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`. Stateless: they outlive a restart of the
        server."""
        ...

    def issue_session(self, principal: Principal, duration_s: int) -> Credentials:
        """Temporary credentials for the principal itself (GetSessionToken)."""
        ...
