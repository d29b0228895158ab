"""CloudWatch metrics as boto3 sees them, and Prometheus' text, against a live server."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import urlopen

import pytest

from ramuda.testing import RunningServer

Aws = Callable[..., Any]


@pytest.fixture
def cloudwatch(aws: Aws) -> Any:
    return aws("cloudwatch")


def around_now() -> dict[str, datetime]:
    """A range that begins at a whole minute and certainly holds this one."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=5)}


def summed(points: list[dict[str, Any]], statistic: str) -> float:
    return sum(point[statistic] for point in points)


def test_metrics_are_put_listed_and_read(cloudwatch: Any, unique: str) -> None:
    dimensions = [{"Name": "place", "Value": "here & <there>"}]
    metric = {"MetricName": "latency", "Dimensions": dimensions, "Unit": "Milliseconds"}
    at = datetime.now(UTC)
    cloudwatch.put_metric_data(
        Namespace=unique,
        MetricData=[
            {**metric, "Timestamp": at, "Values": [1.0, 2.0, 10.0], "Counts": [1.0, 2.0, 1.0]},
            {**metric, "Timestamp": at, "Value": 5.0},
        ],
    )
    (listed,) = cloudwatch.list_metrics(Namespace=unique)["Metrics"]
    assert listed == {"Namespace": unique, "MetricName": "latency", "Dimensions": dimensions}
    answer = cloudwatch.get_metric_statistics(
        **listed, **around_now(), Period=600, Statistics=["SampleCount", "Sum", "Minimum", "Maximum", "Average"]
    )
    (point,) = answer["Datapoints"]
    assert point.pop("Timestamp") <= at
    assert point == {
        "SampleCount": 5.0,
        "Sum": 20.0,
        "Minimum": 1.0,
        "Maximum": 10.0,
        "Average": 4.0,
        "Unit": "Milliseconds",
    }


def test_data_of_several_metrics_at_once(cloudwatch: Any, unique: str) -> None:
    for name, value in (("a", 1.0), ("b", 2.0)):
        cloudwatch.put_metric_data(Namespace=unique, MetricData=[{"MetricName": name, "Value": value}])
    queries = [
        {
            "Id": name,
            "MetricStat": {"Metric": {"Namespace": unique, "MetricName": name}, "Period": 600, "Stat": stat},
        }
        for name, stat in (("a", "Sum"), ("b", "p99"))
    ]
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, **around_now())
    results = {one["Id"]: (one["Label"], one["Values"], one["StatusCode"]) for one in answer["MetricDataResults"]}
    assert results == {"a": ("a", [1.0], "Complete"), "b": ("b", [2.0], "Complete")}


def test_errors_are_the_exceptions_of_the_client(cloudwatch: Any, unique: str) -> None:
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException, match="The value AWS/ for parameter"):
        cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[{"MetricName": "m", "Value": 1.0}])
    with pytest.raises(cloudwatch.exceptions.InvalidParameterCombinationException, match="exceeds the limit of 1440"):
        cloudwatch.get_metric_statistics(
            Namespace=unique, MetricName="m", **around_now() | {"StartTime": datetime(2026, 1, 1, tzinfo=UTC)},
            Period=60, Statistics=["Sum"],
        )  # fmt: skip


def test_a_functions_invocations_errors_and_durations_are_counted(
    cloudwatch: Any, aws: Aws, server: RunningServer, deployed: Callable[..., str]
) -> None:
    name = deployed({"app.py": "def handler(event, context):\n    return 1 / event\n"})
    for payload in (b"1", b"2", b"0"):
        aws("lambda").invoke(FunctionName=name, Payload=payload)

    def metric(metric_name: str, statistic: str) -> float:
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric_name,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            **around_now(),
            Period=60,
            Statistics=[statistic],
        )
        return summed(answer["Datapoints"], statistic)

    give_up_at = time.monotonic() + 20
    while metric("Invocations", "Sum") < 3 and time.monotonic() < give_up_at:
        pass  # the last invocation is counted once the function has asked for more
    assert (metric("Invocations", "Sum"), metric("Errors", "Sum"), metric("Throttles", "Sum")) == (3.0, 1.0, 0.0)
    assert (metric("Duration", "SampleCount"), metric("Duration", "Maximum") > 0) == (3.0, True)
    listed = cloudwatch.list_metrics(Namespace="AWS/Lambda", Dimensions=[{"Name": "FunctionName", "Value": name}])
    names = {one["MetricName"] for one in listed["Metrics"]}
    assert {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"} <= names
    with urlopen(f"{server.url}/metrics") as answer:
        text = answer.read().decode()
    labels = f'{{account="000000000000",region="us-east-1",function="{name}"}}'
    assert f"ramuda_lambda_invocations_total{labels} 3\n" in text
    assert f"ramuda_lambda_errors_total{labels} 1\n" in text
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
