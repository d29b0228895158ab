"""Log events: putting them, reading one stream, searching a group.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import Clock
from ramuda.services.logs import pattern, rules
from ramuda.services.logs.api.missing import answered
from ramuda.services.logs.model import Token, event_id, just_before, just_behind
from ramuda.telemetry.log_reading import EventQuery, PageLimits
from ramuda.telemetry.logs import Logs
from ramuda.telemetry.model import LogEvent, Position

_SCAN_BYTES_MAX = 16 * 1024 * 1024
"""How much FilterLogEvents looks through for one page before it answers what it has, as AWS does."""
_END_OF_TIME_MS = 10**15 - 2  # the latest that has room in a token


class EventOperations:
    """Everything about events."""

    def __init__(self, logs: Logs, clock: Clock) -> None:
        self._logs = logs
        self._clock = clock

    async def put_log_events(self, call: Call) -> Result:
        ref = rules.group_of_call(call)
        now_ms = int(self._clock.time() * 1000)
        with answered():
            group = await self._logs.group(ref)
            upload = rules.examine_upload(call.params["logEvents"], now_ms, group.retention_days)
            await self._logs.put(ref, call.params["logStreamName"], upload.events)
        answer: Result = {"nextSequenceToken": event_id(Position(now_ms, 0, 0))}
        if upload.rejected:
            answer["rejectedLogEventsInfo"] = upload.rejected
        return answer

    async def get_log_events(self, call: Call) -> Result:
        params = call.params
        token = rules.page_token(params.get("nextToken"))
        forward = token.forward if token else params.get("startFromHead", False)
        start_ms = _bounded(params.get("startTime", 0))
        query = EventQuery(
            group=rules.group_of_call(call),
            streams=(params["logStreamName"],),
            start_ms=start_ms,
            end_ms=_bounded(params.get("endTime", _END_OF_TIME_MS)),
            after=token.position if token and forward else None,
            before=token.position if token and not forward else None,
            newest_first=not forward,
        )
        with answered():
            page = await self._logs.events(query, _limits(call))
        events = page.events if forward else page.events[::-1]
        forward_token, backward_token = _tokens_around(events, token, Position(start_ms, 0, 0))
        return {
            "events": [_shown(event) for event in events],
            "nextForwardToken": str(forward_token),
            "nextBackwardToken": str(backward_token),
        }

    async def filter_log_events(self, call: Call) -> Result:
        params = call.params
        token = rules.page_token(params.get("nextToken"))
        forward = token.forward if token else params.get("startFromHead", True)
        streams = params.get("logStreamNames")
        if streams and "logStreamNamePrefix" in params:
            raise rules.invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
        try:
            accepts = pattern.compile_pattern(params.get("filterPattern", ""))
        except pattern.PatternError as e:
            raise rules.invalid(str(e)) from None
        query = EventQuery(
            group=rules.group_of_call(call),
            streams=tuple(dict.fromkeys(streams)) if streams else None,
            stream_prefix=params.get("logStreamNamePrefix", ""),
            start_ms=_bounded(params.get("startTime", 0)),
            end_ms=_bounded(params.get("endTime", _END_OF_TIME_MS)) + 1,  # here the end is included
            after=token.position if token and forward else None,
            before=token.position if token and not forward else None,
            newest_first=not forward,
        )
        with answered():
            page = await self._logs.events(query, _limits(call), accepts)
        answer: Result = {"events": [_found(event) for event in page.events], "searchedLogStreams": []}
        if page.stopped_at is not None:
            answer["nextToken"] = str(Token(forward, page.stopped_at))
        return answer


def _bounded(at_ms: int) -> int:
    """Without the times that no event can have: some clients say "until the end of time" in their own way."""
    return min(at_ms, _END_OF_TIME_MS)


def _limits(call: Call) -> PageLimits:
    return PageLimits(
        events=call.params.get("limit", rules.PAGE_EVENTS_MAX),
        answer_bytes=rules.PAGE_BYTES_MAX,
        scan_bytes=_SCAN_BYTES_MAX,
    )


def _tokens_around(events: list[LogEvent], asked: Token | None, start: Position) -> tuple[Token, Token]:
    """The ways on from a page, forward and backward. At the end, the token asked with is given again: that is how a
    client knows the end."""
    if events:
        return Token(True, events[-1].position), Token(False, events[0].position)
    if asked is None:
        return Token(True, just_before(start)), Token(False, start)
    if asked.forward:
        return asked, Token(False, just_behind(asked.position))
    return Token(True, just_before(asked.position)), asked


def _shown(event: LogEvent) -> Result:
    return {"timestamp": event.position.at_ms, "message": event.message, "ingestionTime": event.ingested_ms}


def _found(event: LogEvent) -> Result:
    return {"logStreamName": event.stream, **_shown(event), "eventId": event_id(event.position)}
