"""What is written about the code is true: links lead somewhere, and promises have their tests."""

import ast
import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
        *(ROOT / "changes").glob("*.md"),
    ]
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_PROMISE = re.compile(r"^\|\s*([A-Z]+-\d+)\s*\|")
_ANCHOR_DROPS = re.compile(r"[^\w\- ]")


def _anchors(document: Path) -> set[str]:
    """The anchors that a page's headings make, as code hosts derive them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {_ANCHOR_DROPS.sub("", h.lower()).replace(" ", "-") for h in headings}


def _is_broken(document: Path, target: str) -> bool:
    if target.startswith(("http://", "https://", "mailto:")):
        return False
    path, _, anchor = target.partition("#")
    page = (document.parent / path).resolve() if path else document
    return not page.exists() or bool(anchor and page.suffix == ".md" and anchor not in _anchors(page))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    assert [target for target in _LINK.findall(document.read_text()) if _is_broken(document, target)] == []


def _tests_of(file: Path) -> set[str]:
    nodes = ast.walk(ast.parse(file.read_text()))
    return {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


def _promises() -> list[str]:
    return [line for line in (ROOT / "SPECIFICATION.md").read_text().splitlines() if _PROMISE.match(line)]


def test_every_promise_names_a_test_that_exists() -> None:
    unkept = [
        promise
        for promise in _promises()
        if not (named := _TEST.findall(promise))
        or any(not (ROOT / file).exists() or name not in _tests_of(ROOT / file) for file, name in named)
    ]
    assert unkept == []


def test_promises_are_numbered_once() -> None:
    numbers = [found[1] for line in _promises() if (found := _PROMISE.match(line))]
    assert len(numbers) > 20
    assert len(numbers) == len(set(numbers))


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    names = {re.split(r"[\[<>=;~! ]", requirement)[0] for requirement in requirements} - {project["name"]}
    explained = set(re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE))
    assert explained == names


def test_change_fragments_are_short_and_plain() -> None:
    fragments = [f for f in (ROOT / "changes").glob("*.md") if f.name != "README.md"]
    assert fragments
    assert [f.name for f in fragments if not 1 <= len(f.read_text().strip().splitlines()) <= 8] == []


def test_the_coverage_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/coverage.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
