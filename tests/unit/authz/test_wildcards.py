"""Patterns: wildcards and policy variables."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.authz import wildcards

_TEXT = st.text("ab*?", max_size=12)


@given(text=_TEXT, wanted=_TEXT)
def test_a_pattern_matches_what_the_same_regular_expression_matches(text: str, wanted: str) -> None:
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in wanted)
    assert wildcards.like(text, wanted) == (text == wanted or re.fullmatch(expression, text, re.DOTALL) is not None)


@given(text=st.text(max_size=20))
def test_a_star_matches_everything(text: str) -> None:
    assert wildcards.like(text, "*")


def test_a_pattern_of_many_stars_ends_soon() -> None:
    assert not wildcards.like("a" * 2000, "*a" * 200 + "b")


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        ("user/${aws:username}", "user/jo", True),
        ("user/${AWS:UserName}", "user/jo", True),
        ("user/${aws:username}", "user/other", False),
        ("user/${aws:username}*", "user/jo/file", True),
        ("${aws:missing}", "", False),
        ("${aws:missing, 'anyone'}", "anyone", True),
        ("${aws:username, 'anyone'}", "anyone", False),
        ("${aws:many}", "a", False),
        ("${*}", "*", True),
        ("${*}", "x", False),
        ("${?}", "?", True),
        ("${$}{x}", "${x}", True),
    ],
)
def test_a_variable_stands_for_a_key_of_the_request(wanted: str, text: str, *, expected: bool) -> None:
    keys = {"aws:username": ("jo",), "aws:many": ("a", "b")}
    assert wildcards.like(text, wanted, keys) is expected


def test_a_wildcard_in_a_variables_value_is_a_character() -> None:
    assert not wildcards.like("user/jo", "user/${aws:username}", {"aws:username": ("*",)})


def test_a_text_that_looks_like_a_variable_is_one() -> None:
    assert not wildcards.like("${aws:username}", "${aws:username}", {"aws:username": ("jo",)})


def test_wildcards_mean_nothing_in_a_literal() -> None:
    assert wildcards.literal("a*${aws:username}?", {"aws:username": ("jo",)}) == "a*jo?"
    assert wildcards.literal("${aws:missing}", {}) is None
