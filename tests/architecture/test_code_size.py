"""Files and functions stay small enough to be read at once (limits: the house's style)."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
KERNEL_LINES_MAX = 2500


def _sources() -> list[Path]:
    return sorted((ROOT / "src").rglob("*.py"))


def _lines(file: Path) -> int:
    return len(file.read_text().splitlines())


def _functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def test_no_file_is_longer_than_the_limit() -> None:
    assert {str(f): _lines(f) for f in _sources() if _lines(f) > FILE_LINES_MAX} == {}


def test_no_function_is_longer_than_the_limit() -> None:
    too_long = [
        f"{file}:{function.lineno} {function.name}"
        for file in _sources()
        for function in _functions(file)
        if _length(function) > FUNCTION_LINES_MAX
    ]
    assert too_long == []


def test_the_kernel_stays_small() -> None:
    assert sum(map(_lines, (ROOT / "src/ramuda/kernel").rglob("*.py"))) <= KERNEL_LINES_MAX


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(f) for f in _sources() if f.read_text().strip() and not ast.get_docstring(ast.parse(f.read_text()))]
    assert silent == []
