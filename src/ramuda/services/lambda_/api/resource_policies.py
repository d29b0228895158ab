"""Resource policies as whole documents. They are the ones that AddPermission writes: both views show the same.

Policies of customer-managed runtimes (`:runtime/...` ARNs) are refused, as such runtimes are.
https://docs.aws.amazon.com/lambda/latest/api/API_PutResourcePolicy.html and its neighbours
"""

from dataclasses import replace

from ramuda.kernel.arn import Arn
from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_.api import policies as statements
from ramuda.services.lambda_.model import ResourcePolicy
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import names, policies, policy_documents, refusals

_READ_WITH = "GetResourcePolicy"  # SM: "To retrieve the current revision ID, use the GetResourcePolicy operation"


async def put_resource_policy(room: Room, call: Call) -> Result:
    named = _resource(call)
    policies.check_qualifier(named.qualifier)
    document = policy_documents.parse(call.params["Policy"], named.arn)

    def write(tx: Transaction) -> ResourcePolicy:
        if statements.revision_id(tx, named) is None:
            raise policies.nothing_there()
        policy = statements.of(tx, named)
        current = None if policy is None else policy.revision_id
        policies.check_revision(call.params.get("RevisionId"), current, api=_READ_WITH)
        wanted = replace(
            policy or statements.fresh(named),
            statements=document.statements,
            language=document.language,
            policy_id=document.policy_id,
        )
        return statements.put(tx, room, wanted)

    policy = await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return _shown(policy)


async def get_resource_policy(room: Room, call: Call) -> Result:
    named = _resource(call)
    policy = await room.database.read(lambda tx: statements.of(tx, named))
    if policy is None:
        raise policies.nothing_there()
    return _shown(policy)


async def delete_resource_policy(room: Room, call: Call) -> Result:
    named = _resource(call)

    def write(tx: Transaction) -> None:
        if statements.revision_id(tx, named) is None:
            raise policies.nothing_there()
        policy = statements.of(tx, named)
        if policy is None:
            raise policies.no_policy()
        policies.check_revision(call.params.get("RevisionId"), policy.revision_id, api=_READ_WITH)
        statements.delete(tx, policy)

    await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return {}


def _resource(call: Call) -> names.Named:
    text = call.params["ResourceArn"]
    if Arn.parse(text).resource.startswith("runtime/"):
        raise refusals.unsupported("A policy of a custom runtime")
    return names.parse(text, call.account, call.region)


def _shown(policy: ResourcePolicy) -> Result:
    return {"Policy": policies.text(policy.document), "RevisionId": policy.revision_id}


OPERATIONS = {
    "PutResourcePolicy": put_resource_policy,
    "GetResourcePolicy": get_resource_policy,
    "DeleteResourcePolicy": delete_resource_policy,
}
