"""What becomes of an asynchronous invocation after an attempt."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.invoke.decide import (
    Expired,
    Forbidden,
    GiveUp,
    Gone,
    Looped,
    Policy,
    Progress,
    Ran,
    Refused,
    Result,
    RetryAt,
    Succeed,
    back_off_s,
    decide,
    is_too_old,
)

START_S = 1_000_000.0
POLICIES = st.builds(
    Policy,
    retries=st.integers(0, 2),
    age_s=st.floats(60, 21_600),
    retry_after_s=st.just((60.0, 120.0)),
    back_off_s=st.floats(0.1, 10),
    back_off_max_s=st.floats(10, 300),
)
PROGRESSES = st.builds(
    Progress, accepted_at_s=st.just(START_S), attempts=st.integers(0, 3), refusals=st.integers(0, 100_000)
)
RESULTS = st.sampled_from([Ran(is_error=True), Refused(), Forbidden(), Looped(), Gone(), Expired()])


def test_every_kind_of_result_is_tried_here() -> None:
    assert set(get_args(Result)) == {Ran, Refused, Forbidden, Looped, Gone, Expired}


@given(PROGRESSES, st.floats(0, 30_000), POLICIES)
def test_what_ran_well_is_done_however_late(progress: Progress, age_s: float, policy: Policy) -> None:
    decision = decide(progress, Ran(is_error=False), START_S + age_s, policy)
    assert isinstance(decision, Succeed)
    assert decision.progress.attempts == progress.attempts + 1


@given(PROGRESSES, RESULTS, st.floats(0, 30_000), POLICIES)
def test_another_attempt_is_later_and_before_the_event_is_too_old(
    progress: Progress, result: Result, age_s: float, policy: Policy
) -> None:
    decision = decide(progress, result, START_S + age_s, policy)
    if isinstance(decision, RetryAt):
        assert decision.at_s > START_S + age_s
        assert not is_too_old(decision.progress, decision.at_s, policy)
        assert decision.progress.attempts <= policy.retries or isinstance(result, Refused)
    else:
        assert isinstance(decision, GiveUp)


@given(POLICIES)
def test_every_event_ends_after_as_many_runs_as_are_allowed(policy: Policy) -> None:
    progress, now_s, runs = Progress(accepted_at_s=START_S), START_S, 0
    while True:
        runs += 1
        decision = decide(progress, Ran(is_error=True), now_s, policy)
        if isinstance(decision, GiveUp):
            break
        assert isinstance(decision, RetryAt)
        progress, now_s = decision.progress, decision.at_s
    assert runs <= policy.retries + 1
    assert decision.condition == ("RetriesExhausted" if runs == policy.retries + 1 else "EventAgeExceeded")
    assert decision.progress.attempts == runs


@given(PROGRESSES, POLICIES)
def test_a_refusal_uses_up_no_retry_and_waits_no_longer_than_the_longest_wait(
    progress: Progress, policy: Policy
) -> None:
    decision = decide(progress, Refused(), START_S, policy)
    assert decision.progress.attempts == progress.attempts
    if isinstance(decision, RetryAt):
        assert decision.at_s <= START_S + policy.back_off_max_s
        assert decision.progress.refusals == progress.refusals + 1


def test_a_run_ends_the_back_off() -> None:
    progress = Progress(accepted_at_s=START_S, refusals=7)
    decision = decide(progress, Ran(is_error=True), START_S, Policy())
    assert decision == RetryAt(progress=Progress(accepted_at_s=START_S, attempts=1), at_s=START_S + 60)


@pytest.mark.parametrize(
    ("result", "condition"),
    [
        (Forbidden(), "ZeroReservedConcurrency"),
        (Expired(), "EventAgeExceeded"),
        (Looped(), "RecursiveInvocation"),
        (Gone(), None),
    ],
)
def test_some_events_are_given_up_at_once(result: Result, condition: str | None) -> None:
    progress = Progress(accepted_at_s=START_S, attempts=1)
    assert decide(progress, result, START_S, Policy()) == GiveUp(progress=progress, condition=condition)  # type: ignore[arg-type]  # one of the literals


def test_an_event_whose_next_attempt_would_be_too_late_is_given_up_now() -> None:
    policy = Policy(age_s=60)
    decision = decide(Progress(accepted_at_s=START_S), Ran(is_error=True), START_S + 0.2, policy)
    assert decision == GiveUp(progress=Progress(accepted_at_s=START_S, attempts=1), condition="EventAgeExceeded")


def test_waits_double_up_to_a_bound_and_never_overflow() -> None:
    assert [back_off_s(1, times, 300) for times in (0, 1, 8, 9, 5000)] == [1, 2, 256, 300, 300]
