"""`ramuda deploy`: a function is made or updated, and the command ends when it can be invoked."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ramuda.cli import bundle
from tests.unit.cli.conftest import Endpoint, Ramuda

FUNCTIONS = "POST /2015-03-31/functions"
F = "/2015-03-31/functions/shop"
ACTIVE = {
    "FunctionName": "shop",
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:shop",
    "Runtime": "python3.11",
    "Handler": "app.handler",
    "PackageType": "Zip",
    "MemorySize": 128,
    "Timeout": 3,
    "CodeSize": 2048,
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "Environment": {"Variables": {"KEPT": "1", "CHANGED": "1"}},
}
IDENTITY = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>000000000000</Account></GetCallerIdentityResult>"
    b"</GetCallerIdentityResponse>"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "app.py").write_text("def handler(event, context): ...\n")
    return folder


def _missing(endpoint: Endpoint) -> None:
    endpoint.answer(f"GET {F}/configuration", {"Message": "no"}, 404, X_Amzn_ErrorType="ResourceNotFoundException")


def _sent(endpoint: Endpoint, what: str) -> Any:
    return json.loads(next(a for a in endpoint.asked if a.what == what).body)


def test_a_new_function_is_made_from_what_its_folder_says(endpoint: Endpoint, ramuda: Ramuda, shop: Path) -> None:
    _missing(endpoint)
    endpoint.answer("POST /", IDENTITY)
    endpoint.answer(FUNCTIONS, {**ACTIVE, "State": "Pending"}, status=201)
    endpoint.answer(f"GET {F}/configuration", {**ACTIVE, "State": "Pending"})
    endpoint.answer(f"GET {F}/configuration", ACTIVE)
    result = ramuda("deploy", str(shop), "--runtime", "python3.11", "--handler", "app.handler", "--memory", "256")
    assert (result.exit_code, result.stdout) == (
        0,
        "made arn:aws:lambda:us-east-1:000000000000:function:shop\n"
        "  python3.11, handler app.handler, 128 MB, 3 s, code 2.0 kB\n"
        "  next: ramuda invoke shop '{}' --tail\n",
    )
    assert _sent(endpoint, FUNCTIONS) == {
        "FunctionName": "shop",
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "MemorySize": 256,
        "Role": "arn:aws:iam::000000000000:role/ramuda-deploy",
        "Code": {"ZipFile": base64.b64encode(bundle.read(shop)).decode()},
    }


def test_an_existing_function_gets_the_code_and_only_the_settings_named(
    endpoint: Endpoint, ramuda: Ramuda, shop: Path
) -> None:
    endpoint.answer(f"GET {F}/configuration", ACTIVE)
    endpoint.answer(f"PUT {F}/code", ACTIVE)
    endpoint.answer(f"PUT {F}/configuration", ACTIVE)
    result = ramuda("deploy", str(shop), "--env", "CHANGED=2", "--env", "NEW=a=b", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == ACTIVE
    assert _sent(endpoint, f"PUT {F}/code") == {"ZipFile": base64.b64encode(bundle.read(shop)).decode()}
    assert _sent(endpoint, f"PUT {F}/configuration") == {
        "Environment": {"Variables": {"KEPT": "1", "CHANGED": "2", "NEW": "a=b"}}
    }


def test_without_settings_only_the_code_is_updated(endpoint: Endpoint, ramuda: Ramuda, shop: Path) -> None:
    endpoint.answer(f"GET {F}/configuration", ACTIVE)
    endpoint.answer(f"PUT {F}/code", ACTIVE)
    assert ramuda("deploy", str(shop)).exit_code == 0
    assert f"PUT {F}/configuration" not in {a.what for a in endpoint.asked}


def test_a_function_that_is_a_container_image_is_left_as_it_is(endpoint: Endpoint, ramuda: Ramuda, shop: Path) -> None:
    image = {name: value for name, value in ACTIVE.items() if name not in ("Runtime", "Handler")}
    endpoint.answer(f"GET {F}/configuration", {**image, "PackageType": "Image"})
    result = ramuda("deploy", str(shop))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: shop is a container image, which no folder or zip can replace\n"
        "  Give it another image: aws lambda update-function-code --function-name shop --image-uri IMAGE; "
        "or deploy under another --name.\n"
    )
    assert [asked.what for asked in endpoint.asked] == [f"GET {F}/configuration"]


def test_a_function_that_fails_ends_with_exit_code_1_and_lambdas_reason(
    endpoint: Endpoint, ramuda: Ramuda, shop: Path
) -> None:
    endpoint.answer(f"GET {F}/configuration", ACTIVE)
    endpoint.answer(f"GET {F}/configuration", {**ACTIVE, "State": "Failed", "StateReason": "no such layer"})
    endpoint.answer(f"PUT {F}/code", ACTIVE)
    result = ramuda("deploy", str(shop))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "error: shop failed: no such layer"


def test_a_folder_without_a_handler_is_wrong_use(endpoint: Endpoint, ramuda: Ramuda, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "readme.txt").write_text("x")
    _missing(endpoint)
    result = ramuda("deploy", str(tmp_path / "shop"))
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "  Say what to run with --runtime and --handler."


def test_a_variable_without_a_value_is_wrong_use(ramuda: Ramuda, shop: Path) -> None:
    result = ramuda("deploy", str(shop), "--env", "KEY")
    assert result.exit_code == 2
    assert "'KEY' is not KEY=VALUE" in result.stderr


def test_packages_that_cannot_be_installed_end_with_exit_code_1(endpoint: Endpoint, ramuda: Ramuda, shop: Path) -> None:
    _missing(endpoint)
    (shop / "requirements.txt").write_text("--no-index\nsurely-no-package-has-this-name\n")
    result = ramuda("deploy", str(shop), "--build")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: could not install what requirements.txt names\n")
