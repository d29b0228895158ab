"""A Python function forked from the template finds what a process of its own would have found."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.ports.sandbox import Exit, SandboxBackend
from tests.sandboxes import PYTHON, VERSION, CodeStore, FakeRuntimeApi, Reader, assignment, lambda_runtime

EXPRESSION = "import sys, os\ndef handler(event, context):\n    return eval(event)\n"


async def ask(
    backend: SandboxBackend,
    code: CodeStore,
    client: Path,
    *questions: str,
    files: Mapping[str, str] | None = None,
    layer: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
) -> list[Any]:
    """What expressions are worth inside a function."""
    runtime = lambda_runtime(client, preload=("house_library",))
    sandbox = await backend.prepare(runtime)
    task_dir = code.add({"main.py": EXPRESSION, **(files or {})})
    opt_dir = code.add(layer) if layer else None
    await sandbox.assign(assignment(sandbox, runtime, task_dir, opt_dir=opt_dir, env=env))
    async with FakeRuntimeApi(sandbox) as api:
        await sandbox.start()
        return [await api.invoke(question) for question in questions]


IS_FORKED = "'inside' in open('/proc/self/cmdline').read()"


async def test_the_module_path_is_lambdas(isolated_backend: SandboxBackend, code: CodeStore, client: Path) -> None:
    path, main, argv, forked = await ask(
        isolated_backend, code, client, "sys.path[:4]", "dir(sys.modules['__main__'])", "sys.argv", IS_FORKED
    )
    assert path == ["/var/task", f"/opt/python/lib/python{VERSION}/site-packages", "/opt/python", "/var/runtime"]
    assert main == ["__doc__", "__loader__", "__name__", "__package__", "__spec__"]
    assert argv == ["/var/runtime/bootstrap.py", "main.handler"]
    assert forked


async def test_nothing_of_the_template_is_left_in_sight(
    isolated_backend: SandboxBackend, code: CodeStore, client: Path
) -> None:
    leftovers = "[name for name in sys.modules if name.partition('.')[0] == 'inside']"
    hidden = "[os.listdir('/run'), [path for path in sys.path if 'ramuda' in path], os.getcwd()]"
    assert await ask(isolated_backend, code, client, leftovers, hidden) == [[], [[], [], "/var/task"]]


async def test_forks_have_randomness_of_their_own(
    isolated_backend: SandboxBackend, code: CodeStore, client: Path
) -> None:
    sources = "[__import__('random').random(), str(__import__('uuid').uuid4()), __import__('ssl').RAND_bytes(8).hex()]"
    first, second = await asyncio.gather(*(ask(isolated_backend, code, client, sources) for _ in range(2)))
    assert [a != b for a, b in zip(first[0], second[0], strict=True)] == [True, True, True]


async def test_a_functions_own_copy_of_a_preloaded_library_wins(
    isolated_backend: SandboxBackend, code: CodeStore, client: Path
) -> None:
    question = "__import__('house_library').ORIGIN"
    own = {"house_library.py": "ORIGIN = 'the function'"}
    layer = {"python/house_library.py": "ORIGIN = 'the layer'"}
    assert await ask(isolated_backend, code, client, question) == ["the platform"]
    assert await ask(isolated_backend, code, client, question, IS_FORKED, files=own) == ["the function", True]
    assert await ask(isolated_backend, code, client, question, IS_FORKED, layer=layer) == ["the layer", True]


async def test_a_module_named_like_a_loaded_standard_one_gets_a_process_of_its_own(
    isolated_backend: SandboxBackend, code: CodeStore, client: Path
) -> None:
    files = {"colorsys.py": "ORIGIN = 'the function'"}
    assert await ask(isolated_backend, code, client, "__import__('colorsys').ORIGIN", IS_FORKED, files=files) == [
        "the function",
        False,
    ]


async def test_variables_that_python_reads_at_start_get_a_process_of_its_own(
    isolated_backend: SandboxBackend, code: CodeStore, client: Path
) -> None:
    question = "[sys.flags.hash_randomization, sys.flags.optimize, sys.executable]"
    answers = await ask(isolated_backend, code, client, question, IS_FORKED, env={"PYTHONOPTIMIZE": "1"})
    assert answers == [[1, 1, PYTHON], False]


async def test_time_zone_and_log_format_follow_the_functions_variables(
    isolated_backend: SandboxBackend, code: CodeStore, client: Path
) -> None:
    runtime = lambda_runtime(client)
    sandbox = await isolated_backend.prepare(runtime)
    script = """
import logging, time
def handler(event, context):
    logging.getLogger().warning("noted")
    return time.tzname[0]
"""
    env = {"TZ": "Asia/Tokyo", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"}
    await sandbox.assign(assignment(sandbox, runtime, code.add({"main.py": script}), env=env))
    async with FakeRuntimeApi(sandbox) as api:
        await sandbox.start()
        assert await api.invoke({}) == "JST"
    record = await Reader(sandbox).json()
    assert (record["level"], record["message"]) == ("WARNING", "noted")


@pytest.mark.parametrize(
    ("end", "expected"),
    [("sys.exit(9)", Exit(code=9)), ("os._exit(3)", Exit(code=3)), ("os.abort()", Exit(signal=6))],
)
async def test_a_fork_ends_as_a_process_of_its_own_would(
    isolated_backend: SandboxBackend, code: CodeStore, client: Path, end: str, expected: Exit
) -> None:
    runtime = lambda_runtime(client)
    sandbox = await isolated_backend.prepare(runtime)
    await sandbox.assign(assignment(sandbox, runtime, code.add({"main.py": f"import os, sys\n{end}"})))
    async with FakeRuntimeApi(sandbox):
        await sandbox.start()
        assert await sandbox.wait() == expected


async def test_threads_and_child_processes_work_in_a_fork(
    isolated_backend: SandboxBackend, code: CodeStore, client: Path
) -> None:
    script = """
import concurrent.futures, multiprocessing, subprocess, sys
def square(n):
    return n * n
def piped(pipe):
    pipe.send("from a child")
def handler(event, context):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        squares = list(pool.map(square, range(4)))
    here, there = multiprocessing.Pipe()
    child = multiprocessing.Process(target=piped, args=(there,))
    child.start()
    text = here.recv()
    child.join()
    sum_of = subprocess.run([sys.executable, "-c", "print(1 + 1)"], capture_output=True, text=True)
    return [squares, text, sum_of.stdout]
"""
    runtime = lambda_runtime(client)
    sandbox = await isolated_backend.prepare(runtime)
    await sandbox.assign(assignment(sandbox, runtime, code.add({"main.py": script})))
    async with FakeRuntimeApi(sandbox) as api:
        await sandbox.start()
        assert await api.invoke({}) == [[0, 1, 4, 9], "from a child", "2\n"]
