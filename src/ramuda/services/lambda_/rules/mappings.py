"""Event source mappings: what each kind of source allows, its defaults, and AWS's refusals (pure).

Sources: the service model (Create/UpdateEventSourceMapping say which member is for which source), recorded answers,
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ramuda.kernel import event_pattern
from ramuda.kernel.arn import Arn
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.model import EventSourceMapping
from ramuda.services.lambda_.rules import refusals

FILTERS_MAX = 10
_EVERY = frozenset(
    {"BatchSize", "FilterCriteria", "KMSKeyArn", "MaximumBatchingWindowInSeconds", "MetricsConfig", "LoggingConfig"}
)
_STREAM = frozenset(
    {
        "StartingPosition",
        "DestinationConfig",
        "MaximumRecordAgeInSeconds",
        "BisectBatchOnFunctionError",
        "MaximumRetryAttempts",
        "FunctionResponseTypes",
    }
)
_NO_MEMBERS = frozenset({"FunctionName", "UUID", "EventSourceArn", "Enabled", "Tags", "StartingPositionTimestamp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of source. `positions` are its StartingPositions, empty where there is none."""

    name: str
    batch: int
    batch_max: int = 10_000
    window_s: float = 0
    positions: tuple[str, ...] = ()
    members: frozenset[str]
    defaults: Mapping[str, Any]
    is_user_initiated: bool = False


_STREAM_DEFAULTS = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_SHARDED = _EVERY | _STREAM | {"ParallelizationFactor", "TumblingWindowInSeconds"}
_KAFKA = _EVERY | _STREAM | {"Topics", "SourceAccessConfigurations", "ProvisionedPollerConfig"}
SQS = Kind(
    name="sqs",
    batch=10,
    members=_EVERY | {"ScalingConfig", "FunctionResponseTypes", "ProvisionedPollerConfig"},
    defaults={"FunctionResponseTypes": []},
    is_user_initiated=True,
)
KINESIS = Kind(
    name="kinesis",
    batch=100,
    positions=("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"),
    members=_SHARDED,
    defaults=_STREAM_DEFAULTS,
)
DYNAMODB = Kind(
    name="dynamodb", batch=100, positions=("LATEST", "TRIM_HORIZON"), members=_SHARDED, defaults=_STREAM_DEFAULTS
)
MSK = Kind(
    name="kafka",
    batch=100,
    window_s=0.5,
    positions=KINESIS.positions,
    members=_KAFKA | {"AmazonManagedKafkaEventSourceConfig"},
    defaults={"DestinationConfig": {"OnFailure": {}}},
    is_user_initiated=True,
)
SELF_MANAGED = Kind(
    name="self-managed-kafka",
    batch=100,
    window_s=0.5,
    positions=KINESIS.positions,
    members=_KAFKA | {"SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"},
    defaults={"DestinationConfig": {"OnFailure": {}}},
    is_user_initiated=True,
)
MQ = Kind(
    name="mq",
    batch=100,
    window_s=0.5,
    members=_EVERY | {"Queues", "SourceAccessConfigurations"},
    defaults={},
    is_user_initiated=True,
)
DOCUMENTDB = Kind(
    name="docdb",
    batch=100,
    window_s=0.5,
    positions=KINESIS.positions,
    members=_EVERY | {"StartingPosition", "SourceAccessConfigurations", "DocumentDBEventSourceConfig"},
    defaults={},
    is_user_initiated=True,
)
_BY_SERVICE = {"sqs": SQS, "kinesis": KINESIS, "dynamodb": DYNAMODB, "kafka": MSK, "mq": MQ, "rds": DOCUMENTDB}


def kind_of(params: Mapping[str, Any]) -> Kind:
    """Of the source that CreateEventSourceMapping names."""
    if "SelfManagedEventSource" in params:
        return SELF_MANAGED
    try:
        return _BY_SERVICE[Arn.parse(params.get("EventSourceArn", "")).service]
    except (ValueError, KeyError) as e:
        raise refusals.invalid("Unrecognized event source.") from e


