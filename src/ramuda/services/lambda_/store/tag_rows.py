"""Tags of what is not a function. `resource` is the ARN's last part, `code-signing-config:ID`."""

from collections.abc import Mapping

from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_.model import ResourceTags
from ramuda.services.lambda_.store import tables


def is_there(tx: Transaction, account: str, region: str, resource: str) -> bool:
    """Whether it exists; False for kinds that are not made here."""
    kind, _, name = resource.partition(":")
    records = tables.taggable.get(kind)
    return records is not None and records.get(tx, account, region, name) is not None


def tags_of(tx: Transaction, account: str, region: str, resource: str) -> dict[str, str]:
    found = tables.tags.get(tx, account, region, resource)
    return {} if found is None else found.tags


def put_tags(tx: Transaction, account: str, region: str, resource: str, tags: Mapping[str, str]) -> None:
    """Replaces all of them. Without any, nothing is left: for what is deleted, too."""
    if tags:
        record = ResourceTags(account=account, region=region, resource=resource, tags=dict(tags))
        tables.tags.put(tx, account, region, resource, "", record)
    else:
        tables.tags.delete(tx, account, region, resource)
