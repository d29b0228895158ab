"""A bucket that fills up again bit by bit."""

from hypothesis import given
from hypothesis import strategies as st

from ramuda.invoke.rates import Rate


def test_a_burst_empties_the_bucket_and_time_fills_it_again() -> None:
    rate = Rate()
    assert [rate.take(0.1, 0.3, 5.0) for _ in range(4)] == [True, True, True, False]
    assert [rate.take(0.1, 0.3, 5.1) for _ in range(2)] == [True, False]
    assert [rate.take(0.1, 0.3, 99.0) for _ in range(4)] == [True, True, True, False]


def test_nothing_is_ever_let_through_at_a_rate_of_zero() -> None:
    assert not Rate().take(float("inf"), 1.0, 5.0)


@given(st.lists(st.floats(min_value=0, max_value=2), max_size=200))
def test_no_second_lets_through_more_than_twice_what_it_may(waits_s: list[float]) -> None:
    rate, now_s, taken = Rate(), 0.0, []
    for wait_s in waits_s:
        now_s += wait_s
        if rate.take(0.2, 1.0, now_s):
            taken.append(now_s)
    for at_s in taken:
        assert sum(at_s <= other < at_s + 1.0 for other in taken) <= 10
