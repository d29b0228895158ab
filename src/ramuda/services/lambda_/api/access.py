"""What resource policies let callers of other accounts do.

Within an account nothing is asked here: identity policies are not evaluated. There is no Organizations here either; all
accounts of this server belong to `Options.organization_id`, where that is set.
"""

from datetime import UTC, datetime

from ramuda.authz import resource_policy
from ramuda.authz.resource_policy import Value
from ramuda.kernel.call import Call
from ramuda.services.lambda_.model import ResourcePolicy
from ramuda.services.lambda_.room import Room


def is_allowed(room: Room, call: Call, policy: ResourcePolicy | None, action: str, resource: str) -> bool:
    """Whether `policy`, that of `resource`, lets the caller do `action` (`lambda:InvokeFunction`)."""
    if policy is None:
        return False
    request = resource_policy.Request(
        action=action, resource=resource, principal=call.principal, context=context(room, call)
    )
    return resource_policy.evaluate(policy.document, request).is_allowed


def context(room: Room, call: Call) -> dict[str, Value]:
    """The condition keys of a call that do not come from its principal."""
    now_s = room.clock.time()
    keys: dict[str, Value] = {
        "aws:CurrentTime": datetime.fromtimestamp(now_s, UTC).isoformat(),
        "aws:EpochTime": int(now_s),
        "aws:SecureTransport": False,
        "aws:SourceIp": call.source_ip,
    }
    if room.options.organization_id:
        keys["aws:PrincipalOrgID"] = room.options.organization_id
    if "user-agent" in call.headers:
        keys["aws:UserAgent"] = call.headers["user-agent"]
    return keys
