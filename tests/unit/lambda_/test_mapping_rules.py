"""Whatever the model lets through is kept or refused, and what is kept is shown as it was given."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.invoke.pollers.options import Options
from ramuda.kernel.errors import ApiError
from ramuda.services.lambda_.mappings import plan
from ramuda.services.lambda_.rules import mappings as rules
from tests.unit.lambda_.mapped import DOCUMENTDB, DYNAMODB, KINESIS, MQ, MSK, QUEUE, SECRETS, mapping

PATTERNS = ['{"body": ["a"]}', '{"body": {"k": [{"exists": false}]}}', "{}", "", "x", '{"a": 1}']
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "BatchSize": st.integers(1, 10_000),
    "BisectBatchOnFunctionError": st.booleans(),
    "DestinationConfig": st.sampled_from([{}, {"OnFailure": {}}, {"OnFailure": {"Destination": QUEUE}}]),
    "FilterCriteria": st.sampled_from([{}, {"Filters": []}, {"Filters": [{}]}])
    | st.lists(st.sampled_from(PATTERNS), max_size=3).map(lambda p: {"Filters": [{"Pattern": each} for each in p]}),
    "FunctionResponseTypes": st.sampled_from([[], ["ReportBatchItemFailures"]]),
    "MaximumBatchingWindowInSeconds": st.integers(0, 300),
    "MaximumRecordAgeInSeconds": st.integers(-1, 604_800),
    "MaximumRetryAttempts": st.integers(-1, 10_000),
    "ParallelizationFactor": st.integers(1, 10),
    "ProvisionedPollerConfig": st.sampled_from([{}, {"MinimumPollers": 2}]),
    "ScalingConfig": st.sampled_from([{}, {"MaximumConcurrency": 2}]),
    "StartingPosition": st.sampled_from(["LATEST", "TRIM_HORIZON", "AT_TIMESTAMP"]),
    "TumblingWindowInSeconds": st.integers(0, 900),
    "Topics": st.just(["t"]),
    "SourceAccessConfigurations": st.sampled_from([[], SECRETS]),
}
SOURCES = [QUEUE, f"{QUEUE}.fifo", KINESIS, DYNAMODB, MSK, MQ, DOCUMENTDB]
changes = st.fixed_dictionaries({}, optional=MEMBERS)


def tried(change: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """What comes of it; None when Lambda refuses."""
    try:
        return change()
    except ApiError as e:
        refused = e
    assert (refused.code, refused.members) == ("InvalidParameterValueException", {"Type": "User"})
    return None


@given(source=st.sampled_from(SOURCES), first=changes, second=changes)
def test_what_is_kept_is_shown_as_it_was_given(source: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    params = {"EventSourceArn": source, **first}
    kind = rules.kind_of(params)
    made_of = tried(lambda: rules.created(kind, params))
    if made_of is None:
        return
    settings = tried(lambda: rules.updated(kind, made_of, second)) or made_of
    shown = rules.shown(mapping("Enabled", settings=settings))
    assert shown.items() >= settings.items()
    assert settings["EventSourceArn"] == source
    assert rules.kind_of(settings) is kind
    assert rules.updated(kind, settings, {}) == settings
    if kind is rules.SQS:
        assert settings["BatchSize"] <= 10 or settings["MaximumBatchingWindowInSeconds"] > 0
        made = plan(mapping("Enabled", settings=settings), Options(batches_at_once=7))
        assert (made.queue_arn, made.batch_size) == (source, settings["BatchSize"])
        assert made.at_once == settings.get("ScalingConfig", {}).get("MaximumConcurrency", 7)
        assert len(made.patterns) == len(settings.get("FilterCriteria", {}).get("Filters", []))


@pytest.mark.parametrize(("source", "is_fifo"), [(QUEUE, False), (f"{QUEUE}.fifo", True), (KINESIS, False)])
def test_the_name_of_a_queue_says_whether_it_keeps_order(source: str, is_fifo: bool) -> None:
    assert rules.is_fifo({"EventSourceArn": source}) is is_fifo
