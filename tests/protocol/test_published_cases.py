"""botocore's protocol cases, reversed (see `cases`). `ignored.toml` lists those that do not hold, and only shrinks."""

import tomllib
from pathlib import Path

import pytest

from tests.protocol.cases import Case, comparable, expected_params, load, request_of, without_filled_tokens
from tests.protocol.responses import check_as_client, check_response

IGNORED_MAX = 22
SAME_MEANING_MAX = 62
"""How long the lists may be. Lower these when they shrink; never raise them."""

_LISTS = tomllib.loads((Path(__file__).parent / "ignored.toml").read_text())
IGNORED = {key for entry in _LISTS["ignored"] for key in entry["cases"]}
SAME_MEANING = {key for entry in _LISTS["same_meaning"] for key in entry["cases"]}
INPUT, OUTPUT = list(load("input")), list(load("output"))


def _holds(case: Case) -> None:
    if case.kind == "output":
        check_response(case)
        return
    operation = case.operation()
    request = request_of(case)
    assert case.protocol.operation(operation.service_model, request).name == operation.name
    params = case.protocol.parse(operation, request)
    assert comparable(without_filled_tokens(case, operation, params)) == comparable(expected_params(case))


def _listed(cases: list[Case], keys: set[str]) -> list[Case]:
    return [case for case in cases if case.key in keys]


def _key(case: Case) -> str:
    return case.key


@pytest.mark.parametrize("case", [c for c in INPUT if c.key not in IGNORED], ids=_key)
def test_the_request_of_an_input_case_is_read_as_its_parameters(case: Case) -> None:
    _holds(case)


@pytest.mark.parametrize("case", [c for c in OUTPUT if c.key not in IGNORED | SAME_MEANING], ids=_key)
def test_the_result_of_an_output_case_becomes_its_response(case: Case) -> None:
    _holds(case)


@pytest.mark.parametrize("case", _listed(OUTPUT, SAME_MEANING), ids=_key)
def test_botocores_client_reads_the_result_of_an_output_case_from_our_response(case: Case) -> None:
    check_as_client(case)


@pytest.mark.parametrize("case", _listed(INPUT + OUTPUT, IGNORED | SAME_MEANING), ids=_key)
def test_a_listed_case_still_fails_and_may_not_stay_listed_otherwise(case: Case) -> None:
    with pytest.raises(Exception):  # noqa: B017 - whichever way it fails
        _holds(case)


def test_the_lists_name_only_cases_that_exist_and_none_twice() -> None:
    named = [key for entry in _LISTS["ignored"] + _LISTS["same_meaning"] for key in entry["cases"]]
    assert sorted(named) == sorted(set(named))
    assert set(named) <= {case.key for case in INPUT + OUTPUT}


def test_the_lists_only_shrink() -> None:
    assert len(IGNORED) <= IGNORED_MAX
    assert len(SAME_MEANING) <= SAME_MEANING_MAX


def test_every_published_case_is_run() -> None:
    assert (len(INPUT), len(OUTPUT)) == (367, 365)
