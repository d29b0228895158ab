"""GetMetricStatistics and GetMetricData."""

from typing import Any

import pytest

from ramuda.kernel.errors import ApiError
from ramuda.telemetry import Telemetry
from ramuda.testing import ManualClock
from tests.unit.cloudwatch.conftest import START_S, at
from tests.unit.service_calls import ACCOUNT, REGION, Ask

FUNCTION = [{"Name": "FunctionName", "Value": "f"}]


@pytest.fixture
async def durations(telemetry: Telemetry) -> None:
    """A hundred samples in the first minute, one in the third."""
    series = telemetry.recorder.series(
        ACCOUNT, REGION, "AWS/Lambda", "Duration", (("FunctionName", "f"),), "Milliseconds"
    )
    for value in range(1, 101):
        series.add(float(value), START_S + value / 2)
    series.add(7.0, START_S + 120)


def statistics(ask: Ask, **params: Any) -> Any:
    asked = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Duration",
        "Dimensions": FUNCTION,
        "StartTime": at(0),
        "EndTime": at(300),
        "Period": 60,
        "Statistics": ["Average"],
        **params,
    }
    return ask("GetMetricStatistics", **{name: value for name, value in asked.items() if value is not None})


def query(name: str, **params: Any) -> dict[str, Any]:
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Duration", "Dimensions": FUNCTION}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum", **params}}


def data(ask: Ask, *queries: dict[str, Any], **params: Any) -> Any:
    return ask(
        "GetMetricData", **{"MetricDataQueries": list(queries), "StartTime": at(0), "EndTime": at(300), **params}
    )


async def error_of(answer: Any) -> tuple[str, str | None]:
    with pytest.raises(ApiError) as raised:
        await answer
    assert raised.value.status == 400
    return raised.value.code, raised.value.message


# -- GetMetricStatistics
# -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("durations")
async def test_all_simple_statistics_by_minute(ask: Ask) -> None:
    names = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
    unit = {"Unit": "Milliseconds"}
    assert await statistics(ask, Statistics=names) == {
        "Label": "Duration",
        "Datapoints": [
            {"Timestamp": at(0), **unit, **dict(zip(names, (100, 50.5, 5050.0, 1.0, 100.0), strict=True))},
            {"Timestamp": at(120), **unit, **dict(zip(names, (1, 7.0, 7.0, 7.0, 7.0), strict=True))},
        ],
    }


@pytest.mark.usefixtures("durations")
async def test_percentiles_and_trimmed_means(ask: Ask) -> None:
    answer = await statistics(ask, Statistics=None, ExtendedStatistics=["p50", "p99.5", "tm90"], EndTime=at(60))
    extended = {"p50": 50.0, "p99.5": 100.0, "tm90": 45.5}
    assert answer["Datapoints"] == [{"Timestamp": at(0), "Unit": "Milliseconds", "ExtendedStatistics": extended}]


@pytest.mark.usefixtures("durations")
async def test_periods_begin_where_the_request_does_rounded_down_to_the_minute(ask: Ask) -> None:
    answer = await statistics(ask, StartTime=at(-50), Period=300, Statistics=["SampleCount"])
    unit = {"Unit": "Milliseconds"}
    assert answer["Datapoints"] == [{"Timestamp": at(-60), **unit, "SampleCount": 101}]


@pytest.mark.usefixtures("durations")
async def test_only_the_very_same_dimensions_and_unit_are_found(ask: Ask) -> None:
    assert (await statistics(ask, Dimensions=None))["Datapoints"] == []
    assert (await statistics(ask, Unit="Seconds"))["Datapoints"] == []
    assert (await statistics(ask, region="us-east-1"))["Datapoints"] == []
    assert len((await statistics(ask, Unit="Milliseconds"))["Datapoints"]) == 2


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"Statistics": None}, "InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics"),
        (
            {"ExtendedStatistics": ["p50"]},
            "InvalidParameterCombination",
            "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.",
        ),
        (
            {"Statistics": None, "ExtendedStatistics": ["p101"]},
            "InvalidParameterValue",
            "The value p101 for parameter ExtendedStatistics is invalid.",
        ),
        (
            {"Period": 61},
            "InvalidParameterValue",
            "The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.",
        ),
        ({"EndTime": at(0)}, "InvalidParameterValue", "The parameter StartTime must not equal parameter EndTime."),
        (
            {"EndTime": at(-1)},
            "InvalidParameterCombination",
            "The parameter StartTime must be less than the parameter EndTime.",
        ),
        (
            {"EndTime": at(86_460)},
            "InvalidParameterCombination",
            "You have requested up to 1441 datapoints, which exceeds the limit of 1440. You may reduce the datapoints "
            "requested by increasing Period, or decreasing the time range.",
        ),
    ],
)
async def test_a_bad_request_gets_the_words_of_aws(ask: Ask, params: dict[str, Any], code: str, text: str) -> None:
    assert await error_of(statistics(ask, **params)) == (code, text)


