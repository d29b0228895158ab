"""Prices an order. Shows that an unchanged Powertools function logs, measures and traces as it does on AWS."""

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="orders")
metrics = Metrics(namespace="Shop", service="orders")
tracer = Tracer(service="orders")

PRICES_CENT = {"tea": 480, "cup": 1250}


@tracer.capture_method
def total_cent(items):
    return sum(PRICES_CENT[item["name"]] * item["count"] for item in items)


@metrics.log_metrics
@logger.inject_lambda_context
@tracer.capture_lambda_handler
def handler(event, context):
    total = total_cent(event["items"])
    metrics.add_metric(name="OrderTotal", unit=MetricUnit.Count, value=total)
    logger.info("order priced", extra={"total_cent": total})
    return {"order": event["order"], "total_cent": total, "memory": context.memory_limit_in_mb}
