"""What every test may ask for: a running server (one per test process), and boto3 clients of it."""

import io
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ramuda.testing import RunningServer, running_server

Aws = Callable[..., Any]
ROLE = "arn:aws:iam::000000000000:role/lambda-role"


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """A server for everybody in this process. Tests name their things uniquely and leave it running."""
    with running_server() as started:
        yield started


@pytest.fixture(scope="session")
def aws(server: RunningServer) -> Aws:
    """`aws("lambda")` is a boto3 client of the shared server; `region=` and `account=` choose another place."""
    return server.client


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def zipped() -> Callable[..., bytes]:
    """`zipped({"app.py": "..."})` is a deployment package."""

    def make(files: dict[str, str | bytes]) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = (0o755 if name == "bootstrap" else 0o644) << 16
                archive.writestr(info, content)
        return packed.getvalue()

    return make


@pytest.fixture
def deployed(aws: Aws, unique: str, zipped: Callable[..., bytes]) -> Iterator[Callable[..., str]]:
    """`deployed({"app.py": "..."}, Timeout=5)` creates a Python function, waits until it is active, gives its name."""
    client = aws("lambda")
    names: list[str] = []

    def create(files: dict[str, str | bytes], **configuration: Any) -> str:
        name = f"{unique}-{len(names)}"
        settings = {"Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE, **configuration}
        client.create_function(FunctionName=name, Code={"ZipFile": zipped(files)}, **settings)
        names.append(name)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
        return name

    yield create
    for name in names:
        client.delete_function(FunctionName=name)
