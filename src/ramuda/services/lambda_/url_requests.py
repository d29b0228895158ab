"""Serving function URLs: an HTTP request becomes an event, the function's answer an HTTP response.

Implements `kernel.ports.function_urls`. A preflight request is answered from the URL's Cors; for every other the
permissions are checked, the event is built, and the function is invoked as Invoke does it.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import logging
from collections.abc import AsyncIterator

from ramuda.kernel.call import Call, Principal
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import ApiError, BrokenOffError, InternalError, PortError
from ramuda.kernel.function import FunctionError, Streamed, Success
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.function_urls import UrlRequest, UrlResponse
from ramuda.kernel.ports.recorder import Recorder
from ramuda.services.lambda_.api import invocations, response_streams
from ramuda.services.lambda_.model import FunctionUrl
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import url_access, url_configs, url_cors, url_events, url_responses
from ramuda.services.lambda_.rules.url_responses import Answer, BadResponseError, Headers
from ramuda.services.lambda_.url_directory import Listed
from ramuda.services.lambda_.url_metrics import UrlMetrics

log = logging.getLogger(__name__)


class UrlServer:
    """Every function URL; see the module."""

    def __init__(self, room: Room, recorder: Recorder) -> None:
        self._room = room
        self._clock: Clock = room.clock
        self._ids: Ids = room.ids
        self._metrics = UrlMetrics(recorder)

    async def serve(self, request: UrlRequest) -> UrlResponse:
        began_s = self._clock.monotonic()
        listed = await self._room.urls.find(request.url_id)
        if listed is None:
            return _response(url_responses.refusal(url_configs.forbidden()), request, [])
        url, origin = listed.url, request.headers.get("origin")
        if not request.host.startswith(url.url_id):
            request.host = url_configs.domain(url, f"http://{request.host}")
        if url.cors is not None and origin is not None and url_events.wants_preflight(request.method, request.headers):
            headers = url_cors.preflight(url.cors, origin, *_asked(request))
            response = _response(Answer(status=200, headers=headers), request, [])
        else:
            response = await self._answer(listed, request, url_cors.answer(url.cors, origin))
        took_ms = (self._clock.monotonic() - began_s) * 1000
        self._metrics.answered(url, response.status, took_ms, self._clock.time())
        return response

    async def _answer(self, listed: Listed, request: UrlRequest, added: Headers) -> UrlResponse:
        try:
            caller = await self._admitted(listed, request)
            return await self._invoke(listed.url, request, caller, added)
        except ApiError as e:
            gone = e.code == "ResourceNotFoundException"  # the alias was deleted (recorded)
            return _response(url_responses.refusal(url_configs.forbidden() if gone else e), request, added)
        except PortError as e:
            log.warning("lambda.url.unavailable request_id=%s error=%s", request.request_id, e)
            return _response(url_responses.failed(), request, added)

    async def _admitted(self, listed: Listed, request: UrlRequest) -> Principal | None:
        """Who calls; None for a URL that wants no signature. Raises ApiError."""
        url, caller = listed.url, None
        if url.auth_type == url_configs.AWS_IAM:
            is_origin_allowed = url_cors.allows_origin(url.cors, request.headers.get("origin"))
            caller = await request.identify(url.region, is_origin_allowed)
            if caller is None:
                raise url_configs.forbidden()
        missing = url_access.missing(url, listed.statements, caller, request.source_ip)
        if missing is not None:
            log.info("lambda.url.forbidden function=%s missing=%s", url.function_arn, missing)
            raise url_configs.forbidden()
        return caller

    async def _invoke(
        self, url: FunctionUrl, request: UrlRequest, caller: Principal | None, added: Headers
    ) -> UrlResponse:
        now_s = self._clock.time()
        root = f"Root=1-{int(now_s):08x}-{self._ids.hex(24)}"
        call = _call(url, request, url_events.event(url, request, caller, now_s=now_s, trace_root=root), root)
        target = await self._room.catalog.resolve(url.account, url.region, url.name, url.qualifier or None)
        invocation = invocations.invocation_of(call, target)
        invocation.wants_stream = url.invoke_mode == url_configs.RESPONSE_STREAM
        outcome = await invocations.run(self._room, invocation)
        added = [*added, ("X-Amzn-Trace-Id", invocation.trace or root)]
        try:
            match outcome:
                case FunctionError():
                    answer = url_responses.failed()
                case Success() if invocation.wants_stream:
                    # A function that does not stream: its answer is passed on as it is.
                    answer = Answer(status=200, headers=[("Content-Type", outcome.content_type)], body=outcome.payload)
                case Success():
                    answer = url_responses.whole(outcome.payload, outcome.content_type)
                case Streamed():
                    return await _streamed(outcome, request, added)
                case _:
                    raise InternalError(f"an invocation ended as {outcome!r}")
        except BadResponseError as e:
            log.info("lambda.url.bad_response function=%s reason=%s", url.function_arn, e)
            answer = url_responses.failed()
        return _response(answer, request, added)


def _asked(request: UrlRequest) -> tuple[str, str]:
    """Method and headers that a page wants to send."""
    headers = request.headers
    return headers["access-control-request-method"], headers.get("access-control-request-headers", "")


def _call(url: FunctionUrl, request: UrlRequest, payload: bytes, root: str) -> Call:
    """The request as a call of Invoke by the function's owner: who may call was decided before."""
    return Call(
        service="lambda",
        operation="Invoke",
        params={"FunctionName": url.function_arn, "Payload": payload},
        principal=Principal(account=url.account, arn=f"arn:aws:iam::{url.account}:root", user_id=url.account),
        region=url.region,
        account=url.account,
        request_id=request.request_id,
        trace=request.headers.get("x-amzn-trace-id", root),
        source_ip=request.source_ip,
        headers={},
    )


