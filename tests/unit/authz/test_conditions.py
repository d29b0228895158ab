"""Condition operators, one truth table after the other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.authz import conditions

KEYS = {
    "aws:sourceaccount": ("111111111111",),
    "aws:sourcearn": ("arn:aws:s3:::bucket",),
    "aws:sourceip": ("10.1.2.3",),
    "aws:securetransport": ("true",),
    "aws:currenttime": ("2026-11-21T12:00:00Z",),
    "aws:tagkeys": ("team", "stage"),
    "n": ("5",),
}


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "AWS:SourceAccount", "111111111111", True),
        ("StringEquals", "AWS:SourceAccount", ["2", "111111111111"], True),
        ("StringEquals", "AWS:SourceAccount", "1*", False),
        ("StringEquals", "aws:missing", "x", False),
        ("StringEqualsIfExists", "aws:missing", "x", True),
        ("StringEqualsIfExists", "aws:SourceAccount", "x", False),
        ("StringNotEquals", "aws:SourceAccount", "x", True),
        ("StringNotEquals", "aws:SourceAccount", ["x", "111111111111"], False),
        ("StringNotEquals", "aws:missing", "x", True),
        ("StringEqualsIgnoreCase", "aws:SourceArn", "ARN:AWS:S3:::BUCKET", True),
        ("StringNotEqualsIgnoreCase", "aws:SourceArn", "ARN:AWS:S3:::BUCKET", False),
        ("StringLike", "aws:SourceArn", "arn:*:bu?ket", True),
        ("StringNotLike", "aws:SourceArn", "arn:*:bu?ket", False),
        ("ArnLike", "AWS:SourceArn", "arn:aws:s3:::bucket", True),
        ("ArnLike", "AWS:SourceArn", "arn:aws:s3:::*", True),
        ("ArnLike", "AWS:SourceArn", "arn:*", False),
        ("ArnEquals", "AWS:SourceArn", "arn:*:s3:*:*:buck*", True),
        ("ArnNotEquals", "AWS:SourceArn", "arn:aws:s3:::bucket", False),
        ("ArnNotLike", "AWS:SourceArn", "arn:aws:s3:::other", True),
        ("Bool", "aws:SecureTransport", "true", True),
        ("Bool", "aws:SecureTransport", True, True),
        ("Bool", "aws:SecureTransport", "false", False),
        ("BinaryEquals", "n", "5", True),
        ("Null", "aws:missing", "true", True),
        ("Null", "aws:missing", "false", False),
        ("Null", "n", False, True),
        ("Null", "n", True, False),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", True),
        ("IpAddress", "aws:SourceIp", ["192.168.0.0/16", "10.1.2.3"], True),
        ("IpAddress", "aws:SourceIp", "nonsense", False),
        ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", False),
        ("NumericEquals", "n", "5.0", True),
        ("NumericNotEquals", "n", 5, False),
        ("NumericLessThan", "n", 5, False),
        ("NumericLessThanEquals", "n", "5", True),
        ("NumericGreaterThan", "n", "4", True),
        ("NumericGreaterThanEquals", "n", "6", False),
        ("NumericEquals", "n", "five", False),
        ("DateEquals", "aws:CurrentTime", "2026-11-21T13:00:00+01:00", True),
        ("DateNotEquals", "aws:CurrentTime", "2026-11-21T12:00:00Z", False),
        ("DateLessThan", "aws:CurrentTime", "2027-01-01", True),
        ("DateLessThanEquals", "aws:CurrentTime", "2026-11-21T12:00:00Z", True),
        ("DateGreaterThan", "aws:CurrentTime", "1700000000", True),
        ("DateGreaterThanEquals", "aws:CurrentTime", "2027-01-01T00:00:00Z", False),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "stage", "more"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", "team", False),
        ("ForAllValues:StringEquals", "aws:missing", "team", True),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", "team", False),
        ("ForAnyValue:StringLike", "aws:TagKeys", "te*", True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", "none", False),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", "team", True),
        ("ForAnyValue:StringNotEquals", "aws:missing", "team", False),
        ("ForAnyValue:StringEqualsIfExists", "aws:missing", "team", True),
    ],
)
def test_an_operator_holds_or_does_not(operator: str, key: str, value: Any, *, expected: bool) -> None:
    assert conditions.holds({operator: {key: value}}, KEYS) is expected


def test_every_key_and_every_operator_must_hold() -> None:
    both = {"StringEquals": {"aws:SourceAccount": "111111111111", "n": "5"}, "Bool": {"aws:SecureTransport": "true"}}
    assert conditions.holds(both, KEYS)
    assert conditions.holds({**both, "Null": {"n": "true"}}, KEYS) is False
    assert conditions.holds({"StringEquals": {"aws:SourceAccount": "111111111111", "n": "6"}}, KEYS) is False


def test_no_condition_holds() -> None:
    assert conditions.holds({}, KEYS)


@pytest.mark.parametrize(
    "condition",
    [
        "text",
        {"StringEquals": "text"},
        {"StringSortOf": {"n": "5"}},
        {"NullIfExists": {"n": "true"}},
        {"ForSomeValues:StringEquals": {"n": "5"}},
        {"StringEquals": {"n": {"deep": 1}}},
        {"StringEquals": {"n": None}},
    ],
)
def test_what_cannot_be_understood_is_neither_true_nor_false(condition: Any) -> None:
    assert conditions.holds(condition, KEYS) is None


@given(values=st.lists(st.text(max_size=3), max_size=4), wanted=st.lists(st.text(max_size=3), min_size=1, max_size=4))
def test_a_negated_operator_is_the_opposite(values: list[str], wanted: list[str]) -> None:
    keys = {"k": tuple(values)}
    equal = conditions.holds({"StringEqualsIgnoreCase": {"k": wanted}}, keys)
    assert conditions.holds({"StringNotEqualsIgnoreCase": {"k": wanted}}, keys) is not equal


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda x: st.dictionaries(st.text(max_size=5), x)))
def test_any_condition_is_answered(condition: Any) -> None:
    assert conditions.holds(condition, KEYS) in (True, False, None)
