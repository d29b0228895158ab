"""Reserved, shared and provisioned concurrency, and how often and how fast."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.invoke.concurrency import Concurrency, Seat
from ramuda.invoke.options import Options
from ramuda.invoke.pools import ProvisionedPool
from ramuda.kernel.function import FunctionRef, Invocation, Throttled
from tests.unit.runtime.fakes import invocation, snapshot

ACCOUNT, REGION = "000000000000", "us-east-1"


def asked(name: str, reserved: int | None = None, **changes: object) -> Invocation:
    ref = FunctionRef(account=ACCOUNT, region=REGION, name=name)
    return invocation(snapshot(ref=ref, reserved_concurrency=reserved), **changes)


def begin(concurrency: Concurrency, wanted: Invocation, now_s: float = 0.0) -> Seat:
    return concurrency.begin(concurrency.share(wanted.function.ref), wanted, now_s)


def reason(concurrency: Concurrency, wanted: Invocation, now_s: float = 0.0) -> str | None:
    """Why it is throttled; None when it is let in."""
    try:
        begin(concurrency, wanted, now_s)
    except Throttled as e:
        return e.reason
    return None


def test_the_accounts_limit_is_shared_and_freed() -> None:
    concurrency = Concurrency(2)
    first = begin(concurrency, asked("a"))
    begin(concurrency, asked("b"))
    with pytest.raises(Throttled) as refused:
        begin(concurrency, asked("c"))
    assert (refused.value.reason, refused.value.retry_after_s) == ("ConcurrentInvocationLimitExceeded", 1)
    first.leave()
    begin(concurrency, asked("c"))
    assert concurrency.region(ACCOUNT, REGION).running == 2


def test_a_function_runs_within_its_reserved_concurrency_alone() -> None:
    concurrency = Concurrency(10)
    concurrency.reserve(ACCOUNT, REGION, "a", 1)
    begin(concurrency, asked("a", 1))
    assert reason(concurrency, asked("a", 1)) == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_reserved_zero_throttles_everything() -> None:
    concurrency = Concurrency(10)
    for is_async in (False, True):
        wanted = asked("a", 0, is_async=is_async)
        assert reason(concurrency, wanted) == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_what_is_reserved_is_taken_from_what_the_others_share() -> None:
    concurrency = Concurrency(3)
    concurrency.reserve(ACCOUNT, REGION, "a", 2)
    begin(concurrency, asked("b"))
    assert reason(concurrency, asked("b")) == "ConcurrentInvocationLimitExceeded"
    begin(concurrency, asked("a", 2))
    concurrency.reserve(ACCOUNT, REGION, "a", None)
    assert reason(concurrency, asked("b")) is None


def test_accounts_and_regions_do_not_share() -> None:
    concurrency = Concurrency(1)
    for account, region in (("1" * 12, "us-east-1"), ("2" * 12, "us-east-1"), ("1" * 12, "eu-west-1")):
        ref = FunctionRef(account=account, region=region, name="f")
        assert reason(concurrency, invocation(snapshot(ref=ref))) is None


def test_what_is_provisioned_is_taken_from_the_functions_reserved_concurrency() -> None:
    concurrency = Concurrency(10)
    concurrency.reserve(ACCOUNT, REGION, "a", 2)
    concurrency.allocate(asked("a").function.ref, 2)
    assert reason(concurrency, asked("a", 2)) == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert concurrency.region(ACCOUNT, REGION).unreserved_limit == 8
    concurrency.allocate(asked("a").function.ref, -1)
    assert reason(concurrency, asked("a", 2)) is None


def test_what_is_provisioned_without_a_reservation_is_taken_from_what_all_share() -> None:
    concurrency = Concurrency(3)
    concurrency.allocate(asked("a").function.ref, 2)
    assert reason(concurrency, asked("b")) is None
    assert reason(concurrency, asked("b")) == "ConcurrentInvocationLimitExceeded"
    concurrency.reserve(ACCOUNT, REGION, "a", 2)
    assert concurrency.region(ACCOUNT, REGION).unreserved_limit == 1, "counted once, not twice"


def test_a_synchronous_caller_may_ask_ten_times_a_second_for_each_unit_of_concurrency() -> None:
    concurrency = Concurrency(2)
    for name, reserved, why in (
        ("a", None, "FunctionInvocationRateLimitExceeded"),
        ("b", 2, "ReservedFunctionInvocationRateLimitExceeded"),
    ):
        for _ in range(20):
            begin(concurrency, asked(name, reserved), 100.0).leave()
        assert reason(concurrency, asked(name, reserved), 100.0) == why
        begin(concurrency, asked(name, reserved), 100.05).leave()
        assert reason(concurrency, asked(name, reserved), 100.06) == why
        begin(concurrency, asked(name, reserved, is_async=True), 100.06).leave()
        assert reason(concurrency, asked(name, reserved), 101.1) is None


def test_the_request_caps_of_functions_are_their_own() -> None:
    concurrency = Concurrency(1)
    for _ in range(10):
        begin(concurrency, asked("a")).leave()
    assert reason(concurrency, asked("a")) == "FunctionInvocationRateLimitExceeded"
    assert reason(concurrency, asked("b")) is None


def test_a_function_gets_a_thousand_environments_in_ten_seconds_and_no_more_later_for_having_waited() -> None:
    concurrency = Concurrency(5000)
    share = concurrency.share(asked("a").function.ref)
    for _ in range(1000):
        concurrency.scale(share, 50.0)
    with pytest.raises(Throttled) as refused:
        concurrency.scale(share, 50.0)
    assert refused.value.reason == "ConcurrentInvocationLimitExceeded"
    for _ in range(100):
        concurrency.scale(share, 51.0)
    with pytest.raises(Throttled):
        concurrency.scale(share, 51.0)
    for _ in range(1000):
        concurrency.scale(share, 1000.0)
    with pytest.raises(Throttled):
        concurrency.scale(share, 1000.0)


def test_provisioned_concurrency_has_a_request_cap_of_its_own() -> None:
    concurrency = Concurrency(1, Options(requests_per_concurrency=2))
    pool = ProvisionedPool(snapshot(version="1"), "1", lambda *_: None)
    pool.wanted = 1
    pool.ready.add(object())  # type: ignore[arg-type]
    wanted = asked("a")
    share = concurrency.share(wanted.function.ref)
    for _ in range(2):
        seat = concurrency.begin_provisioned(share, wanted, pool, 0.0)
        assert seat is not None
        assert concurrency.begin_provisioned(share, wanted, pool, 0.0) is None, "in use"
        seat.leave()
    assert concurrency.begin_provisioned(share, wanted, pool, 0.0) is None
    assert concurrency.begin_provisioned(share, wanted, pool, 0.5) is not None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_counts_never_pass_the_limit_nor_fall_below_zero(steps: list[tuple[str, bool]]) -> None:
    concurrency = Concurrency(4)
    concurrency.reserve(ACCOUNT, REGION, "a", 2)
    wanted = {"a": asked("a", 2), "b": asked("b"), "c": asked("c")}
    seats: list[tuple[str, Seat]] = []
    for now_s, (name, begins) in enumerate(steps):
        names = [of for of, _ in seats]
        if begins:
            try:
                seats.append((name, begin(concurrency, wanted[name], float(now_s))))
            except Throttled:
                assert names.count("a") >= 2 if name == "a" else names.count("b") + names.count("c") >= 2
        elif name in names:
            seats.pop(names.index(name))[1].leave()
        names = [of for of, _ in seats]
        assert concurrency.region(ACCOUNT, REGION).running == len(names) <= 4
        assert [concurrency.share(wanted[n].function.ref).running for n in "abc"] == [names.count(n) for n in "abc"]