def _response(answer: Answer, request: UrlRequest, added: Headers) -> UrlResponse:
    return UrlResponse(status=answer.status, headers=_with_id(answer.headers, request, added), body=answer.body)


def _with_id(headers: Headers, request: UrlRequest, added: Headers) -> Headers:
    return [*headers, ("x-amzn-RequestId", request.request_id), *added]


async def _streamed(outcome: Streamed, request: UrlRequest, added: Headers) -> UrlResponse:
    """The head as soon as the function has written something, the rest as it comes. Raises BadResponseError when the
    function failed before it wrote, or wrote no head that can be understood; its stream is closed then."""
    try:
        if outcome.content_type.partition(";")[0].strip() == url_responses.INTEGRATION_TYPE:
            head, rest = await _read_prelude(outcome)
            answer = url_responses.prelude(head)
        else:
            rest = await _read_first(outcome)
            answer = Answer(status=200, headers=[("Content-Type", outcome.content_type)])
    except BaseException:
        await response_streams.close(outcome.chunks)
        raise
    headers = _with_id(answer.headers, request, added)
    return UrlResponse(status=answer.status, headers=headers, body=_Rest(rest, outcome))


async def _read_first(outcome: Streamed) -> bytes:
    """What the function wrote first; empty when it ended without a word."""
    async for chunk in outcome.chunks:
        return chunk
    if outcome.error is not None:
        raise BadResponseError(f"the function failed: {outcome.error[0]}")
    return b""


async def _read_prelude(outcome: Streamed) -> tuple[bytes, bytes]:
    """The head, and what of the body came with it."""
    read = bytearray()
    async for chunk in outcome.chunks:
        searched = max(0, len(read) - len(url_responses.PRELUDE_END))
        read += chunk
        end = read.find(url_responses.PRELUDE_END, searched)
        if end >= 0:
            return bytes(read[:end]), bytes(read[end + len(url_responses.PRELUDE_END) :])
        if len(read) > url_responses.PRELUDE_BYTES_MAX:
            break
    raise BadResponseError("the stream has no head")


class _Rest:
    """What is left of a stream, the way the HTTP server wants it. Closing it gives the stream up, also before the
    first piece was asked for."""

    def __init__(self, first: bytes, outcome: Streamed) -> None:
        self._first = first
        self._outcome = outcome
        self._chunks = aiter(outcome.chunks)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            if self._outcome.error is not None:
                raise BrokenOffError(f"the function failed: {self._outcome.error[0]}") from None
            raise

    async def aclose(self) -> None:
        await response_streams.close(self._chunks)
