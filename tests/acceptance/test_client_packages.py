"""Functions that carry real packages: Powertools, and numpy in a zip of 40 MB."""

import base64
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ramuda.cli import bundle
from tests.conftest import ROLE, Aws

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RUNTIME = f"python3.{sys.version_info.minor}"
POWERTOOLS = """
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger, metrics, tracer = Logger(service="shop"), Metrics(namespace="Shop", service="shop"), Tracer(service="shop")


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context
@tracer.capture_lambda_handler
def handler(event, context):
    metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=1)
    logger.info("order taken", extra={"order": event["order"]})
    return {"order": event["order"]}
"""
NUMPY = "import numpy\ndef handler(event, context):\n    return int(numpy.arange(event['n']).sum())\n"
ZIP_BYTES = 40 * 1024 * 1024


def _with_code(packages: Path, code: str, *, padding_to: int = 0) -> bytes:
    package = io.BytesIO(bundle.read(packages))
    with zipfile.ZipFile(package, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("app.py", code)
        if padding_to > len(package.getvalue()):
            archive.writestr("padding.bin", os.urandom(padding_to - len(package.getvalue())))
    return package.getvalue()


@pytest.fixture
def deploy(aws: Aws, unique: str) -> Iterator[Callable[[bytes], str]]:
    client = aws("lambda")

    def create(package: bytes) -> str:
        client.create_function(
            FunctionName=unique,
            Runtime=RUNTIME,
            Handler="app.handler",
            Role=ROLE,
            Timeout=60,
            MemorySize=1024,
            Code={"ZipFile": package},
        )
        client.get_waiter("function_active_v2").wait(FunctionName=unique, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        return unique

    yield create
    client.delete_function(FunctionName=unique)


def _invoke(client: Any, name: str, event: dict[str, Any]) -> tuple[Any, list[str]]:
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    payload = answer["Payload"].read()
    assert "FunctionError" not in answer, payload
    return json.loads(payload), base64.b64decode(answer["LogResult"]).decode().splitlines()


def test_powertools_logs_measures_and_traces(
    aws: Aws, installed: Callable[..., Path], deploy: Callable[[bytes], str]
) -> None:
    name = deploy(_with_code(installed("powertools", "aws-lambda-powertools[tracer]"), POWERTOOLS))
    answer, log = _invoke(aws("lambda"), name, {"order": 7})
    assert answer == {"order": 7}
    records = [json.loads(line) for line in log if line.startswith("{")]
    taken = next(record for record in records if record.get("message") == "order taken")
    assert (taken["level"], taken["service"], taken["order"], taken["cold_start"]) == ("INFO", "shop", 7, True)
    assert (taken["function_name"], taken["function_memory_size"]) == (name, "1024")
    assert next(record for record in records if "Orders" in record)["Orders"] == [1.0]
    assert [line for line in log if "Exception" in line or "ERROR" in line] == []


def test_a_zip_of_40_mb_with_numpy_is_deployed_and_runs(
    aws: Aws, installed: Callable[..., Path], deploy: Callable[[bytes], str]
) -> None:
    package = _with_code(installed("numpy", "numpy"), NUMPY, padding_to=ZIP_BYTES)
    assert len(package) >= ZIP_BYTES
    name = deploy(package)
    assert aws("lambda").get_function_configuration(FunctionName=name)["CodeSize"] == len(package)
    assert _invoke(aws("lambda"), name, {"n": 1000})[0] == 499_500
