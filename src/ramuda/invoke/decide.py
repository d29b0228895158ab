"""What becomes of an asynchronous invocation after an attempt: done, again later, or given up. Pure.

A function that fails is tried again after one minute and after two more. Where it could not be run at all (no
concurrency left, or the platform failed), the event waits 1 s, 2 s, 4 s ... up to 5 minutes, which uses up no retry.
An event whose next attempt would come when it is too old is given up at once, with the answer it got last (recorded).

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

Condition: TypeAlias = Literal[
    "Success",
    "RetriesExhausted",
    "EventAgeExceeded",
    "ZeroReservedConcurrency",
    "RecursiveInvocation",  # ours; nothing is recorded of a loop that was stopped
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How long and how often. `retries` after a function's error; `retry_after_s` before each of them, the last one
    standing for those that follow. An event is too old when it is `age_s` old."""

    retries: int = 2
    age_s: float = 21_600.0
    retry_after_s: tuple[float, ...] = (60.0, 120.0)
    back_off_s: float = 1.0
    back_off_max_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an event came. `attempts`: how often the function ran; `refusals`: how often in a row it could not be
    run. Seconds since the epoch."""

    accepted_at_s: float
    attempts: int = 0
    refusals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """The function ran, and failed or not."""

    is_error: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """There was no concurrency left, or the platform could not run it."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The function's reserved concurrency is 0."""


@dataclass(frozen=True, slots=True)
class Looped:
    """The event is one too many in a recursive loop."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such function, version or alias any more."""


@dataclass(frozen=True, slots=True)
class Expired:
    """It was found too old before the function was run (`is_too_old`)."""


Result: TypeAlias = Ran | Refused | Forbidden | Looped | Gone | Expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeed:
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """`at_s`: seconds since the epoch."""

    progress: Progress
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """`condition` None: without a record, because whose destinations they were is gone."""

    progress: Progress
    condition: Condition | None


Decision: TypeAlias = Succeed | RetryAt | GiveUp


def is_too_old(progress: Progress, now_s: float, policy: Policy) -> bool:
    return now_s - progress.accepted_at_s >= policy.age_s


def decide(progress: Progress, result: Result, now_s: float, policy: Policy) -> Decision:
    """What follows from `result`, the latest attempt's."""
    match result:
        case Ran(is_error=False):
            return Succeed(progress=_after_run(progress))
        case Ran():
            progress = _after_run(progress)
            if progress.attempts > policy.retries:
                return GiveUp(progress=progress, condition="RetriesExhausted")
            waits = policy.retry_after_s
            return _again(progress, now_s + waits[min(progress.attempts, len(waits)) - 1], policy)
        case Refused():
            wait_s = back_off_s(policy.back_off_s, progress.refusals, policy.back_off_max_s)
            refused = Progress(
                accepted_at_s=progress.accepted_at_s, attempts=progress.attempts, refusals=progress.refusals + 1
            )
            return _again(refused, now_s + wait_s, policy)
        case Forbidden():
            return GiveUp(progress=progress, condition="ZeroReservedConcurrency")
        case Expired():
            return GiveUp(progress=progress, condition="EventAgeExceeded")
        case Looped():
            return GiveUp(progress=progress, condition="RecursiveInvocation")
        case Gone():
            return GiveUp(progress=progress, condition=None)
        case _:
            assert_never(result)


def _after_run(progress: Progress) -> Progress:
    return Progress(accepted_at_s=progress.accepted_at_s, attempts=progress.attempts + 1)


def _again(progress: Progress, at_s: float, policy: Policy) -> Decision:
    if is_too_old(progress, at_s, policy):
        return GiveUp(progress=progress, condition="EventAgeExceeded")
    return RetryAt(progress=progress, at_s=at_s)


def back_off_s(first_s: float, times: int, most_s: float) -> float:
    """The wait after `times` waits before: `first_s`, then twice as long each time, `most_s` at most."""
    return min(first_s * 2.0 ** min(times, 60), most_s)
