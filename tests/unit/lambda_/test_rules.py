"""Pure rules, over all they could be given."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.kernel.codec import encode_json
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.model import LATEST, CodeRef, Function, LayerUse, Logging, Settings, Version
from ramuda.services.lambda_.rules import lifecycle, names, paging, requests, roles, tagging
from tests.unit.lambda_.harness import ACCOUNT, REGION, ROLE

# FunctionName of Invoke in the service model
MODEL_PATTERN = re.compile(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
NAME = st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True)
QUALIFIER = st.one_of(st.none(), st.just(LATEST), NAME)


def answer(rule: Callable[..., Any], *args: Any) -> Any:
    """What the rule returns, or the refusal it raises."""
    try:
        return rule(*args)
    except ApiError as e:
        return e


@given(
    NAME, QUALIFIER, st.sampled_from(["{n}", "function:{n}", "{a}:function:{n}", "arn:aws:lambda:{r}:{a}:function:{n}"])
)
def test_every_form_of_a_name_means_the_same(name: str, qualifier: str | None, form: str) -> None:
    text = form.format(n=name, a=ACCOUNT, r=REGION)
    derived = f"{text}:{qualifier}" if qualifier else text
    if form == "{n}" and (name == "function" or name.isdecimal()):
        return  # "function:x" and "111111111111:x" are other forms
    expected = names.Named(account=ACCOUNT, region=REGION, name=name, qualifier=qualifier)
    assert names.parse(derived, ACCOUNT, REGION) == expected
    assert names.parse(text, ACCOUNT, REGION, qualifier) == expected
    assert names.parse(expected.arn, ACCOUNT, REGION) == expected


@given(st.from_regex(MODEL_PATTERN, fullmatch=True).filter(str.isascii))
def test_whatever_the_model_lets_through_is_understood_or_refused(text: str) -> None:
    named = answer(names.parse, text, ACCOUNT, REGION)
    if isinstance(named, ApiError):
        assert named.code in {"ResourceNotFoundException", "AccessDeniedException"}
    else:
        assert (named.account, named.region) == (ACCOUNT, REGION)


@given(st.binary(max_size=60))
def test_a_payload_passes_exactly_when_it_is_json(data: bytes) -> None:
    passed = answer(requests.payload, data, 100)
    if isinstance(passed, ApiError):
        assert passed.code == "InvalidRequestContentException"
        with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
            msgspec.json.decode(data)
    else:
        assert passed == (data or b"{}")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON.filter(lambda value: "\\ud" not in json.dumps(value)))
def test_json_of_any_form_passes_as_it_is(value: Any) -> None:
    for data in (json.dumps(value).encode(), json.dumps(value, ensure_ascii=False, indent=2).encode()):
        assert requests.payload(data, 100_000) == data


def version(**changed: Any) -> Version:
    settings = Settings(runtime="python3.12", handler="h", role=ROLE, logging=Logging(group="g"))
    function = Function(account=ACCOUNT, region=REGION, name="f")
    code = CodeRef(sha256="00" * 32, size=1, unzipped_bytes=2)
    made = lifecycle.created(function, settings=settings, code=code, description="", now="t0", revision_id="r0")
    return replace(made, **changed)


@given(st.lists(st.sampled_from(["update", "succeed", "fail"]), max_size=12))
def test_what_served_serves_until_something_newer_succeeded(steps: list[str]) -> None:
    current, serving, count = version(), None, 0
    for step in steps:
        count += 1
        revision = f"r{count}"
        if step == "update":
            refused = answer(lifecycle.check_changeable, current, None)
            assert (refused is not None) == current.unsettled
            if refused is not None:
                assert refused.code == "ResourceConflictException"
                continue
            settings = replace(current.deployment.settings, timeout_s=count)
            current = lifecycle.updated(
                current,
                settings=settings,
                code=current.deployment.code,
                description="",
                now="t",
                revision_id=revision,
            )
            assert current.unsettled
        elif current.unsettled:
            if step == "succeed":
                current, serving = lifecycle.succeeded(current, revision), current.deployment
            else:
                current = lifecycle.failed(current, revision, "why", "InvalidRuntime")
            assert not current.unsettled
        assert current.serving == serving


def test_records_are_read_as_they_were_written() -> None:
    layers = (LayerUse(arn="a", code=CodeRef(sha256="11" * 32, size=3, unzipped_bytes=4)),)
    base = version()
    settings = replace(base.deployment.settings, layers=layers, environment={"A": "ü"}, shown={"SnapStart": {"a": []}})
    full = replace(base, deployment=replace(base.deployment, settings=settings), previous=base.deployment)
    for record in (base, full):
        assert msgspec.json.decode(encode_json(record), type=Version) == record


def test_an_oversized_revision_of_a_guard_is_compared_as_text() -> None:
    settled = lifecycle.succeeded(version(), "r1")
    lifecycle.check_changeable(settled, "r1")
    with pytest.raises(ApiError, match="PreconditionFailedException"):
        lifecycle.check_changeable(settled, "")


@given(st.text(min_size=1), st.integers(0, 2**62))
def test_a_marker_leads_back_to_its_key(name: str, number: int) -> None:
    assert paging.key(paging.marker((name, number)), ("", 0)) == (name, number)


@given(st.text())
def test_a_marker_that_was_made_up_is_refused(text: str) -> None:
    found = answer(paging.key, text, ("", 0))
    if isinstance(found, ApiError):
        assert found.code == "InvalidParameterValueException"
    else:
        assert [type(part) for part in found] == [str, int]


@given(st.dictionaries(st.text(), st.text(), max_size=60), st.dictionaries(st.text(), st.text(), max_size=60))
def test_tags_never_exceed_fifty(tags: dict[str, str], more: dict[str, str]) -> None:
    if len({*tags, *more}) > 50:
        with pytest.raises(ApiError, match="Number of tags"):
            tagging.merged(tags, more)
    else:
        assert tagging.without(tagging.merged(tags, more), more) == tagging.without(tags, more)


def _trust(**statement: Any) -> dict[str, Any]:
    allow = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**allow, **statement}]}


@pytest.mark.parametrize(
    ("document", "may"),
    [
        (_trust(), True),
        (json.dumps(_trust()), True),
        (json.dumps(_trust()).replace(" ", "%20").replace('"', "%22"), True),
        ({**_trust(), "Statement": _trust()["Statement"][0]}, True),
        (_trust(Principal={"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}), True),
        (_trust(Principal="*"), True),
        (_trust(Action=["sts:TagSession", "sts:*"]), True),
        (_trust(Principal={"Service": "ec2.amazonaws.com"}), False),
        (_trust(Action="sts:TagSession"), False),
        (_trust(Effect="Deny"), False),
        ({"Statement": _trust()["Statement"] + _trust(Effect="Deny")["Statement"]}, False),
        ("not json", False),
        ("[]", False),
        ({}, False),
        ({"Statement": ["x"]}, False),
    ],
)
def test_a_role_trusts_lambda_or_does_not(document: Any, may: bool) -> None:
    assert roles.lambda_may_assume(document) is may
