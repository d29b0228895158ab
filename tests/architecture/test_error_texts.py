"""Every sentence that the Lambda API says is provoked by some test.

A sentence is any text of four words that is no documentation, SQL or log line: refusals, reasons of states, results.
What is never answered but only logged or printed in docs (`UNSAID`) is left out.
What an f-string fills in splits it, and its longest piece must stand in a string of a test; a test may have fewer words
of it: the first or the last thirty characters do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "src" / "ramuda" / "services" / "lambda_"
UNSAID = {"archive.py", "effects.py", "url_requests.py", "rules/url_responses.py"}
ENOUGH = 30
WORDS_MIN = 4
NOT_SAID = re.compile(r"%[sd]|^(SELECT|INSERT|UPDATE|DELETE|ON CONFLICT|VALUES|FROM|WHERE|ORDER|AND|SET) |\w+ = :\w+")


def _documentation(tree: ast.AST) -> set[ast.expr]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def _texts(tree: ast.Module) -> Iterator[tuple[int, list[str]]]:
    """Line and pieces of each text."""
    skipped: set[ast.AST] = set(_documentation(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= set(node.values)
            pieces = [part.value for part in node.values if isinstance(part, ast.Constant)]
            yield node.lineno, [piece for piece in pieces if isinstance(piece, str)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped:
            yield node.lineno, [node.value]


def _sentences() -> Iterator[tuple[str, str]]:
    """Where it stands, and the longest piece of it."""
    for file in sorted(SERVICE.rglob("*.py")):
        where = str(file.relative_to(SERVICE))
        if where in UNSAID or where.startswith("store/"):
            continue
        for line, pieces in _texts(ast.parse(file.read_text())):
            text = max(pieces, key=len, default="").strip()
            if len(text.split()) >= WORDS_MIN and not any(NOT_SAID.search(piece) for piece in pieces):
                yield f"{where}:{line}", text


def _in_tests() -> str:
    """Every string of the tests; patterns without their escapes."""
    trees = (ast.parse(file.read_text()) for file in sorted((ROOT / "tests").rglob("*.py")))
    every = (piece for tree in trees for _, pieces in _texts(tree) for piece in pieces)
    return "\n".join(re.sub(r"\\(?=\W)", "", piece) for piece in every)


def test_every_sentence_is_provoked_by_a_test() -> None:
    tests = _in_tests()
    unprovoked = [
        f"{where}: {text}" for where, text in _sentences() if text[:ENOUGH] not in tests and text[-ENOUGH:] not in tests
    ]
    assert unprovoked == []


def test_the_sentences_are_found() -> None:
    found = {text for _, text in _sentences()}
    assert len(found) > 100
    assert "Could not unzip uploaded file. Please check your file, then try to upload again." in found
    assert "' are not reachable in this region ('" in found
