"""Frameworks that people put behind function URLs, in a function, and curl in front of it."""

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ramuda.cli import bundle
from ramuda.testing import RunningServer
from tests.acceptance.function_urls import Url, open_url

Aws = Callable[..., Any]

POWERTOOLS = """
from http import HTTPStatus
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response
from aws_lambda_powertools.shared.cookies import Cookie

app = LambdaFunctionUrlResolver()


@app.get("/orders/<order>")
def get_order(order):
    event = app.current_event
    return {
        "order": order,
        "colour": event.query_string_parameters["colour"],
        "cookies": event.cookies,
        "domain": event.request_context.domain_name,
        "ip": event.request_context.http.source_ip,
    }


@app.post("/orders")
def add_order():
    created = app.current_event.json_body
    return Response(HTTPStatus.CREATED, "text/plain", created["name"], cookies=[Cookie("id", "7")])


def handler(event, context):
    return app.resolve(event, context)
"""
ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture
def resolver(aws: Aws, server: RunningServer, installed: Callable[..., Path], unique: str) -> Iterator[Url]:
    """The URL of an application of Powertools for AWS Lambda."""
    package = io.BytesIO(bundle.read(installed("powertools", "aws-lambda-powertools[tracer]")))
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr("app.py", POWERTOOLS)
    client = aws("lambda")
    client.create_function(
        FunctionName=unique,
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Timeout=60,
        MemorySize=1024,
        Code={"ZipFile": package.getvalue()},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=unique, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    yield open_url(client, server.url, unique)
    client.delete_function(FunctionName=unique)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_application_of_powertools_is_served(resolver: Url) -> None:
    answer = resolver("GET", "/orders/5?colour=light%20blue", headers={"Cookie": "a=1; b=2"})
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    assert json.loads(answer.body) == {
        "order": "5",
        "colour": "light blue",
        "cookies": ["a=1", "b=2"],
        "domain": resolver.host,
        "ip": "127.0.0.1",
    }
    created = resolver("POST", "/orders", b'{"name": "tea"}', {"Content-Type": "application/json"})
    assert (created.status, created.body, created.header("content-type")) == (201, b"tea", "text/plain")
    assert (created.header("set-cookie") or "").startswith("id=7")
    assert resolver("GET", "/nothing").status == 404


def test_curl_reaches_the_address_that_lambda_shows(
    aws: Aws, server: RunningServer, deployed: Callable[..., str]
) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    url = open_url(aws("lambda"), server.url, deployed({"app.py": ECHO}))
    # What curl does with names below localhost depends on its version.
    command = [curl, "-sS", "--noproxy", "*", "--resolve", f"{url.host}:127.0.0.1", "-d", "a=b", f"{url.address}x?y=z"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert (told["rawPath"], told["rawQueryString"], told["body"]) == ("/x", "y=z", "YT1i")
    assert told["headers"]["content-type"] == "application/x-www-form-urlencoded"