@pytest.mark.parametrize(("age_days", "start_s"), [(1, -60), (16, -240), (64, START_S // 3600 * 3600 - START_S)])
async def test_the_older_the_start_the_more_it_is_rounded_down(
    ask: Ask, telemetry: Telemetry, clock: ManualClock, age_days: int, start_s: int
) -> None:
    """START_S is 00:13:00 o'clock behind a whole hour, so that each rounding gives another time."""
    series = telemetry.recorder.series(ACCOUNT, REGION, "AWS/Lambda", "Duration", (("FunctionName", "f"),), "Count")
    series.add(1.0, START_S)
    await telemetry.stop()
    await clock.advance(age_days * 86_400)
    answer = await statistics(ask, StartTime=at(-30), EndTime=at(3600), Period=7200)
    assert [point["Timestamp"] for point in answer["Datapoints"]] == [at(start_s)]


# -- GetMetricData
# -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("durations")
async def test_many_queries_are_answered_newest_first(ask: Ask) -> None:
    second = {**query("second", Stat="p50"), "Label": "median"}
    hidden = {**query("hidden"), "ReturnData": False}
    assert await data(ask, query("first"), second, hidden, query("none", Unit="Bytes")) == {
        "MetricDataResults": [
            {
                "Id": "first",
                "Label": "Duration",
                "Timestamps": [at(120), at(0)],
                "Values": [7.0, 5050.0],
                "StatusCode": "Complete",
            },
            {
                "Id": "second",
                "Label": "median",
                "Timestamps": [at(120), at(0)],
                "Values": [7.0, 50.0],
                "StatusCode": "Complete",
            },
            {"Id": "none", "Label": "Duration", "Timestamps": [], "Values": [], "StatusCode": "Complete"},
        ],
        "Messages": [],
    }


@pytest.mark.usefixtures("durations")
async def test_oldest_first_when_asked(ask: Ask) -> None:
    answer = await data(ask, query("a"), ScanBy="TimestampAscending")
    assert answer["MetricDataResults"][0]["Timestamps"] == [at(0), at(120)]


async def test_samples_of_every_unit_count_together(ask: Ask) -> None:
    for unit in ("Seconds", "Bytes"):
        await ask("PutMetricData", Namespace="N", MetricData=[{"MetricName": "M", "Value": 2.0, "Unit": unit}])
    metric = {"Namespace": "N", "MetricName": "M"}
    answer = await data(ask, query("a", Metric=metric), query("b", Metric=metric, Unit="Bytes"))
    assert [one["Values"] for one in answer["MetricDataResults"]] == [[4.0], [2.0]]


@pytest.mark.usefixtures("durations")
async def test_values_come_in_pages(ask: Ask) -> None:
    pages: list[list[tuple[str, list[float], str]]] = []
    token: dict[str, str] = {}
    while not pages or token:
        answer = await data(ask, query("a"), query("b", Stat="Maximum"), MaxDatapoints=3, **token)
        pages.append([(one["Id"], one["Values"], one["StatusCode"]) for one in answer["MetricDataResults"]])
        token = {"NextToken": answer["NextToken"]} if "NextToken" in answer else {}
    assert pages == [
        [("a", [7.0, 5050.0], "Complete"), ("b", [7.0], "PartialData")],
        [("a", [], "Complete"), ("b", [100.0], "Complete")],
    ]


@pytest.mark.parametrize(
    ("queries", "text"),
    [
        (
            [query("Upper"), query("1x"), query("ok")],
            "The value Upper for parameter MetricDataQueries.member.1.Id is not matching the expected pattern "
            "^[a-z][a-zA-Z0-9_]*$.\n"
            "The value 1x for parameter MetricDataQueries.member.2.Id is not matching the expected pattern "
            "^[a-z][a-zA-Z0-9_]*$.",
        ),
        ([query("a"), query("a")], "The values for parameter id in MetricDataQueries are not unique."),
        (
            [{**query("a"), "ReturnData": False}],
            "At least one MetricDataQuery must have ReturnData set to true.",
        ),
        (
            [query("a"), {"Id": "e", "Expression": "a * 2"}],
            "Error in expression 'e': Ramuda does not support expressions yet. Query the metrics with MetricStat and "
            "compute from their values.",
        ),
        (
            [{**query("a"), "Expression": "1"}],
            "The parameters MetricDataQueries.member.1.Expression and MetricDataQueries.member.1.MetricStat are "
            "mutually exclusive and you have specified both.",
        ),
        (
            [{"Id": "a"}],
            "Exactly one of MetricDataQueries.member.1.MetricStat and MetricDataQueries.member.1.Expression is "
            "required.",
        ),
        (
            [query("a", Stat="Median")],
            "The value Median for parameter MetricDataQueries.member.1.MetricStat.Stat is not supported.",
        ),
        (
            [query("a", Period=7)],
            "The parameter MetricDataQueries.member.1.MetricStat.Period must be 1, 5, 10, 20, 30, or a multiple of 60.",
        ),
        (
            [query(f"a{number}") for number in range(501)],
            "The collection MetricDataQueries must not have a size greater than 500.",
        ),
    ],
)
async def test_a_bad_query_is_refused(ask: Ask, queries: list[dict[str, Any]], text: str) -> None:
    assert await error_of(data(ask, *queries)) == ("ValidationError", text)


async def test_an_end_that_is_not_after_the_start_is_refused(ask: Ask) -> None:
    expected = ("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    assert await error_of(data(ask, query("a"), EndTime=at(0))) == expected


@pytest.mark.parametrize("token", ["x", "-1", "9" * 5000])
async def test_a_token_that_was_not_given_is_refused(ask: Ask, token: str) -> None:
    assert (await error_of(data(ask, query("a"), NextToken=token)))[0] == "InvalidNextToken"


@pytest.mark.parametrize("limit", [0, -1, 100_801])
async def test_a_page_has_at_least_one_value_and_not_too_many(ask: Ask, limit: int) -> None:
    expected = ("ValidationError", "The parameter MaxDatapoints must be between 1 and 100800.")
    assert await error_of(data(ask, query("a"), MaxDatapoints=limit)) == expected


@pytest.mark.usefixtures("durations")
async def test_a_period_may_be_as_long_as_it_likes(ask: Ask) -> None:
    answer = await data(ask, query("a", Period=60 * 10**20))
    assert answer["MetricDataResults"][0]["Values"] == [5057.0]
