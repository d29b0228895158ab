"""A cold start beside a restore from a snapshot, of a function that brings boto3 and numpy and imports both.

In turns, on one server: the same code as `$LATEST`, started with an environment waiting, and as a published version
with SnapStart, restored. Both times are the caller's, over a connection that is there; Init Duration and Restore
Duration are the function's log's. The packages come from PyPI once and stay in `CACHE`; as in most deployment packages
their modules are not compiled.
"""

import io
import json
import re
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

from benchmarks import client, platform_under_test
from benchmarks.platform_under_test import MEMORY_MIB, Platform
from benchmarks.report import Bound, Row

RUNTIME, PYTHON = "python3.12", "3.12"
PACKAGES = ("boto3", "numpy")
CACHE = Path.home() / ".cache" / "ramuda-bench" / f"snapstart-{PYTHON}.zip"
STARTS_A_ROUND = 4
TARGET = 10.0
REFILLED_S = 1.0
"""By then the next copy is there."""
SOURCE = """
import os
import boto3
import numpy
def handler(event, context):
    if event == "exit":
        os._exit(0)
    return numpy.__version__
"""


def restore(rounds: int) -> list[Row]:
    """At least ten starts of each kind."""
    starts = max(10, rounds * STARTS_A_ROUND)
    cold_ms, restored_ms = [], []
    with platform_under_test.running() as ours:
        lambda_client = ours.client("lambda")
        _deploy(lambda_client)
        for number in range(starts):
            lambda_client.update_function_configuration(FunctionName="f", Description=str(number))
            _settled(lambda_client, "f")
            ours.wait_for_prepared()
            cold_ms.append(_first_invoke_ms(ours, "f"))
            lambda_client.invoke(FunctionName="f", Qualifier="1", Payload=json.dumps("exit"))
            time.sleep(REFILLED_S)
            restored_ms.append(_first_invoke_ms(ours, "f:1"))
        time.sleep(REFILLED_S)
        init_ms, restore_ms = (_durations(ours, kind) for kind in ("Init Duration", "Restore Duration"))
    cold, restored = statistics.median(cold_ms), statistics.median(restored_ms)
    init, in_log = statistics.median(init_ms), statistics.median(restore_ms[-starts:])
    ratio = cold / restored
    return [
        Row(
            measure=f"restore of boto3 + numpy, first invoke, p50 of {starts}",
            ours=f"{restored:.1f} ms",
            peer=f"{cold:.1f} ms (cold)",
            ratio=ratio,
            judged=ratio,
            target=Bound(limit=TARGET, text=f"{TARGET:g}x faster", at_least=True),
        ),
        Row(
            measure="the same, Restore Duration beside Init Duration",
            ours=f"{in_log:.1f} ms",
            peer=f"{init:.1f} ms (Init)",
            ratio=init / in_log,
            judged=init / in_log,
            target=Bound(limit=TARGET, text=f"{TARGET:g}x faster", at_least=True),
        ),
    ]


def _deploy(lambda_client: Any) -> None:
    """`$LATEST` and version 1, both active."""
    lambda_client.create_function(
        FunctionName="f",
        Runtime=RUNTIME,
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/bench",
        MemorySize=MEMORY_MIB,
        Timeout=60,
        Code={"ZipFile": _package()},
        SnapStart={"ApplyOn": "PublishedVersions"},
    )
    _settled(lambda_client, "f")
    lambda_client.publish_version(FunctionName="f")
    shown = _settled(lambda_client, "f", Qualifier="1")
    if shown["SnapStart"]["OptimizationStatus"] != "On":
        raise RuntimeError("there is no snapshot: " + str(shown.get("StateReason")))
    lambda_client.invoke(FunctionName="f", Qualifier="1")


def _settled(lambda_client: Any, name: str, **options: str) -> Any:
    while True:
        shown = lambda_client.get_function_configuration(FunctionName=name, **options)
        if shown["State"] != "Pending" and shown.get("LastUpdateStatus") != "InProgress":
            return shown
        time.sleep(0.02)


def _package() -> bytes:
    if not CACHE.exists():
        folder = CACHE.with_suffix("")
        options = ["--target", str(folder), "--python-version", PYTHON, "--only-binary", ":all:", "--no-compile"]
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *options, *PACKAGES], check=True)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and "tests" not in path.parts:
                    archive.write(path, path.relative_to(folder))
            archive.writestr("app.py", SOURCE)
        CACHE.write_bytes(packed.getvalue())
    return CACHE.read_bytes()


def _first_invoke_ms(ours: Platform, name: str) -> float:
    request = ours.signed_invoke(name)
    connection = client.connect("127.0.0.1", ours.port)
    begun = time.perf_counter()
    client.exchange(connection, request)
    took_ms = (time.perf_counter() - begun) * 1000
    connection.close()
    return took_ms


def _durations(ours: Platform, kind: str) -> list[float]:
    """Of all REPORT lines that have it, in their order."""
    logs = ours.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/f", filterPattern="REPORT")
    found = [re.search(rf"\t{kind}: ([\d.]+) ms", event["message"]) for page in pages for event in page["events"]]
    return [float(match[1]) for match in found if match]
