"""`ramuda functions`, `ramuda version`, and the command as a whole."""

import json
import subprocess
import sys

from tests.unit.cli.conftest import Endpoint, Ramuda

FUNCTION = {
    "FunctionName": "shop",
    "Runtime": "python3.11",
    "Handler": "app.handler",
    "PackageType": "Zip",
    "MemorySize": 128,
    "Timeout": 3,
    "CodeSize": 2048,
    "LastModified": "2026-11-21T05:24:00.123+0000",
}
LIST = "GET /2015-03-31/functions"
HEAVY = {"botocore", "boto3", "rich", "asyncio", "sqlalchemy", "aiohttp", "msgspec"}


def test_functions_are_listed_by_name_over_all_pages(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(LIST, {"Functions": [FUNCTION], "NextMarker": "m"})
    endpoint.answer(f"{LIST}?Marker=m", {"Functions": [{**FUNCTION, "FunctionName": "api", "Handler": "a.b"}]})
    result = ramuda("functions")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["function", "runtime", "handler", "memory", "timeout", "code", "modified"],
        ["api", "python3.11", "a.b", "128", "MB", "3", "s", "2.0", "kB", "2026-11-21", "05:24"],
        ["shop", "python3.11", "app.handler", "128", "MB", "3", "s", "2.0", "kB", "2026-11-21", "05:24"],
    ]


def test_json_is_what_lambda_answers(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(LIST, {"Functions": [FUNCTION]})
    assert json.loads(ramuda("functions", "--json").stdout) == [FUNCTION]


def test_no_functions_says_how_to_make_one(endpoint: Endpoint, ramuda: Ramuda) -> None:
    endpoint.answer(LIST, {"Functions": []})
    result = ramuda("functions")
    assert (result.stdout, result.stderr) == ("", "No functions in us-east-1. Make one with: ramuda deploy FOLDER\n")


def test_version_names_what_matters(ramuda: Ramuda) -> None:
    assert set(json.loads(ramuda("version", "--json").stdout)) == {"ramuda", "botocore", "awslambdaric", "python"}


def test_the_command_starts_without_its_heavy_libraries() -> None:
    code = "import sys, ramuda.cli; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY & set(loaded) == set()


def test_every_command_explains_itself(ramuda: Ramuda) -> None:
    listed = ramuda("--help").stdout.partition("Commands:\n")[2]
    names = [line.split()[0] for line in listed.splitlines()]
    assert names == ["serve", "deploy", "invoke", "logs", "functions", "doctor", "runtimes", "keys", "version"]
    assert "..." not in listed
    assert [name for name in names if ramuda(name, "--help").exit_code] == []
