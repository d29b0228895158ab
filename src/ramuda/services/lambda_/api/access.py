"""What resource policies let callers do: invoke a function, get a layer version.

Callers of other accounts need a policy that lets them. Those of the function's own account may invoke it (identity
policies are not evaluated) unless its policy denies it. Other operations on functions, and their policies' denials of
them, are not asked about. There is no Organizations here: all accounts of this server belong to
`Options.organization_id`, where that is set.
"""

from datetime import UTC, datetime

from ramuda.authz import resource_policy
from ramuda.authz.resource_policy import Value
from ramuda.kernel.call import Call
from ramuda.services.lambda_.model import ResourcePolicy
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import names, policies, refusals
from ramuda.services.lambda_.store import tables

INVOKE = "lambda:InvokeFunction"


async def owner(room: Room, call: Call) -> str:
    """The account of the function that the call wants to invoke. Raises AWS's error when the policy of what was named
    (the function, the version or the alias) denies it to the caller, or does not let a caller of another account in."""
    params = call.params
    account = names.account_of(params["FunctionName"]) or call.account
    named = names.parse(params["FunctionName"], account, call.region, params.get("Qualifier"))
    policy = await room.database.read(
        lambda tx: tables.policies.get(tx, named.account, named.region, named.name, named.qualifier or "")
    )
    effect = None if policy is None else _decide(room, call, policy, INVOKE, named.arn).effect
    if effect == "Deny":
        raise policies.denied(call.principal.arn, INVOKE, named.arn)
    if effect is None and account != call.account:
        raise refusals.other_account()
    return account


def is_allowed(room: Room, call: Call, policy: ResourcePolicy | None, action: str, resource: str) -> bool:
    """Whether `policy`, that of `resource`, lets the caller do `action` (`lambda:GetLayerVersion`)."""
    return policy is not None and _decide(room, call, policy, action, resource).is_allowed


def _decide(room: Room, call: Call, policy: ResourcePolicy, action: str, resource: str) -> resource_policy.Decision:
    request = resource_policy.Request(
        action=action, resource=resource, principal=call.principal, context=context(room, call)
    )
    return resource_policy.evaluate(policy.document, request)


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
