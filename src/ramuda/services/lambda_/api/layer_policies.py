"""Resource policies of layer versions: who, beside their own account, may use them.

https://docs.aws.amazon.com/lambda/latest/dg/permissions-layer-cross-account.html
"""

from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import layers as reading
from ramuda.services.lambda_.model import ResourcePolicy
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import layers, policies
from ramuda.services.lambda_.store import tables

_READ_WITH = "GetLayerPolicy"  # REC


async def add_layer_version_permission(room: Room, call: Call) -> Result:
    named = reading.own_version(call)
    statement = policies.layer_statement(call.params, named.arn)

    def write(tx: Transaction) -> ResourcePolicy:
        policy = _of_version(tx, named)
        current = None if policy is None else policy.revision_id
        policies.check_revision(call.params.get("RevisionId"), current, api=_READ_WITH)
        policy = policy or _fresh(named)
        return _put(tx, room, replace(policy, statements=policies.added(policy.statements, statement)))

    policy = await room.database.write(write)
    return {"Statement": policies.text(statement), "RevisionId": policy.revision_id}


async def remove_layer_version_permission(room: Room, call: Call) -> Result:
    named = reading.own_version(call)

    def write(tx: Transaction) -> None:
        policy = _of_version(tx, named)
        policy = policies.after_removal(policy, call.params, api=_READ_WITH)
        if policy.statements:
            _put(tx, room, policy)
        else:
            tables.layer_policies.delete(tx, policy.account, policy.region, policy.name, policy.qualifier)

    await room.database.write(write)
    return {}


async def get_layer_version_policy(room: Room, call: Call) -> Result:
    named = reading.own_version(call)
    policy = await room.database.read(lambda tx: _of_version(tx, named))
    if policy is None:
        raise policies.no_policy()
    return {"Policy": policies.text(policy.document), "RevisionId": policy.revision_id}


def _of_version(tx: Transaction, named: layers.Named) -> ResourcePolicy | None:
    """Raises AWS's error when there is no such version."""
    if store.layer_version(tx, named.account, named.region, named.name, named.version or 0) is None:
        raise layers.version_not_found(named.arn)
    return reading.policy_of(tx, named)


def _fresh(named: layers.Named) -> ResourcePolicy:
    return ResourcePolicy(
        account=named.account,
        region=named.region,
        name=named.name,
        qualifier=str(named.version),
        revision_id="",
        statements=(),
    )


def _put(tx: Transaction, room: Room, policy: ResourcePolicy) -> ResourcePolicy:
    """Stores it under a new revision. Raises when it is too long."""
    policies.check_length(policy.document)
    stored = replace(policy, revision_id=room.ids.uuid())
    tables.layer_policies.put(tx, stored.account, stored.region, stored.name, stored.qualifier, stored)
    return stored


OPERATIONS = {
    "AddLayerVersionPermission": add_layer_version_permission,
    "RemoveLayerVersionPermission": remove_layer_version_permission,
    "GetLayerVersionPolicy": get_layer_version_policy,
}
