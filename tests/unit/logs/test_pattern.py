"""Filter patterns of plain terms, by the examples of AWS's documentation and beyond."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.services.logs.pattern import PatternError, compile_pattern

LINES = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[WARN] INVALID ARGUMENTS",
    "INTERNAL SERVER ERROR",
]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("   ", [0, 1, 2, 3, 4]),
        ("ERROR", [0, 1, 2, 4]),
        ("error", []),
        ("ERROR ARGUMENTS", [2]),
        ("?ERROR ?WARN", [0, 1, 2, 3, 4]),
        ("?400 ?401", [0, 1]),
        ("ERROR -BAD", [1, 2, 4]),
        ("-ERROR", [3]),
        ('"SERVER ERROR"', [4]),
        ('"ERROR 4"', [0, 1, 2]),
        ('ERROR -"BAD REQUEST" -"[ERROR 419]"', [1, 4]),
        ('?"[WARN]" ?SERVER', [3, 4]),
        ("?400 ?401 -BAD", [1]),
        ("?WARN ERROR", [0, 1, 2, 4]),
        ("ERROR  \t400", [0]),
    ],
)
def test_a_pattern_finds_its_lines(pattern: str, expected: list[int]) -> None:
    accepts = compile_pattern(pattern)
    assert [n for n, line in enumerate(LINES) if accepts is None or accepts(line)] == expected


def test_a_quoted_term_may_hold_an_escaped_quotation_mark() -> None:
    accepts = compile_pattern(r'"say \"no\""')
    assert accepts is not None
    assert [accepts('say "no"'), accepts("say no")] == [True, False]


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_pattern_or_refused_with_words(text: str) -> None:
    try:
        accepts = compile_pattern(text)
    except PatternError as refused:
        words = str(refused)
        accepts = None
    else:
        words = "a pattern"
    assert words
    assert accepts is None or accepts("some line") in (True, False)
