"""Putting and listing metrics."""

import math
from datetime import timedelta
from typing import Any

import pytest

from ramuda.kernel.errors import ApiError
from ramuda.testing import ManualClock
from tests.unit.cloudwatch.conftest import at
from tests.unit.service_calls import Ask

DAY_S = 86_400


async def put(ask: Ask, *data: dict[str, Any], namespace: str = "N") -> None:
    assert (
        await ask("PutMetricData", Namespace=namespace, MetricData=[{"MetricName": "M", **one} for one in data]) == {}
    )


async def stored(ask: Ask, **params: Any) -> list[dict[str, Any]]:
    wanted = {"StartTime": at(0), "EndTime": at(60), "Period": 60, "Statistics": list(STATISTICS), **params}
    return list((await ask("GetMetricStatistics", Namespace="N", MetricName="M", **wanted))["Datapoints"])


STATISTICS = ("SampleCount", "Sum", "Minimum", "Maximum")


def point(count: float, total: float, minimum: float, maximum: float, unit: str = "None") -> dict[str, Any]:
    values = dict(zip(STATISTICS, (count, total, minimum, maximum), strict=True))
    return {"Timestamp": at(0), "Unit": unit, **values}


async def error_of(answer: Any) -> tuple[str, str | None, int | None]:
    with pytest.raises(ApiError) as raised:
        await answer
    return raised.value.code, raised.value.message, raised.value.status


async def test_values_counts_and_statistic_sets_add_up(ask: Ask) -> None:
    await put(
        ask,
        {"Value": 1.0},
        {"Values": [2.0, 3.0], "Counts": [10.0, 1.0]},
        {"Values": [4.0]},
        {"StatisticValues": {"SampleCount": 2.0, "Sum": 11.0, "Minimum": 0.5, "Maximum": 10.5}},
    )
    assert await stored(ask) == [point(15, 39, 0.5, 10.5)]


async def test_a_datum_without_a_time_is_of_now(ask: Ask, clock: ManualClock) -> None:
    await clock.advance(59)
    await put(ask, {"Value": 1.0})
    await clock.advance(1)
    await put(ask, {"Value": 2.0})
    assert await stored(ask) == [point(1, 1, 1, 1)]


async def test_counts_of_zero_are_no_samples(ask: Ask) -> None:
    await put(ask, {"Values": [5.0, 6.0], "Counts": [0.0, 1.0]}, {"Values": [7.0], "Counts": [0.0]})
    assert await stored(ask) == [point(1, 6, 6, 6)]


async def test_each_unit_is_apart(ask: Ask) -> None:
    await put(ask, {"Value": 1.0, "Unit": "Seconds"}, {"Value": 2.0, "Unit": "Bytes"}, {"Value": 3.0})
    assert await stored(ask) == [point(1, 2, 2, 2, "Bytes"), point(1, 3, 3, 3), point(1, 1, 1, 1, "Seconds")]
    assert await stored(ask, Unit="Seconds") == [point(1, 1, 1, 1, "Seconds")]


async def test_high_resolution_can_be_read_by_the_second_and_the_rest_cannot(ask: Ask) -> None:
    await put(ask, {"Value": 1.0, "StorageResolution": 1, "Timestamp": at(7.5)}, {"Value": 5.0, "Timestamp": at(7.5)})
    by_second = await stored(ask, Period=1)
    by_ten = await stored(ask, Period=10)
    by_minute = await stored(ask, Period=60)
    assert by_second == [{**point(1, 1, 1, 1), "Timestamp": at(7)}]
    assert by_ten == [point(1, 1, 1, 1)]
    assert by_minute == [point(2, 6, 1, 5)]


async def test_data_of_entities_count_too(ask: Ask) -> None:
    entity = {"Entity": {}, "MetricData": [{"MetricName": "M", "Value": 4.0}]}
    await ask("PutMetricData", Namespace="N", EntityMetricData=[entity])
    assert await stored(ask) == [point(1, 4, 4, 4)]


def a_set(**changed: float) -> dict[str, Any]:
    return {"StatisticValues": {"SampleCount": 1.0, "Sum": 1.0, "Minimum": 1.0, "Maximum": 1.0} | changed}


LONG_AGO, TOO_SOON = at(0) - timedelta(days=14, seconds=1), at(7201)


@pytest.mark.parametrize(
    ("datum", "text"),
    [
        ({"Value": math.nan}, "The value NaN for parameter {}.Value is invalid."),
        ({"Value": -math.inf}, "The value -Infinity for parameter {}.Value is invalid."),
        ({"Value": 2.0**361}, "The value 4.6970851655476665e+108 for parameter {}.Value is invalid."),
        ({"Values": [1.0, math.inf]}, "The value Infinity for parameter {}.Values.member.2 is invalid."),
        ({"Values": [1.0], "Counts": [-1.0]}, "The value -1.0 for parameter {}.Counts.member.1 is invalid."),
        ({"Values": []}, "The parameter {}.Values must have 1 to 150 elements."),
        ({"Values": [1.0] * 151}, "The parameter {}.Values must have 1 to 150 elements."),
        ({"Values": [1.0], "Counts": [1.0, 2.0]}, "The parameters {0}.Values and {0}.Counts must be of the same size."),
        (
            {"Value": 1.0, "StorageResolution": 300},
            "The parameter {}.StorageResolution must be a value in the set [ 1, 60 ].",
        ),
        (
            {"Value": 1.0, "Timestamp": LONG_AGO},
            "The parameter {}.Timestamp must specify a time within the past two weeks.",
        ),
        (
            {"Value": 1.0, "Timestamp": TOO_SOON},
            "The parameter {}.Timestamp must specify a time no more than two hours in the future.",
        ),
        (a_set(SampleCount=0.0), "The parameter {}.StatisticValues.SampleCount must be greater than 0."),
        (
            a_set(Minimum=2.0),
            "The parameter {0}.StatisticValues.Maximum must be greater than {0}.StatisticValues.Minimum.",
        ),
    ],
)
async def test_a_bad_value_is_refused_and_nothing_is_stored(ask: Ask, datum: dict[str, Any], text: str) -> None:
    refused = ("InvalidParameterValue", text.format("MetricData.member.2"), 400)
    assert await error_of(put(ask, {"Value": 1.0}, datum)) == refused
    assert await stored(ask) == []


