"""Reserved and shared concurrency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.invoke.concurrency import Concurrency
from ramuda.kernel.function import FunctionRef, FunctionSnapshot, Throttled
from tests.unit.runtime.fakes import snapshot


def function(name: str, reserved: int | None = None) -> FunctionSnapshot:
    return snapshot(
        ref=FunctionRef(account="000000000000", region="us-east-1", name=name), reserved_concurrency=reserved
    )


def test_the_accounts_limit_is_shared_and_freed() -> None:
    concurrency = Concurrency(2)
    concurrency.begin(function("a"))
    concurrency.begin(function("b"))
    with pytest.raises(Throttled) as refused:
        concurrency.begin(function("c"))
    assert (refused.value.reason, refused.value.retry_after_s) == ("ConcurrentInvocationLimitExceeded", 1)
    concurrency.end(function("a"))
    concurrency.begin(function("c"))
    assert concurrency.of_region("000000000000", "us-east-1") == 2


def test_a_function_runs_within_its_reserved_concurrency_alone() -> None:
    concurrency = Concurrency(10)
    a = function("a", reserved=1)
    concurrency.reserve("000000000000", "us-east-1", "a", 1)
    concurrency.begin(a)
    with pytest.raises(Throttled) as refused:
        concurrency.begin(a)
    assert refused.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_reserved_zero_throttles_everything() -> None:
    concurrency = Concurrency(10)
    with pytest.raises(Throttled):
        concurrency.begin(function("a", reserved=0))


def test_what_is_reserved_is_taken_from_what_the_others_share() -> None:
    concurrency = Concurrency(3)
    concurrency.reserve("000000000000", "us-east-1", "a", 2)
    concurrency.begin(function("b"))
    with pytest.raises(Throttled):
        concurrency.begin(function("b"))
    concurrency.begin(function("a", reserved=2))
    concurrency.reserve("000000000000", "us-east-1", "a", None)
    concurrency.begin(function("b"))


def test_accounts_and_regions_do_not_share() -> None:
    concurrency = Concurrency(1)
    for account, region in (("1" * 12, "us-east-1"), ("2" * 12, "us-east-1"), ("1" * 12, "eu-west-1")):
        concurrency.begin(snapshot(ref=FunctionRef(account=account, region=region, name="f")))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_counts_never_pass_the_limit_nor_fall_below_zero(steps: list[tuple[str, bool]]) -> None:
    concurrency = Concurrency(4)
    concurrency.reserve("000000000000", "us-east-1", "a", 2)
    functions = {"a": function("a", 2), "b": function("b"), "c": function("c")}
    running: list[str] = []
    for name, begins in steps:
        if begins:
            try:
                concurrency.begin(functions[name])
                running.append(name)
            except Throttled:
                assert running.count("a") >= 2 if name == "a" else running.count("b") + running.count("c") >= 2
        elif name in running:
            running.remove(name)
            concurrency.end(functions[name])
        assert concurrency.of_region("000000000000", "us-east-1") == len(running) <= 4
        assert [concurrency.of_function(functions[n]) for n in "abc"] == [running.count(n) for n in "abc"]
