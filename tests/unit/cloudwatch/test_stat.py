"""Statistics by their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.services.cloudwatch import stat
from ramuda.telemetry.statistics import Statistics

ONE_TO_HUNDRED = Statistics.of(float(value) for value in range(1, 101))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SampleCount", 100),
        ("Sum", 5050),
        ("Average", 50.5),
        ("Minimum", 1),
        ("Maximum", 100),
        ("p0", 1),
        ("p50", 50),
        ("p99", 99),
        ("p99.9", 100),
        ("p100", 100),
        ("tm90", 45.5),
        ("TM(10%:90%)", 50.5),
        ("IQM", 50.5),
        ("TM(:50)", 25.5),
        ("TM(50:)", 75.5),
        ("tc10", 10),
        ("TC(10:20)", 10),
        ("ts10", 55),
        ("TS(80%:)", 1810),
        ("wm98", 50.47),
        ("WM(10%:90%)", 50.5),
        ("PR(:30)", 30),
        ("PR(10:90)", 80),
    ],
)
def test_a_statistic_of_the_numbers_from_one_to_a_hundred(name: str, expected: float) -> None:
    assert stat.parse(name)(ONE_TO_HUNDRED) == pytest.approx(expected)


NO_STATISTICS = ["", "Median", "p101", "p-1", "P50", "p50 ", "pp", "tm", "tm101", "iqm"]
NO_RANGES = ["TM(:)", "TM(10%:5%)", "TM(10%:50)", "PR(1%:2%)", "TM(1:1)", "TM(0%:101%)", "TM(.:5)"]


@pytest.mark.parametrize("name", [*NO_STATISTICS, *NO_RANGES])
def test_what_is_no_statistic_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        stat.parse(name)


@pytest.mark.parametrize("name", ["p50", "tm90", "IQM", "PR(:5)"])
def test_without_single_values_or_with_negative_ones_there_is_nothing_to_show(name: str) -> None:
    a_set = Statistics.of_set(count=2, total=3.0, minimum=1.0, maximum=2.0)
    assert [stat.parse(name)(one) for one in (a_set, Statistics.of([-1.0, 2.0]))] == [None, None]


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=60),
    st.sampled_from(["p50", "tm90", "IQM", "WM(10%:90%)", "TM(20%:)"]),
)
def test_a_mean_or_percentile_lies_between_the_extremes(values: list[float], name: str) -> None:
    made = Statistics.of(values)
    shown = stat.parse(name)(made)
    assert shown is not None
    assert made.minimum * (1 - 1e-9) <= shown <= made.maximum * (1 + 1e-9)