@pytest.mark.parametrize(
    ("datum", "code", "text"),
    [
        (
            {"Value": 1.0, **a_set()},
            "InvalidParameterCombination",
            "The parameters {0}.Value and {0}.StatisticValues are mutually exclusive and you have specified both.",
        ),
        (
            {"StatisticValues": {"SampleCount": 1.0, "Minimum": 1.0, "Maximum": 1.0}},
            "MissingParameter",
            "The parameter {}.StatisticValues.Sum is required.",
        ),
        (
            {},
            "MissingParameter",
            "At least one of the parameters {0}.Value, {0}.Values, {0}.StatisticValues is required.",
        ),
    ],
)
async def test_a_datum_has_one_whole_form(ask: Ask, datum: dict[str, Any], code: str, text: str) -> None:
    assert await error_of(put(ask, datum)) == (code, text.format("MetricData.member.1"), 400)


async def test_every_datum_that_breaks_the_same_rule_is_named(ask: Ask) -> None:
    old = {"Value": 1.0, "Timestamp": at(-15 * DAY_S)}
    _, message, _ = await error_of(put(ask, old, {"Value": 1.0}, old))
    assert message == (
        "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks.\n"
        "The parameter MetricData.member.3.Timestamp must specify a time within the past two weeks."
    )


async def test_the_namespaces_of_aws_are_not_for_users(ask: Ask) -> None:
    assert await error_of(put(ask, {"Value": 1.0}, namespace="AWS/Lambda")) == (
        "InvalidParameterValue",
        "The value AWS/ for parameter Namespace is invalid.",
        400,
    )


async def test_at_least_one_and_at_most_a_thousand_data(ask: Ask) -> None:
    assert (await error_of(ask("PutMetricData", Namespace="N")))[0] == "MissingParameter"
    await put(ask, *[{"Value": 1.0}] * 1000)
    assert (await error_of(put(ask, *[{"Value": 1.0}] * 1001)))[0] == "InvalidParameterValue"


async def listed(ask: Ask, **params: Any) -> list[tuple[str, str, dict[str, str]]]:
    answer = await ask("ListMetrics", **params)
    return [
        (one["Namespace"], one["MetricName"], {pair["Name"]: pair["Value"] for pair in one["Dimensions"]})
        for one in answer["Metrics"]
    ]


async def put_some(ask: Ask) -> None:
    for namespace, name, dimensions in (("N", "A", {}), ("N", "B", {"x": "1"}), ("O", "B", {"x": "2", "y": "3"})):
        wire = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        await put(ask, {"MetricName": name, "Dimensions": wire, "Value": 1.0}, namespace=namespace)


async def test_metrics_are_listed_by_namespace_name_and_dimensions(ask: Ask) -> None:
    await put_some(ask)
    a, b, o = ("N", "A", {}), ("N", "B", {"x": "1"}), ("O", "B", {"x": "2", "y": "3"})
    assert await listed(ask) == [a, b, o]
    assert await listed(ask, Namespace="N") == [a, b]
    assert await listed(ask, MetricName="B") == [b, o]
    assert await listed(ask, Dimensions=[{"Name": "x"}]) == [b, o]
    assert await listed(ask, Dimensions=[{"Name": "x", "Value": "2"}, {"Name": "y"}]) == [o]
    assert await listed(ask, Dimensions=[{"Name": "y", "Value": "9"}]) == []


async def test_a_metric_with_several_units_is_listed_once(ask: Ask) -> None:
    await put(ask, {"Value": 1.0, "Unit": "Seconds"}, {"Value": 1.0, "Unit": "Bytes"})
    assert await listed(ask) == [("N", "M", {})]


async def test_metrics_of_other_accounts_and_regions_are_apart(ask: Ask) -> None:
    await put_some(ask)
    assert (await listed(ask, account="222222222222"), await listed(ask, region="us-east-1")) == ([], [])


async def test_a_metric_without_samples_for_two_weeks_is_not_listed(ask: Ask, clock: ManualClock) -> None:
    await put(ask, {"Value": 1.0})
    seen = []
    for days in (0, 13, 2):
        await clock.advance(days * DAY_S)
        seen.append((len(await listed(ask)), len(await listed(ask, RecentlyActive="PT3H"))))
    assert seen == [(1, 1), (1, 0), (0, 0)]


async def test_metrics_come_in_pages_of_five_hundred(ask: Ask) -> None:
    await put(ask, *({"MetricName": f"{number:04}", "Value": 1.0} for number in range(501)))
    first = await ask("ListMetrics", IncludeLinkedAccounts=True)
    second = await ask("ListMetrics", NextToken=first["NextToken"])
    assert (len(first["Metrics"]), len(first["OwningAccounts"]), first["NextToken"]) == (500, 500, "500")
    assert second == {"Metrics": [{"Namespace": "N", "MetricName": "0500", "Dimensions": []}]}


@pytest.mark.parametrize("token", ["x", "-1", "9" * 5000])
async def test_a_token_that_was_not_given_is_refused(ask: Ask, token: str) -> None:
    assert (await error_of(ask("ListMetrics", NextToken=token)))[0] == "InvalidParameterValue"
