"""Invoke and InvokeAsync. This is the hot path: what a warm call does here is to be counted in microseconds.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and API_InvokeAsync.html
"""

from base64 import b64encode

from ramuda.kernel import limits
from ramuda.kernel.call import Call, Result
from ramuda.kernel.errors import InternalError
from ramuda.kernel.function import (
    FunctionError,
    Invocation,
    Outcome,
    RecursiveLoop,
    RestoreFailed,
    Streamed,
    Throttled,
)
from ramuda.kernel.ids import is_uuid
from ramuda.services.lambda_ import events
from ramuda.services.lambda_.api import access
from ramuda.services.lambda_.catalog import Target
from ramuda.services.lambda_.room import Room
from ramuda.services.lambda_.rules import recursion, refusals, requests, snap_start

INVOKE_ASYNC_BYTES = 262_144  # DG: API_InvokeAsync, 256 KB


async def invoke(room: Room, call: Call) -> Result:
    params = call.params
    target = room.catalog.known(call.account, call.region, params["FunctionName"], params.get("Qualifier"))
    if target is None:
        target = await target_of(room, call)
    kind = params.get("InvocationType")
    if kind == "Event":
        payload = requests.payload(params.get("Payload"), limits.ASYNC_PAYLOAD_BYTES)
        await _accept(room, call, target, payload)
        return {"StatusCode": 202, "Payload": b""}
    invocation = invocation_of(call, target)
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    outcome = await run(room, invocation)
    if isinstance(outcome, Streamed):
        raise InternalError("the invoker streamed what nobody asked to be streamed")
    result: Result = {
        "StatusCode": 200,
        "ExecutedVersion": target.snapshot.version,
        "Payload": outcome.payload,
    }
    if isinstance(outcome, FunctionError):
        result["FunctionError"] = "Unhandled"
    if invocation.wants_tail:
        result["LogResult"] = b64encode(outcome.tail).decode()
    return result


async def invoke_async(room: Room, call: Call) -> Result:
    """Deprecated by AWS in favour of Invoke with InvocationType Event."""
    target = await target_of(room, call)
    body = call.params["InvokeArgs"]
    payload = requests.payload(bytes(body), INVOKE_ASYNC_BYTES)
    await _accept(room, call, target, payload, trace=False)  # DG: InvokeAsync does not propagate the trace
    return {"Status": 202}


async def target_of(room: Room, call: Call) -> Target:
    """What the call names, of whatever account. Raises AWS's error when it is not there or cannot be invoked now."""
    name, qualifier = call.params["FunctionName"], call.params.get("Qualifier")
    known = room.catalog.known(call.account, call.region, name, qualifier)
    if known is not None:  # the caller's own, and its policy denies nothing
        return known
    return await room.catalog.resolve(await access.owner(room, call), call.region, name, qualifier)


def invocation_of(call: Call, target: Target) -> Invocation:
    """The call as the invoker takes it. Raises AWS's error for what no invocation may carry."""
    params = call.params
    request_id = call.headers.get("x-amzn-requestid")
    if request_id is not None and not is_uuid(request_id):
        raise refusals.bad_request("The 'x-amzn-RequestId' header is not a valid UUID string.")  # SM, in its words
    return Invocation(
        request_id=call.request_id,
        function=target.snapshot,
        payload=requests.payload(params.get("Payload"), limits.SYNC_PAYLOAD_BYTES),
        invoked_arn=target.invoked_arn,
        qualifier=target.qualifier,
        client_context=requests.client_context(params.get("ClientContext")),
        trace=call.trace,
        wants_tail=params.get("LogType") == "Tail",
        is_weighted=target.is_weighted,
    )


async def run(room: Room, invocation: Invocation) -> Outcome:
    """Raises AWS's error when it is throttled, or one too many in a recursive loop."""
    try:
        return await room.invoker.invoke(invocation)
    except Throttled as e:
        raise refusals.throttled(e.reason, e.retry_after_s) from e
    except RecursiveLoop as e:
        raise recursion.stopped() from e
    except RestoreFailed as e:
        raise snap_start.not_restored(e.stage) from e


async def _accept(room: Room, call: Call, target: Target, payload: bytes, *, trace: bool = True) -> None:
    try:
        await room.events.accept(
            events.ref_of(target),
            request_id=call.request_id,
            payload=payload,
            trace=call.trace if trace else None,
        )
    except Throttled as e:
        raise refusals.throttled(e.reason, e.retry_after_s) from e


OPERATIONS = {
    "Invoke": invoke,
    "InvokeAsync": invoke_async,
}
