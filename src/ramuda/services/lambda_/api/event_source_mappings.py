"""Event source mappings. https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html"""

from dataclasses import replace
from typing import Any

from ramuda.kernel.arn import Arn
from ramuda.kernel.call import Call, Result
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.ports.database import Transaction
from ramuda.services.lambda_ import store
from ramuda.services.lambda_.api import reading
from ramuda.services.lambda_.mappings import SETTLED
from ramuda.services.lambda_.model import EventSourceMapping
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import mappings as rules
from ramuda.services.lambda_.rules import names, paging, refusals, tagging
from ramuda.services.lambda_.store import tables


async def create_event_source_mapping(room: Room, call: Call) -> Result:
    params = call.params
    kind = rules.kind_of(params)
    settings = rules.created(kind, params)
    named = names.parse(params["FunctionName"], call.account, call.region)
    timeout_s = await room.database.read(lambda tx: _timeout_s(tx, named))
    if kind is rules.SQS:
        if not rules.may_read(room.options.other_accounts, settings["EventSourceArn"], call.account):
            raise rules.no_permission()
        await _check_queue(room, settings["EventSourceArn"], timeout_s)
    starting_at = params.get("StartingPositionTimestamp")
    is_enabled = params.get("Enabled", True)
    mapping = EventSourceMapping(
        account=named.account,
        region=named.region,
        uuid=room.ids.uuid(),
        function_name=named.name,
        qualifier=named.qualifier,
        is_enabled=is_enabled,
        settings=settings,
        starting_at_s=None if starting_at is None else starting_at.timestamp(),
        state="Creating",
        last_modified_s=room.clock.time(),
    )
    tags = tagging.merged({}, params.get("Tags", {}))

    def write(tx: Transaction) -> None:
        for other in tables.mappings.all(tx, call.account, call.region):
            if other.function_arn == mapping.function_arn and _source(other.settings) == _source(settings):
                raise rules.exists(kind, params, mapping.function_arn, other.uuid)
        _put(tx, mapping)
        store.put_tags(tx, call.account, call.region, f"event-source-mapping:{mapping.uuid}", tags)

    await room.database.write(write)
    room.mappings.begin(mapping)
    return rules.shown(mapping)


async def get_event_source_mapping(room: Room, call: Call) -> Result:
    return rules.shown(await room.database.read(lambda tx: _found(tx, call)))


async def list_event_source_mappings(room: Room, call: Call) -> Result:
    params = call.params
    limit = min(params.get("MaxItems") or 100, 100)  # SM: "returns a maximum of 100 items"
    (after,) = paging.key(params.get("Marker"), ("",))
    arn = None
    if "FunctionName" in params:
        arn = names.parse(params["FunctionName"], call.account, call.region).arn
    every = await room.database.read(lambda tx: tables.mappings.all(tx, call.account, call.region))
    found = [
        each
        for each in every
        if each.uuid > after
        and arn in (None, each.function_arn)
        and params.get("EventSourceArn") in (None, each.settings.get("EventSourceArn"))
    ]
    page, more = paging.page(found, limit)
    result: Result = {"EventSourceMappings": [rules.shown(each) for each in page]}
    if more:
        result["NextMarker"] = paging.marker((page[-1].uuid,))
    return result


async def update_event_source_mapping(room: Room, call: Call) -> Result:
    params = call.params

    def write(tx: Transaction) -> EventSourceMapping:
        found = _found(tx, call)
        if found.state not in SETTLED:
            raise rules.in_use("update")
        settings = rules.updated(rules.kind_of(found.settings), found.settings, params)
        is_enabled = params.get("Enabled", found.is_enabled)
        changed = replace(
            found,
            settings=settings,
            is_enabled=is_enabled,
            state="Updating" if is_enabled == found.is_enabled else ("Enabling" if is_enabled else "Disabling"),
            last_modified_s=room.clock.time(),
        )
        if "FunctionName" in params:
            named = names.parse(params["FunctionName"], call.account, call.region)
            _timeout_s(tx, named)
            changed = replace(changed, function_name=named.name, qualifier=named.qualifier)
        _put(tx, changed)
        return changed

    mapping = await room.database.write(write)
    room.mappings.begin(mapping)
    return rules.shown(mapping)


async def delete_event_source_mapping(room: Room, call: Call) -> Result:
    def write(tx: Transaction) -> EventSourceMapping:
        found = _found(tx, call)
        if found.state not in SETTLED:
            raise rules.in_use("delete")
        changed = replace(found, state="Deleting", last_modified_s=room.clock.time())
        _put(tx, changed)
        return changed

    mapping = await room.database.write(write)
    room.mappings.begin(mapping)
    return rules.shown(mapping)


def _found(tx: Transaction, call: Call) -> EventSourceMapping:
    found = tables.mappings.get(tx, call.account, call.region, call.params["UUID"])
    if found is None:
        raise rules.not_found()
    return found


def _put(tx: Transaction, mapping: EventSourceMapping) -> None:
    tables.mappings.put(tx, mapping.account, mapping.region, mapping.uuid, "", mapping)


def _timeout_s(tx: Transaction, named: names.Named) -> int:
    """Of the function that is to be run. Raises AWS's refusal when it is not there."""
    try:
        return reading.version(tx, named).deployment.settings.timeout_s
    except ApiError as e:
        raise rules.no_function() from e


def _source(settings: dict[str, Any]) -> tuple[Any, ...]:
    """What makes two mappings of one function the same."""
    return settings.get("EventSourceArn"), settings.get("SelfManagedEventSource"), settings.get("Topics")


async def _check_queue(room: Room, queue_arn: str, timeout_s: int) -> None:
    """Whether the queue is there and hides messages for as long as the function may run."""
    arn = Arn.parse(queue_arn)
    asked = {"QueueName": arn.resource, "QueueOwnerAWSAccountId": arn.account}
    try:
        url = (await room.api.call("sqs", "GetQueueUrl", asked, account=arn.account, region=arn.region))["QueueUrl"]
        wanted = {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}
        answer = await room.api.call("sqs", "GetQueueAttributes", wanted, account=arn.account, region=arn.region)
    except ApiError as e:
        raise rules.queue_failed(e.code, e.message) from e
    except PortError as e:
        raise refusals.invalid(f"The queue {queue_arn} could not be reached: {e}") from e  # ours
    visibility_s = int(answer.get("Attributes", {}).get("VisibilityTimeout", 30))
    if visibility_s < timeout_s:
        raise rules.visibility_too_short(visibility_s, timeout_s)


OPERATIONS = {
    "CreateEventSourceMapping": create_event_source_mapping,
    "GetEventSourceMapping": get_event_source_mapping,
    "ListEventSourceMappings": list_event_source_mappings,
    "UpdateEventSourceMapping": update_event_source_mapping,
    "DeleteEventSourceMapping": delete_event_source_mapping,
}
