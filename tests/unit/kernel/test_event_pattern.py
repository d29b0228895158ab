"""Event patterns. The cases named recorded are those of AWS's own answers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.kernel import event_pattern
from ramuda.kernel.event_pattern import InvalidPattern

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
)
words = st.sampled_from(
    ["a", "b", "$or", "prefix", "suffix", "equals-ignore-case", "wildcard", "exists", "numeric", "cidr", "anything-but"]
)
near_patterns = st.dictionaries(
    words,
    st.recursive(
        scalars | st.sampled_from(["<", ">=", "10.0.0.0/8"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=2),
    ),
    max_size=3,
)


def fits(wanted: list[Any], value: Any) -> bool:
    pattern = {"key": wanted}
    event_pattern.check(pattern)
    return event_pattern.matches(pattern, {"key": value})


@pytest.mark.parametrize(
    ("wanted", "matching", "other"),
    [
        (["a", "b"], ["a", "b", ["x", "b"]], ["c", "A", "", None, {"a": "b"}, []]),
        ([None], [None], ["", 0, False]),
        ([""], [""], [None, "a"]),
        ([True], [True], [1, "true", False]),
        ([1], [1], [True, 1.0, "1"]),
        ([1.5], [1.5], [1, "1.5"]),
        ([{"prefix": "us-1"}], ["us-1-other-suffix", "us-1"], ["eu-us-1", 1, None]),
        ([{"suffix": ".png"}], ["a.png"], [".png.txt", "a.PNG"]),
        ([{"prefix": {"equals-ignore-case": "EventB"}}], ["eventbridge"], ["event"]),
        ([{"suffix": {"equals-ignore-case": ".png"}}], ["A.PNG"], ["png"]),
        ([{"equals-ignore-case": "alice"}], ["ALICE", "alice"], ["alicE1", 1]),
        ([{"wildcard": "a*c"}], ["ac", "abc", "a*c"], ["abd", "xac"]),
        ([{"wildcard": r"a\*c"}], ["a*c"], ["abc", r"a\*c"]),
        ([{"wildcard": r"a\\*"}], ["a\\", "a\\b"], ["a", "ab"]),
        ([{"wildcard": "[a]?*"}], ["[a]?", "[a]?b"], ["a", "ab", "[a]b"]),
        ([{"anything-but": "a"}], ["b", 1, None], ["a", {"a": 1}]),
        ([{"anything-but": ["a", 1]}], ["b", 2], ["a", 1]),
        ([{"anything-but": {"prefix": "a"}}], ["b"], ["ab"]),
        ([{"anything-but": {"suffix": ["a", "b"]}}], ["c"], ["xa", "xb"]),
        ([{"exists": True}], ["a", None, 0, {"a": 1}], []),
        ([{"numeric": [">", 100]}], [101, 100.5], [100, "101", True, None]),
        ([{"numeric": [">", 0, "<=", 5]}], [1, 5], [0, 6]),
        ([{"numeric": ["=", 3]}], [3, 3.0], [4]),
        ([{"numeric": ["!=", 3]}], [4], [3]),
        ([{"numeric": [">=", 3]}], [3], [2]),
        ([{"numeric": ["<", 3]}], [2], [3]),
        ([{"cidr": "10.0.0.0/24"}], ["10.0.0.255"], ["10.0.1.0", "somewhere", 10]),
        ([{"cidr": "2001:db8::/32"}], ["2001:db8::1"], ["10.0.0.1"]),
        ([{"numeric": [">", 100]}, {"anything-but": "101"}], ["42", 101], ["101"]),  # recorded for "42" and "101"
    ],
)
def test_each_kind_of_matcher_fits_what_it_names_and_nothing_else(
    wanted: list[Any], matching: list[Any], other: list[Any]
) -> None:
    assert [value for value in matching if not fits(wanted, value)] == []
    assert [value for value in other if fits(wanted, value)] == []
    assert not event_pattern.matches({"key": wanted}, {"another": 1})


def test_every_key_must_fit_and_one_value_of_each() -> None:
    pattern = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"presentKey": {"S": ["presentValue"]}}}}
    event = {"eventName": "MODIFY", "dynamodb": {"NewImage": {"presentKey": {"S": "presentValue"}}, "x": 1}}
    assert event_pattern.matches(pattern, event)
    assert not event_pattern.matches(pattern, {**event, "eventName": "REMOVE"})
    assert not event_pattern.matches(pattern, {**event, "dynamodb": {"NewImage": {"presentKey": {"S": "other"}}}})
    assert not event_pattern.matches(pattern, {**event, "dynamodb": "text"})
    assert not event_pattern.matches(pattern, {"eventName": "INSERT"})


def test_what_is_asked_not_to_exist_may_lack_its_parents_too() -> None:
    pattern = {"NewImage": {"presentKey": [{"exists": False}]}}
    assert event_pattern.matches(pattern, {"NewImage": {"id": {"S": "id_value_1"}}})  # recorded
    assert event_pattern.matches(pattern, {})
    assert not event_pattern.matches(pattern, {"NewImage": {"presentKey": {"S": "presentValue"}}})


def test_an_array_fits_by_one_of_its_elements() -> None:
    assert event_pattern.matches({"data": {"type": ["1"]}}, {"data": {"type": ["3", "1"]}})  # recorded
    assert not event_pattern.matches({"data": {"type": ["1"]}}, {"data": {"type": ["2"]}})
    assert event_pattern.matches({"items": {"id": [2]}}, {"items": [{"id": 1}, {"id": 2}]})


def test_one_of_several_patterns_may_fit_instead() -> None:
    pattern = {"a": [1], "$or": [{"b": [2]}, {"c": [3], "d": [4]}]}
    event_pattern.check(pattern)
    assert event_pattern.matches(pattern, {"a": 1, "b": 2})
    assert event_pattern.matches(pattern, {"a": 1, "c": 3, "d": 4})
    assert not event_pattern.matches(pattern, {"a": 1, "c": 3})
    assert not event_pattern.matches(pattern, {"b": 2})


@pytest.mark.parametrize(
    "pattern",
    [
        None,
        "simple string",
        [],
        {},
        {"eventSource": "aws:sqs"},
        {"eventSource": []},
        {"a": 1},
        {"a": {}},
        {"a": [[1]]},
        {"a": [{}]},
        {"a": [{"prefix": "a", "suffix": "b"}]},
        {"a": [{"unknown": "a"}]},
        {"a": [{"prefix": 1}]},
        {"a": [{"prefix": {"suffix": "a"}}]},
        {"a": [{"equals-ignore-case": {"equals-ignore-case": "a"}}]},
        {"a": [{"exists": "yes"}]},
        {"a": [{"numeric": []}]},
        {"a": [{"numeric": [">"]}]},
        {"a": [{"numeric": [1, ">"]}]},
        {"a": [{"numeric": [">", "1"]}]},
        {"a": [{"numeric": [">", True]}]},
        {"a": [{"cidr": "10.0.0.0/33"}]},
        {"a": [{"anything-but": []}]},
        {"a": [{"anything-but": [["a"]]}]},
        {"a": [{"anything-but": None}]},
        {"a": [{"anything-but": {}}]},
        {"a": [{"anything-but": {"prefix": 1}}]},
        {"a": [{"anything-but": {"prefix": []}}]},
        {"a": [{"anything-but": {"exists": True}}]},
        {"$or": [{"a": [1]}]},
        {"$or": [{"a": [1]}, {"a": 1}]},
        json.loads('{"a":' * 101 + '{"b":[1]}' + "}" * 101),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: Any) -> None:
    with pytest.raises(InvalidPattern):
        event_pattern.check(pattern)


@given(pattern=near_patterns, event=documents)
def test_whatever_is_accepted_can_be_matched_with_anything(pattern: dict[str, Any], event: Any) -> None:
    try:
        event_pattern.check(pattern)
    except InvalidPattern:
        return
    assert event_pattern.matches(pattern, {"a": event, "b": [event]}) in (True, False)


@given(values=st.lists(scalars, min_size=1, max_size=3), other=scalars)
def test_a_list_of_values_fits_exactly_these(values: list[Any], other: Any) -> None:
    assert all(fits(values, value) for value in values)
    kinds = {(type(value), value) for value in values}
    assert fits(values, other) == ((type(other), other) in kinds)
