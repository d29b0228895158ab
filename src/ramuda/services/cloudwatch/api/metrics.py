"""Putting and listing metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html
"""

from collections.abc import Iterator
from typing import Any

from ramuda.kernel.call import Call, Result
from ramuda.kernel.clock import Clock
from ramuda.services.cloudwatch import datum, rules
from ramuda.services.cloudwatch.model import wire_of_dimensions
from ramuda.telemetry.metrics import Metrics
from ramuda.telemetry.model import Dimensions


class MetricOperations:
    """Metrics themselves."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock

    async def put_metric_data(self, call: Call) -> Result:
        namespace = call.params["Namespace"]
        if namespace.startswith("AWS/"):
            raise rules.invalid_value("The value AWS/ for parameter Namespace is invalid.")
        data = list(_named_data(call.params))
        if not data:
            raise rules.missing("The parameter MetricData is required.")
        if len(data) > datum.DATA_MAX:
            raise rules.invalid_value(f"The collection MetricData must not have a size greater than {datum.DATA_MAX}.")
        origin = datum.Origin(call.account, call.region, namespace, self._clock.time())
        await self._metrics.put(datum.samples_of(data, origin))
        return {}

    async def list_metrics(self, call: Call) -> Result:
        params = call.params
        recent = params.get("RecentlyActive") == "PT3H"
        keys = await self._metrics.series(
            call.account,
            call.region,
            namespace=params.get("Namespace"),
            name=params.get("MetricName"),
            since_s=self._clock.time() - (rules.RECENTLY_ACTIVE_S if recent else rules.LISTED_SINCE_S),
        )
        wanted = [
            (key.namespace, key.name, key.dimensions)
            for key in keys
            if _has_all(key.dimensions, params.get("Dimensions", ()))
        ]
        metrics = list(dict.fromkeys(wanted))  # a metric with several units is listed once
        skip = rules.offset_of(params.get("NextToken"))
        if skip is None:
            raise rules.invalid_value("The value for parameter NextToken is invalid.")
        shown = metrics[skip : skip + rules.LISTED_AT_ONCE]
        answer: Result = {
            "Metrics": [
                {"Namespace": namespace, "MetricName": name, "Dimensions": wire_of_dimensions(dimensions)}
                for namespace, name, dimensions in shown
            ]
        }
        if skip + len(shown) < len(metrics):
            answer["NextToken"] = str(skip + len(shown))
        if params.get("IncludeLinkedAccounts"):
            answer["OwningAccounts"] = [call.account] * len(shown)
        return answer


def _named_data(params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each datum with its name in errors. Those of entities count too; the entities are not kept."""
    for index, one in enumerate(params.get("MetricData", ()), 1):
        yield f"MetricData.member.{index}", one
    for entity_index, entity in enumerate(params.get("EntityMetricData", ()), 1):
        for index, one in enumerate(entity.get("MetricData", ()), 1):
            yield f"EntityMetricData.member.{entity_index}.MetricData.member.{index}", one


def _has_all(dimensions: Dimensions, filters: list[dict[str, str]]) -> bool:
    """Whether every filter's name is there, with its value where it has one."""
    there = dict(dimensions)
    return all(one["Name"] in there and there[one["Name"]] == one.get("Value", there[one["Name"]]) for one in filters)
