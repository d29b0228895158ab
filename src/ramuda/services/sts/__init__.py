"""AWS Security Token Service.

Native: GetCallerIdentity, AssumeRole, GetSessionToken. A role's trust policy is not evaluated: whoever may call at all
may assume any role, under --auth any of its own account. Every other operation goes to the delegated STS.

https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
"""

from ramuda.kernel.call import Service
from ramuda.kernel.ports.credentials import CredentialIssuer
from ramuda.services.sts.api.identity import get_caller_identity
from ramuda.services.sts.api.sessions import SessionOperations


def service(credentials: CredentialIssuer, *, other_accounts: bool = True) -> Service:
    """The STS API over `credentials`, which makes the keys that the gateway will later recognise. `other_accounts`:
    whether their roles may be assumed."""
    sessions = SessionOperations(credentials, other_accounts=other_accounts)
    return Service(
        name="sts",
        operations={
            "GetCallerIdentity": get_caller_identity,
            "AssumeRole": sessions.assume_role,
            "GetSessionToken": sessions.get_session_token,
        },
        delegate_rest=True,
    )
