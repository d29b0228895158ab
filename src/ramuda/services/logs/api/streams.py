"""Log streams.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html
"""

from ramuda.kernel.call import Call, Result
from ramuda.kernel.errors import ApiError
from ramuda.services.logs import rules
from ramuda.services.logs.api.missing import answered
from ramuda.services.logs.model import event_id, stream_arn
from ramuda.telemetry.logs import Logs
from ramuda.telemetry.model import GroupRef, Position, StreamDescription, StreamPresent, StreamQuery

_PAGE_DEFAULT = 50


class StreamOperations:
    """Making, removing and listing streams."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    async def create_log_stream(self, call: Call) -> Result:
        with answered():
            try:
                await self._logs.create_stream(rules.group_of_call(call), call.params["logStreamName"])
            except StreamPresent:
                raise ApiError("ResourceAlreadyExistsException", "The specified log stream already exists") from None
        return {}

    async def delete_log_stream(self, call: Call) -> Result:
        with answered():
            await self._logs.delete_stream(rules.group_of_call(call), call.params["logStreamName"])
        return {}

    async def describe_log_streams(self, call: Call) -> Result:
        query = _query(call)
        with answered():
            found = await self._logs.streams(query)
        wanted = query.limit - 1
        shown: Result = {"logStreams": [_described(query.group, stream) for stream in found[:wanted]]}
        if len(found) > wanted:
            shown["nextToken"] = str(query.skip + wanted)
        return shown


def _query(call: Call) -> StreamQuery:
    params = call.params
    by_last_event = params.get("orderBy") == "LastEventTime"
    if by_last_event and "logStreamNamePrefix" in params:
        raise rules.invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    return StreamQuery(
        group=rules.group_of_call(call),
        prefix=params.get("logStreamNamePrefix", ""),
        order="last_event" if by_last_event else "name",
        descending=params.get("descending", False),
        skip=rules.offset_of(params.get("nextToken")),
        limit=params.get("limit", _PAGE_DEFAULT) + 1,  # one more, to know whether there is another page
    )


def _described(group: GroupRef, stream: StreamDescription) -> Result:
    shown: Result = {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": stream_arn(group, stream.name),
        "storedBytes": 0,  # "always reported as zero" since 2019
    }
    if stream.last_ms is not None and stream.ingested_ms is not None:
        shown |= {
            "firstEventTimestamp": stream.first_ms,
            "lastEventTimestamp": stream.last_ms,
            "lastIngestionTime": stream.ingested_ms,
            # Sequence tokens mean nothing any more; old clients still look for one.
            "uploadSequenceToken": event_id(Position(stream.ingested_ms, 0, 0)),
        }
    return shown
