"""Powertools' own behaviour under the JSON log format (https://docs.powertools.aws.dev/lambda/python/latest/core/logger/
"AWS Lambda Advanced Logging Controls")."""

import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ramuda.cli import bundle
from tests.acceptance.test_extensions import logged
from tests.conftest import ROLE, Aws

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RUNTIME = f"python3.{sys.version_info.minor}"
CODE = """
from aws_lambda_powertools import Logger
logger = Logger(service="shop", use_rfc3339=True)  # Lambda's filter takes a record with another time for INFO
def handler(event, context):
    logger.debug("hidden")
    logger.info("taken", extra={"order": event["order"]})
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("failed")
    return event
"""


@pytest.fixture
def function(aws: Aws, unique: str, installed: Callable[..., Path]) -> Iterator[Callable[..., str]]:
    client = aws("lambda")
    package = io.BytesIO(bundle.read(installed("powertools", "aws-lambda-powertools[tracer]")))
    with zipfile.ZipFile(package, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("app.py", CODE)

    def create(**logging: str) -> str:
        client.create_function(
            FunctionName=unique,
            Runtime=RUNTIME,
            Handler="app.handler",
            Role=ROLE,
            Timeout=60,
            MemorySize=1024,
            LoggingConfig={"LogFormat": "JSON", **logging},
            Code={"ZipFile": package.getvalue()},
        )
        client.get_waiter("function_active_v2").wait(FunctionName=unique, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        return unique

    yield create
    client.delete_function(FunctionName=unique)


def records(aws: Aws, name: str) -> list[Any]:
    client = aws("lambda")
    answer = client.invoke(FunctionName=name, Payload=b'{"order": 7}')
    assert answer["Payload"].read() == b'{"order": 7}'
    told = [json.loads(line) for line in logged(aws("logs"), f"/aws/lambda/{name}") if line.startswith("{")]
    return [record for record in told if "message" in record]


def test_powertools_follows_the_log_level_and_format_of_the_function(aws: Aws, function: Callable[..., str]) -> None:
    taken, failed = records(aws, function(ApplicationLogLevel="INFO"))
    assert (taken["level"], taken["message"], taken["service"], taken["order"]) == ("INFO", "taken", "shop", 7)
    assert (failed["level"], failed["exception_name"]) == ("ERROR", "ZeroDivisionError")
    assert "Traceback" in failed["exception"]
    assert "\n" in failed["exception"]


def test_powertools_records_below_the_level_are_not_in_the_log(aws: Aws, function: Callable[..., str]) -> None:
    (failed,) = records(aws, function(ApplicationLogLevel="ERROR"))
    assert (failed["level"], failed["message"]) == ("ERROR", "failed")
