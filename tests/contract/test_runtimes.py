"""Every runtime of the catalogue that this machine can run keeps the same promises to a function.

The quick ones need nothing from the network; the others are marked slow. Handlers in each language do the same."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ramuda.kernel.errors import PortError
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.runtime.catalogue import Catalogue, Options
from ramuda.runtime.catalogue.entry import entries

from .minimal_runtime_api import ARN, REQUEST_ID, TRACE, MinimalRuntimeApi
from .runtime_process import RuntimeProcess

HANDLERS = Path(__file__).parent / "handlers"
OWN_PYTHON = "python{}.{}".format(*sys.version_info[:2])
QUICK = (OWN_PYTHON, "nodejs20.x", "nodejs24.x", "ruby3.3")
OWN_CLIENTS = ("nodejs", "ruby")
ECHO = {"python": "echo.handler", "nodejs": "echo.handler", "ruby": "echo.handler", "java": "Echo::handle"}
FAILING = {"python": "echo.failing", "nodejs": "echo.failing", "ruby": "echo.failing", "java": "Failing::handle"}
ERROR_TYPE = {
    "python": "ValueError",
    "nodejs": "RangeError",
    "ruby": "Function<ArgumentError>",
    "java": "java.lang.IllegalArgumentException",
}
MANAGED = [entry for entry in entries().values() if entry.family in ECHO]
EACH = pytest.mark.parametrize(
    "identifier",
    [
        pytest.param(entry.identifier, marks=[] if entry.identifier in QUICK else [pytest.mark.slow])
        for entry in MANAGED
    ],
)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runtimes")


@pytest.fixture
def provide(cache: Path) -> Callable:
    async def provided(identifier: str) -> ProvidedRuntime:
        may_install = identifier not in QUICK
        catalogue = Catalogue(Options(cache_dir=cache, install=may_install, node_client="own"))
        try:
            return await catalogue.provide(identifier)
        except PortError as e:
            pytest.skip(str(e))
        finally:
            await catalogue.close()

    return provided


@pytest.fixture
def task(tmp_path: Path) -> Callable[[ProvidedRuntime], Path]:
    def build(provided: ProvidedRuntime) -> Path:
        family = family_of(provided)
        target = tmp_path / "task"
        shutil.copytree(HANDLERS / family, target)
        if family == "java":
            options = ["--release", "8", "-Xlint:-options", "-cp", f"{provided.spec.runtime_dir}/lib/*"]
            subprocess.run(["javac", *options, *target.glob("*.java")], check=True)
        return target

    return build


def family_of(provided: ProvidedRuntime) -> str:
    return entries()[provided.identifier].family


@asynccontextmanager
async def running(
    provided: ProvidedRuntime, task: Path, handler: str, **env: str
) -> AsyncIterator[tuple[MinimalRuntimeApi, RuntimeProcess]]:
    async with MinimalRuntimeApi() as api:
        process = await RuntimeProcess.start(provided, task, handler, api, **env)
        try:
            yield api, process
        finally:
            print(await process.end())


@EACH
async def test_a_function_gets_its_event_and_context_and_answers_each_event(identifier, provide, task, tmp_path):
    provided = await provide(identifier)
    family = family_of(provided)
    async with running(provided, task(provided), ECHO[family], GREETING="hallo") as (api, _):
        cwd = str(tmp_path / "task")
        for number in (1, 2, 3):
            said = await api.invoke({"n": number, "text": "ß€😀"})
            assert (said.what, said.request_id) == ("response", REQUEST_ID.format(number))
            answer = said.value
            assert answer.pop("remaining") > 1_000_000
            assert answer == {
                "event": {"n": number, "text": "ß€😀"},
                "request_id": REQUEST_ID.format(number),
                "function": "f",
                "version": "$LATEST",
                "memory": "256",
                "arn": ARN,
                "group": "/aws/lambda/f",
                "stream": "s",
                "trace": TRACE,
                "greeting": "hallo",
                "cwd": cwd,
            }


@EACH
async def test_an_exception_is_reported_and_the_next_event_is_served(identifier, provide, task):
    provided = await provide(identifier)
    family = family_of(provided)
    async with running(provided, task(provided), FAILING[family]) as (api, _):
        for _ in range(2):
            said = await api.invoke({})
            assert said.what == "error"
            assert said.value["errorType"] == ERROR_TYPE[family]
            assert said.value["errorMessage"] == "it is broken"
            if family in OWN_CLIENTS:
                assert said.headers["lambda-runtime-function-error-type"] == ERROR_TYPE[family]
            trace = said.value.get("stackTrace") or said.value.get("trace")
            assert any("failing" in str(line) or "Failing" in str(line) for line in trace)


@EACH
async def test_code_that_cannot_be_loaded_is_an_init_error(identifier, provide, task):
    provided = await provide(identifier)
    family = family_of(provided)
    if family == "java":  # AWS's client says it in answer to the first event
        async with running(provided, task(provided), "Missing::handle") as (api, _):
            said = await api.invoke({})
            assert (said.what, said.value["errorMessage"]) == ("error", "Class not found: Missing")
        return
    async with running(provided, task(provided), "missing.handler") as (api, process):
        said = await api.said()
        assert said.what == "init/error"
        assert "missing" in said.value["errorMessage"]
        assert said.value["errorType"] == "Runtime.ImportModuleError"
        assert await process.wait() != 0


@pytest.mark.parametrize("identifier", ["nodejs20.x", "ruby3.3", OWN_PYTHON])
async def test_a_handler_that_is_not_there_is_named(identifier, provide, task):
    provided = await provide(identifier)
    async with running(provided, task(provided), "echo.nothing") as (api, process):
        said = await api.said()
        assert (said.what, said.value["errorType"]) == ("init/error", "Runtime.HandlerNotFound")
        assert "nothing" in said.value["errorMessage"]
        assert await process.wait() != 0


@pytest.mark.parametrize("identifier", ["provided.al2", "provided.al2023"])
async def test_a_provided_runtime_runs_the_packages_bootstrap(identifier, provide, tmp_path):
    provided = await provide(identifier)
    bootstrap = tmp_path / "bootstrap"
    bootstrap.write_text((HANDLERS / "provided" / "bootstrap.py").read_text().replace("PYTHON", sys.executable, 1))
    bootstrap.chmod(0o755)
    async with running(provided, tmp_path, "whatever") as (api, _):
        said = await api.invoke({"a": 1})
        assert (said.what, said.value) == ("response", {"event": {"a": 1}, "handler": "whatever"})


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (None, 0, "Couldn't find valid bootstrap(s): [TASK/bootstrap /opt/bootstrap]"),
        (b"\x7fELF not really", 0o755, "fork/exec TASK/bootstrap: exec format error"),
        (b"#!/no/such/interpreter\n", 0o755, "fork/exec TASK/bootstrap: exec format error"),
    ],
    ids=["missing", "not a program", "without its interpreter"],
)
async def test_a_bootstrap_that_cannot_be_started_is_an_invalid_entrypoint(content, mode, message, provide, tmp_path):
    provided = await provide("provided.al2023")
    if content is not None:
        (tmp_path / "bootstrap").write_bytes(content)
        (tmp_path / "bootstrap").chmod(mode)
    async with running(provided, tmp_path, "h") as (api, process):
        said = await api.said()
        assert said.what == "init/error"
        expected = {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": message.replace("TASK", str(tmp_path))}
        assert said.value == expected
        assert await process.wait() in (126, 127)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["go", "rust"])
async def test_a_compiled_program_runs_as_provided(language, provide, tmp_path):
    build = {"go": ["go", "build", "-o"], "rust": ["rustc", "-O", "-o"]}[language]
    source = HANDLERS / "provided" / {"go": "main.go", "rust": "main.rs"}[language]
    compile_program([*build, tmp_path / "bootstrap", source], tmp_path)
    await answers_in(language, await provide("provided.al2023"), tmp_path)


@pytest.mark.slow
async def test_a_program_on_awss_library_for_go_runs_as_provided(provide, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(HANDLERS / "provided/aws_lambda_go", source)
    compile_program(["go", "mod", "init", "function"], source)
    try:
        compile_program(["go", "mod", "tidy"], source)
    except subprocess.CalledProcessError:
        pytest.skip("aws-lambda-go cannot be fetched here")
    compile_program(["go", "build", "-tags", "lambda.norpc", "-o", tmp_path / "bootstrap"], source)
    await answers_in("go", await provide("provided.al2023"), tmp_path)


def compile_program(command: list[str | Path], folder: Path) -> None:
    """Skips the test where the compiler is missing."""
    compiler = shutil.which(command[0], path=os.pathsep.join([os.environ["PATH"], "/usr/local/go/bin"]))
    if compiler is None:
        pytest.skip(f"{command[0]} is not installed")
    subprocess.run([compiler, *command[1:]], cwd=folder, check=True)


async def answers_in(language: str, provided: ProvidedRuntime, folder: Path) -> None:
    async with running(provided, folder, "h") as (api, _):
        for number in (1, 2):
            said = await api.invoke({"n": number})
            assert (said.what, said.request_id) == ("response", REQUEST_ID.format(number))
            assert said.value == {"language": language, "event": {"n": number}}