def created(kind: Kind, params: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a new mapping, as EventSourceMappingConfiguration shows them."""
    if kind.positions and "StartingPosition" not in params:
        raise refusals.invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if "StartingPosition" in params and kind.positions and params["StartingPosition"] not in kind.positions:
        raise refusals.invalid(f"Unsupported starting position for arn type: {params.get('EventSourceArn')}")
    if params.get("StartingPosition") == "AT_TIMESTAMP" and "StartingPositionTimestamp" not in params:
        raise refusals.invalid("A timestamp must be provided for starting position AT_TIMESTAMP.")  # ours
    if kind in (SELF_MANAGED, MQ) and not params.get("SourceAccessConfigurations"):
        raise refusals.invalid("Required 'sourceAccessConfigurations' parameter is missing.")
    fresh = {
        "BatchSize": kind.batch,
        "MaximumBatchingWindowInSeconds": int(kind.window_s),
        **kind.defaults,
    }
    if "EventSourceArn" in params:
        fresh["EventSourceArn"] = params["EventSourceArn"]
    return updated(kind, fresh, params)


def updated(kind: Kind, settings: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the members that `params` has."""
    given = {name: value for name, value in params.items() if name not in _NO_MEMBERS}
    for name in given:
        if name not in kind.members:
            raise refusals.invalid(f"Unsupported {name} parameter for given event source mapping type.")
    changed = {**settings, **given}
    if "FilterCriteria" in given:
        filters = given["FilterCriteria"].get("Filters", [])
        _check_filters(filters)
        if not filters:
            del changed["FilterCriteria"]
    _check_batch(kind, changed)
    if "MaximumConcurrency" in changed.get("ScalingConfig", {}) and changed.get("ProvisionedPollerConfig"):
        raise refusals.invalid("A mapping has either MaximumConcurrency or provisioned pollers.")  # ours
    return changed


def _check_batch(kind: Kind, settings: Mapping[str, Any]) -> None:
    batch, window_s = settings["BatchSize"], settings["MaximumBatchingWindowInSeconds"]
    if is_fifo(settings) and window_s:
        raise refusals.invalid("Batching window is not supported for FIFO queues.")  # ours
    most = 10 if is_fifo(settings) else kind.batch_max
    if batch > most:
        raise refusals.invalid(f"Maximum batch size is {most} for this event source.")  # ours
    if kind is SQS and batch > 10 and not window_s:
        raise refusals.invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )


def _check_filters(filters: list[Mapping[str, str]]) -> None:
    if len(filters) > FILTERS_MAX:
        raise refusals.invalid(f"An event source mapping has {FILTERS_MAX} filters at most.")  # ours
    for each in filters:
        try:
            event_pattern.check(json.loads(each.get("Pattern", "")))
        except (ValueError, RecursionError) as e:
            raise refusals.invalid("Invalid filter pattern definition.") from e


def is_fifo(settings: Mapping[str, Any]) -> bool:
    return str(settings.get("EventSourceArn", "")).endswith(".fifo")


def shown(mapping: EventSourceMapping) -> dict[str, Any]:
    """EventSourceMappingConfiguration."""
    kind = kind_of(mapping.settings)
    shape = {
        **mapping.settings,
        "UUID": mapping.uuid,
        "EventSourceMappingArn": mapping.arn,
        "FunctionArn": mapping.function_arn,
        "LastModified": datetime.fromtimestamp(mapping.last_modified_s, UTC),
        "State": mapping.state,
        "StateTransitionReason": "USER_INITIATED" if kind.is_user_initiated else "User action",
    }
    if mapping.starting_at_s is not None:
        shape["StartingPositionTimestamp"] = datetime.fromtimestamp(mapping.starting_at_s, UTC)
    if not kind.is_user_initiated:
        shape["LastProcessingResult"] = mapping.processing_result or "No records processed"
    elif mapping.processing_result:
        shape["LastProcessingResult"] = mapping.processing_result
    return shape


def not_found() -> ApiError:
    return refusals.not_found("The resource you requested does not exist.")


def no_function() -> ApiError:
    return refusals.invalid("Function does not exist")


def in_use(verb: str) -> ApiError:
    return ApiError(
        "ResourceInUseException",
        f"Cannot {verb} the event source mapping because it is in use.",
        members=refusals.USER,
    )


def may_read(other_accounts: bool | None, queue_arn: str, account: str) -> bool:
    """Whether a function of `account` may read the queue (`Options.other_accounts`)."""
    return other_accounts is not False or Arn.parse(queue_arn).account == account


def no_permission() -> ApiError:
    """As AWS's users quote it."""
    return refusals.invalid("The provided execution role does not have permissions to call ReceiveMessage on SQS")


def queue_failed(code: str, message: str | None) -> ApiError:
    """SQS refused; `code` and `message` are its own, but for the code of a queue that is not there: Lambda's clients
    still get the old one (recorded)."""
    if code in ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"):
        code, message = "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."
    return refusals.invalid(
        f"Error occurred while ReceiveMessage. SQS Error Code: {code}. SQS Error Message: {message}"
    )


def exists(kind: Kind, params: Mapping[str, Any], function_arn: str, uuid: str) -> ApiError:
    """The same source and function are mapped already."""
    update = f"already exists. Please update or delete the existing mapping with UUID {uuid}"
    source = params.get("EventSourceArn")
    if kind is SELF_MANAGED:
        servers = ",".join(params["SelfManagedEventSource"].get("Endpoints", {}).get("KAFKA_BOOTSTRAP_SERVERS", []))
        topics = ",".join(f'"{topic}"' for topic in params.get("Topics", []))
        return refusals.conflict(
            f'An event source mapping with event source ("{servers}"), function ("{function_arn}"), '
            f"topics ({topics}) {update}"
        )
    if kind is SQS:
        return refusals.conflict(
            f'An event source mapping with SQS arn (" {source} ") and function (" {function_arn} ") {update}'
        )
    return refusals.conflict(
        f'The event source arn (" {source} ") and function (" {function_arn} ") provided mapping {update}'
    )


def visibility_too_short(visibility_s: int, timeout_s: int) -> ApiError:
    return refusals.invalid(
        f"Queue visibility timeout: {visibility_s} seconds is less than Function timeout: {timeout_s} seconds"
    )
