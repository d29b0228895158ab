"""CloudWatch metrics.

Covered: PutMetricData, ListMetrics, GetMetricStatistics, GetMetricData with metric queries and every statistic of
CloudWatch. Not yet: metric math and Metrics Insights expressions, alarms, dashboards, metric streams. Log groups are
another service, `logs`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html
"""

from ramuda.kernel.call import Service
from ramuda.kernel.clock import Clock
from ramuda.services.cloudwatch.api.data import DataOperations
from ramuda.services.cloudwatch.api.metrics import MetricOperations
from ramuda.services.cloudwatch.api.statistics import StatisticsOperations
from ramuda.telemetry.metrics import Metrics


def service(metrics: Metrics, clock: Clock) -> Service:
    """The CloudWatch API over `metrics`, the same that the platform records into."""
    of_metrics = MetricOperations(metrics, clock)
    return Service(
        name="cloudwatch",
        operations={
            "PutMetricData": of_metrics.put_metric_data,
            "ListMetrics": of_metrics.list_metrics,
            "GetMetricStatistics": StatisticsOperations(metrics, clock).get_metric_statistics,
            "GetMetricData": DataOperations(metrics, clock).get_metric_data,
        },
    )
