"""What holds of every test: it does not wait for time to pass, and its name is a sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CLOCKS = ("time", "asyncio", "anyio")
WORDS_MIN = 3


def _functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for file in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{file.relative_to(TESTS)}:{node.lineno} {node.name}", node


def _sleeps(function: ast.AST) -> bool:
    """Whether it calls sleep for longer than 0; what stands in a string is code under test."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sleep"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in CLOCKS
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
        for node in ast.walk(function)
    )


def test_nothing_in_the_tests_sleeps() -> None:
    assert [where for where, function in _functions() if _sleeps(function)] == []


def test_the_name_of_a_test_is_a_sentence() -> None:
    names = ((where, f.name.split("_")[1:]) for where, f in _functions() if f.name.startswith("test_"))
    assert [where for where, words in names if len(words) < WORDS_MIN] == []
