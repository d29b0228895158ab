"""Sources, the answers for mappings of them, and a Lambda API that has a queue."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ramuda.kernel.call import Result
from ramuda.services.lambda_ import Options
from ramuda.services.lambda_.model import EventSourceMapping, MappingState
from ramuda.services.lambda_.store import tables
from tests.unit.invoke.sqs_queue import ARN as QUEUE
from tests.unit.invoke.sqs_queue import Queue
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda

KINESIS = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
DYNAMODB = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t/stream/2025-11-25T02:47:20.000"
MSK = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/c/14e0db71-5d35-4eb5-b481-8945cf9d10c2-2"
MQ = f"arn:aws:mq:{REGION}:{ACCOUNT}:broker:b:b-14e0db71-5d35-4eb5-b481-8945cf9d10c2"
DOCUMENTDB = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:d"
SECRETS = [{"Type": "BASIC_AUTH", "URI": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:s"}]
SELF_MANAGED = {
    "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000"]}},
    "Topics": ["topic"],
    "StartingPosition": "LATEST",
    "SourceAccessConfigurations": SECRETS,
}
STREAM = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "LastProcessingResult": "No records processed",
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "StateTransitionReason": "User action",
    "TumblingWindowInSeconds": 0,
}
SQS = {
    "BatchSize": 10,
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "StateTransitionReason": "USER_INITIATED",
}
OTHERS = {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "StateTransitionReason": "USER_INITIATED"}


async def started(folder: Path, options: Options | None = None) -> Lambda:
    made = Lambda(folder, options)
    made.api = Queue(made.clock)  # type: ignore[assignment]  # the one service that mappings ask
    return await made.start()


def queue_of(lambda_: Lambda) -> Queue:
    assert isinstance(lambda_.api, Queue)
    return lambda_.api


async def mapped(lambda_: Lambda, **params: Any) -> Result:
    """A new mapping, settled; as it was answered when it was created."""
    created = await lambda_("CreateEventSourceMapping", **{"FunctionName": "f", "EventSourceArn": QUEUE, **params})
    await settled(lambda_, created["UUID"])
    return created


async def settled(lambda_: Lambda, uuid: str) -> Result:
    for _ in range(1000):
        shown = await lambda_("GetEventSourceMapping", UUID=uuid)
        if shown["State"] in ("Enabled", "Disabled"):
            return shown
    raise AssertionError(f"still {shown['State']}")


def mapping(state: MappingState, number: int = 1, **changed: Any) -> EventSourceMapping:
    made = EventSourceMapping(
        account=ACCOUNT,
        region=REGION,
        uuid=f"11111111-0000-4000-8000-{number:012d}",
        function_name="f",
        settings={"EventSourceArn": QUEUE, **SQS},
        state=state,
        last_modified_s=1_700_000_000.0,
    )
    return replace(made, **changed)


async def kept(lambda_: Lambda, *mappings: EventSourceMapping) -> None:
    """As a process leaves them that ends right after its commit."""
    for each in mappings:
        put = partial(
            tables.mappings.put, account=each.account, region=each.region, name=each.uuid, qualifier="", record=each
        )
        await lambda_.database.write(put)


async def invoked(lambda_: Lambda) -> list[str]:
    """Waits for the next invocation."""
    for _ in range(1000):
        await lambda_.clock.advance(0.25)
        await lambda_("GetAccountSettings")
        if lambda_.invoker.asked:
            break
    return [each.invoked_arn for each in lambda_.invoker.asked]
