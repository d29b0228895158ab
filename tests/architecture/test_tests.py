"""What holds of every test: it asserts something and does not wait for time to pass."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
_SLEEP = re.compile(r"\b(time|asyncio|anyio)\.sleep\((?!0\))")
_JUDGEMENT = re.compile(r"assert|raises|expect|check_")


def _tests() -> Iterator[tuple[str, str]]:
    """Where each test function is, and its code without comments."""
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield f"{file.relative_to(TESTS)}:{node.lineno} {node.name}", ast.unparse(node)


def test_no_test_sleeps() -> None:
    assert [where for where, code in _tests() if _SLEEP.search(code)] == []


def test_every_test_can_fail() -> None:
    assert [where for where, code in _tests() if not _JUDGEMENT.search(code)] == []
