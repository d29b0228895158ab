"""`ramuda runtimes`: a container image's root as the runtime of functions that are archives."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ramuda.testing import running_server
from tests.acceptance.test_container_images import log_of
from tests.acceptance.test_lambda_functions import active
from tests.conftest import ROLE
from tests.images import BASE_RUN, Layer, base_layers, blob, image, write_layout

LOOK = """
import os, sys
import of_the_layer
def handler(event, context):
    return {"event": event, "prefix": sys.prefix, "task": os.listdir("/var/task"), "layer": of_the_layer.NAME,
            "entrypoint": os.path.exists("/lambda-entrypoint.sh"), "execution": os.environ["AWS_EXECUTION_ENV"],
            "wrapped": os.environ.get("WRAPPED")}
"""
WRAPPER = '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n'


@pytest.fixture
def ramuda(tmp_path: Path) -> Callable[..., Any]:
    """`ramuda("runtimes", "list")` runs the command with a cache of its own: its exit code, output, errors."""
    config = tmp_path / "ramuda.toml"
    config.write_text(f'[catalogue]\ncache_dir = "{tmp_path}/cache"\n')

    def run(*arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "ramuda.cli", *arguments, "--config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_zip_function_runs_in_the_image_that_is_its_runtime(
    ramuda: Callable[..., Any], tmp_path: Path, zipped: Callable[..., bytes]
) -> None:
    base = image(base_layers(), BASE_RUN)
    layout = write_layout(tmp_path / "layout", {"base": base})
    code, out, err = ramuda("runtimes", "add", "python3.13", "--image", f"oci:{layout}:base", "--json")
    assert (code, err) == (0, "")
    added = {
        "identifier": "python3.13",
        "reference": f"oci:{layout}:base",
        "resolved": f"oci:{layout}@{base.digest}",
        "digest": base.digest,
    }
    assert json.loads(out) == added
    assert json.loads(ramuda("runtimes", "list", "--json")[1]) == [added]

    with running_server("--config", str(tmp_path / "ramuda.toml")) as server:
        client = server.client("lambda")
        layer = client.publish_layer_version(
            LayerName="l", Content={"ZipFile": zipped({"python/of_the_layer.py": "NAME = 'layer'\n"})}
        )["LayerVersionArn"]
        client.create_function(
            FunctionName="f",
            Runtime="python3.13",
            Handler="app.handler",
            Role=ROLE,
            Code={"ZipFile": zipped({"app.py": LOOK, "bootstrap": WRAPPER})},
            Layers=[layer],
            Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/bootstrap"}},
        )
        active(client, "f")
        answer = json.loads(client.invoke(FunctionName="f", Payload=b"7")["Payload"].read())
        assert answer == {
            "event": 7,
            "prefix": "/var/lang",
            "task": ["app.py", "bootstrap"],
            "layer": "layer",
            "entrypoint": True,
            "execution": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "wrapped": "yes",
        }
        log = log_of(server.client, "f", "REPORT")
        assert log[0].startswith(
            f"INIT_START Runtime Version: python:3.13.image.{base.sha256[:12]}\tRuntime Version ARN:"
        )

        root = tmp_path / "cache" / "images" / "roots" / base.sha256
        assert ramuda("runtimes", "remove", "python3.13")[0] == 0
        assert root.exists()  # the server runs it
        assert json.loads(client.invoke(FunctionName="f", Payload=b"8")["Payload"].read())["event"] == 8
    assert ramuda("runtimes", "list", "--json")[1] == "[]\n"


def test_what_cannot_be_a_runtime_is_refused_in_a_sentence(ramuda: Callable[..., Any], tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"v1": image([blob(Layer().file("x", "1"))])})
    for arguments, sentence in (
        (("add", "cobol", "--image", f"oci:{layout}"), "cobol is not a runtime; `ramuda doctor` lists those there are"),
        (
            ("add", "python3.13", "--image", f"oci:{layout}"),
            "the image has no executable /var/runtime/bootstrap: it is not a Lambda base image",
        ),
        (("add", "python3.13", "--image", f"oci:{layout}:v2"), f"{layout} has no image v2"),
        (
            ("add", "python3.13", "--image", "python"),
            "is not HOST[:PORT]/REPOSITORY[:TAG][@DIGEST] nor oci:/PATH[:TAG]",
        ),
        (("remove", "python3.13"), "python3.13 is no container image"),
    ):
        code, out, err = ramuda("runtimes", *arguments)
        assert (code, out) == (2, "")
        assert sentence in err
    assert ramuda("runtimes", "list")[1] == ""
