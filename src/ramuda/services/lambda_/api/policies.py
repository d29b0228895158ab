"""Resource policies of functions, versions and aliases, a statement at a time.

https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from dataclasses import replace

from ramuda.kernel.call import Call, Result
from ramuda.kernel.errors import ApiError
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.model import ResourcePolicy
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import names, policies, refusals
from ramuda.services.lambda_.store import tables


async def add_permission(room: Room, call: Call) -> Result:
    named = reading.named(call)
    policies.check_qualifier(named.qualifier)
    statement = policies.statement(call.params, named.arn)

    def write(tx: Transaction) -> None:
        resource_revision = revision_id(tx, named)
        if resource_revision is None:
            raise _not_there(tx, named, refusals.function_not_found(named.arn))
        policy = of(tx, named)
        # Before there is a policy, the guard is the revision of what it will belong to.
        current = resource_revision if policy is None else policy.revision_id
        policies.check_revision(call.params.get("RevisionId"), current)
        policy = policy or fresh(named)
        put(tx, room, replace(policy, statements=policies.added(policy.statements, statement)))

    await room.database.write(write)
    return {"Statement": policies.text(statement)}


async def remove_permission(room: Room, call: Call) -> Result:
    named = reading.named(call)

    def write(tx: Transaction) -> None:
        if revision_id(tx, named) is None:
            raise _not_there(tx, named, policies.no_policy_found(named.arn))
        policy = policies.after_removal(of(tx, named), call.params)
        if policy.statements:
            put(tx, room, policy)
        else:
            delete(tx, policy)

    await room.database.write(write)
    room.catalog.forget(named.account, named.region, named.name)
    return {}


async def get_policy(room: Room, call: Call) -> Result:
    named = reading.named(call)
    policy = await room.database.read(lambda tx: of(tx, named))
    if policy is None:
        raise policies.nothing_there()
    return {"Policy": policies.text(policy.document), "RevisionId": policy.revision_id}


def of(tx: Transaction, named: names.Named) -> ResourcePolicy | None:
    """The policy of the function, the version or the alias that was named."""
    return tables.policies.get(tx, named.account, named.region, named.name, named.qualifier or "")


def revision_id(tx: Transaction, named: names.Named) -> str | None:
    """The revision of the function, the version or the alias; None when it is not there."""
    if named.qualifier is not None and policies.is_alias(named.qualifier):
        alias = tables.aliases.get(tx, named.account, named.region, named.name, named.qualifier)
        return None if alias is None else alias.revision_id
    version = store.version(tx, named.account, named.region, named.name, named.version)
    return None if version is None else version.revision_id


def fresh(named: names.Named) -> ResourcePolicy:
    """A policy without statements, not stored yet."""
    return ResourcePolicy(
        account=named.account,
        region=named.region,
        name=named.name,
        qualifier=named.qualifier or "",
        revision_id="",
        statements=(),
    )


def put(tx: Transaction, room: Room, policy: ResourcePolicy) -> ResourcePolicy:
    """Stores it under a new revision. Raises when it is too long."""
    policies.check_length(policy.document)
    stored = replace(policy, revision_id=room.ids.uuid())
    tables.policies.put(tx, stored.account, stored.region, stored.name, stored.qualifier, stored)
    return stored


def delete(tx: Transaction, policy: ResourcePolicy) -> None:
    tables.policies.delete(tx, policy.account, policy.region, policy.name, policy.qualifier)


def _not_there(tx: Transaction, named: names.Named, otherwise: ApiError) -> ApiError:
    """An alias is missed by its own name, but only where there is a function that could have it."""
    has_function = store.function(tx, named.account, named.region, named.name) is not None
    if has_function and named.qualifier is not None and policies.is_alias(named.qualifier):
        return policies.alias_not_found(named.arn)
    return otherwise


OPERATIONS = {
    "AddPermission": add_permission,
    "RemovePermission": remove_permission,
    "GetPolicy": get_policy,
}
