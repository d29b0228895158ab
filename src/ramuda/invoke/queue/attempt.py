"""One attempt to run an event's function: what came of it, and what is to be delivered because of it."""

from dataclasses import dataclass

from ramuda.invoke import decide
from ramuda.invoke.decide import Condition, Expired, Forbidden, GiveUp, Gone, Looped, Policy, Ran, Refused, Result
from ramuda.invoke.destinations import record
from ramuda.invoke.destinations.record import Answer, Trouble
from ramuda.invoke.queue.event import Event, Functions, Runnable
from ramuda.invoke.queue.meter import EventMeters
from ramuda.invoke.queue.rows import Errand
from ramuda.kernel import trace
from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.function import (
    FunctionError,
    Invocation,
    Outcome,
    RecursiveLoop,
    RestoreFailed,
    Streamed,
    Throttled,
)
from ramuda.kernel.ids import Ids
from ramuda.kernel.ports.invoker import Invoker
from ramuda.kernel.ports.target import Attribute, Delivery, Kind

RATE_EXCEEDED = Trouble(status=429, message="Rate Exceeded.")
LOOP = Trouble(status=400, message="Lambda has detected the function being invoked in a recursive loop.")  # ours


@dataclass(slots=True, kw_only=True)
class Attempt:
    """`runnable` is None where it could not be found out; `trace` is what goes on to destinations. `is_crowded`: other
    events of the function would not be run now either."""

    result: Result
    policy: Policy
    runnable: Runnable | None = None
    trouble: Trouble | None = None
    trace: str | None = None
    is_crowded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Makes attempts. `policy` holds for functions that are not known."""

    functions: Functions
    invoker: Invoker
    clock: Clock
    meters: EventMeters
    policy: Policy

    async def make(self, event: Event) -> Attempt:
        """Runs the function if it may run; `event.answer` is what it answered."""
        try:
            runnable = await self.functions.find(event)
        except ApiError as e:
            is_gone = e.code == "ResourceNotFoundException"
            trouble = Trouble(status=e.status or 400, message=e.message or e.code)
            result = Gone() if is_gone else Refused()
            return Attempt(result=result, policy=self.policy, trouble=trouble, is_crowded=not is_gone)
        except PortError as e:
            trouble = Trouble(status=500, message=str(e))
            return Attempt(result=Refused(), policy=self.policy, trouble=trouble, is_crowded=True)
        attempt = Attempt(result=Refused(), policy=runnable.policy, runnable=runnable, trace=event.trace)
        await self._run(event, attempt, runnable)
        return attempt

    async def _run(self, event: Event, attempt: Attempt, runnable: Runnable) -> None:
        invocation = runnable.invocation
        if invocation.function.reserved_concurrency == 0:
            attempt.result, attempt.trouble = Forbidden(), RATE_EXCEEDED
            return
        now_s = self.clock.time()
        if decide.is_too_old(event.progress, now_s, attempt.policy):
            attempt.result, attempt.trouble = Expired(), RATE_EXCEEDED
            return
        self.meters.of(event.function).attempted(event.progress.accepted_at_s, now_s)
        try:
            outcome = await self.invoker.invoke(invocation)
            event.answer = await _answer(outcome, invocation)
        except RecursiveLoop:
            attempt.result, attempt.trouble = Looped(), LOOP
        except Throttled:
            attempt.result, attempt.trouble, attempt.is_crowded = Refused(), RATE_EXCEEDED, True
        except (PortError, RestoreFailed) as e:
            attempt.result, attempt.trouble = Refused(), Trouble(status=500, message=str(e))
            attempt.is_crowded = True
        else:
            attempt.result, attempt.trace = Ran(is_error=event.answer.is_error), invocation.trace


def errands(event: Event, attempt: Attempt, decision: decide.Decision, ids: Ids, now_s: float) -> list[Errand]:
    """What is to be delivered now that this was decided."""
    runnable = attempt.runnable
    if runnable is None or isinstance(decision, decide.RetryAt):
        return []
    if isinstance(decision, decide.Succeed):
        return (
            [
                _errand(
                    runnable.on_success,
                    "Success",
                    _record(event, "Success", decision, now_s),
                    event,
                    attempt,
                    ids,
                    now_s,
                )
            ]
            if runnable.on_success
            else []
        )
    return _of_failure(event, attempt, runnable, decision, ids, now_s)


def _of_failure(
    event: Event, attempt: Attempt, runnable: Runnable, decision: GiveUp, ids: Ids, now_s: float
) -> list[Errand]:
    made: list[Errand] = []
    if runnable.on_failure and decision.condition is not None:
        text = _record(event, decision.condition, decision, now_s)
        made.append(_errand(runnable.on_failure, "Failure", text, event, attempt, ids, now_s))
    if runnable.dead_letter:
        text = event.payload.decode(errors="replace")
        made.append(_errand(runnable.dead_letter, "DeadLetter", text, event, attempt, ids, now_s))
    return made


def _record(event: Event, condition: Condition, decision: decide.Succeed | GiveUp, now_s: float) -> str:
    return record.invocation_record(
        request_id=event.request_id,
        function=event.function,
        condition=condition,
        progress=decision.progress,
        payload=event.payload,
        answer=event.answer,
        at_s=now_s,
    )


def _errand(target: str, kind: Kind, body: str, event: Event, attempt: Attempt, ids: Ids, now_s: float) -> Errand:
    attributes: tuple[Attribute, ...] = ()
    if kind == "DeadLetter":
        attributes = record.dead_letter_attributes(event.request_id, event.answer, attempt.trouble)
    delivery = Delivery(
        id=ids.uuid(),
        kind=kind,
        function=event.function,
        body=body,
        at_s=now_s,
        attributes=attributes,
        trace=_trace(attempt.trace, ids, now_s),
    )
    return Errand(delivery=delivery, target=target, made_at_s=now_s)


def _trace(header: str | None, ids: Ids, now_s: float) -> str:
    """The header that goes on; a new trace where there is none: every message that AWS sends has one (recorded)."""
    if header is not None and trace.parse(header) is not None:
        return header
    return f"Root=1-{int(now_s):08x}-{ids.hex(24)};Parent={ids.hex(16)};Sampled=0"


async def _answer(outcome: Outcome, invocation: Invocation) -> Answer:
    version = invocation.function.version
    if isinstance(outcome, Streamed):
        payload = b"".join([chunk async for chunk in outcome.chunks])
        if outcome.error is not None:
            return Answer(payload=outcome.error[1].encode(), version=version, is_error=True)
        return Answer(payload=payload, version=version, is_error=False)
    return Answer(payload=outcome.payload, version=version, is_error=isinstance(outcome, FunctionError))
