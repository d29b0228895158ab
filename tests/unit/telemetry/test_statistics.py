"""What is kept of samples, and how near its percentiles are to the truth."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from ramuda.telemetry.statistics import EXACT_VALUES_MAX, Statistics

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100)


def true_percentile(values: list[float], percent: float) -> float:
    return sorted(values)[max(math.ceil(len(values) * percent / 100 - 1e-9) - 1, 0)]


def test_few_different_values_are_kept_exactly() -> None:
    made = Statistics.of([3.0, 1.0, 2.0, 2.0])
    assert made == Statistics(count=4, sum=8.0, minimum=1.0, maximum=3.0, values={3.0: 1, 1.0: 1, 2.0: 2}, exact=True)
    assert [made.percentile(percent) for percent in (0, 25, 50, 75, 99, 100)] == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]


@given(st.lists(finite, min_size=1, max_size=400), st.floats(0, 100))
def test_a_percentile_is_off_by_less_than_one_percent(values: list[float], percent: float) -> None:
    found, truth = Statistics.of(values).percentile(percent), true_percentile(values, percent)
    assert found is not None
    assert abs(found - truth) <= 0.01 * abs(truth)


@given(st.lists(st.lists(finite, min_size=1, max_size=150), min_size=1, max_size=5))
def test_merging_parts_is_near_to_taking_all_at_once(parts: list[list[float]]) -> None:
    merged = Statistics.of(parts[0])
    for part in parts[1:]:
        merged.merge(Statistics.of(part))
    values = [value for part in parts for value in part]
    assert (merged.count, merged.minimum, merged.maximum) == (len(values), min(values), max(values))
    assert math.isclose(merged.sum, math.fsum(values), rel_tol=1e-9, abs_tol=1e-9 * max(map(abs, values)))
    for percent in (1, 50, 90, 99.9):
        found, truth = merged.percentile(percent), true_percentile(values, percent)
        assert found is not None
        assert abs(found - truth) <= 0.01 * abs(truth)


@given(st.lists(finite, min_size=1, max_size=300))
def test_what_is_stored_is_read_back(values: list[float]) -> None:
    made = Statistics.of(values)
    read = Statistics.decode(
        count=made.count,
        total=made.sum,
        minimum=made.minimum,
        maximum=made.maximum,
        encoded=made.encode_values(),
    )
    assert read == made


def test_equal_values_need_no_room() -> None:
    assert Statistics.of([1.0] * 1000).encode_values() is None


def test_many_values_take_little_room_whatever_their_range() -> None:
    random.seed(1)
    made = Statistics.of(10 ** random.uniform(0, 6) for _ in range(100_000))
    encoded = made.encode_values()
    assert encoded is not None
    assert EXACT_VALUES_MAX < len(made.values) < 64 * 21  # 10^6 is 20 powers of two
    assert len(encoded) < 25_000


def test_a_value_of_the_grid_stays_where_it_is() -> None:
    coarse = Statistics.of([1.0 + i / 7 for i in range(500)])
    again = Statistics.of_counts(coarse.values)
    assert (coarse.exact, again.values) == (False, coarse.values)


def test_a_statistic_set_has_no_percentiles() -> None:
    made = Statistics.of_set(count=3, total=6.0, minimum=1.0, maximum=3.0)
    assert (made.average, made.percentile(50), made.is_complete) == (2.0, None, False)


def test_a_statistic_set_of_equal_values_has_percentiles() -> None:
    assert Statistics.of_set(count=3, total=6.0, minimum=2.0, maximum=2.0).percentile(50) == 2.0


def test_values_and_a_statistic_set_together_have_no_percentiles() -> None:
    made = Statistics.of([1.0, 2.0])
    made.merge(Statistics.of_set(count=3, total=6.0, minimum=1.0, maximum=3.0))
    assert (made.count, made.sum, made.maximum, made.percentile(50)) == (5, 9.0, 3.0, None)
