import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.kernel import trace
from ramuda.kernel.trace import Sampler, Trace

ARN = "arn:aws:lambda:us-east-1:111111111111:function:f"
OTHER = "arn:aws:lambda:us-east-1:111111111111:function:g"
ROOT = "1-5759e988-bd862e3fe1be46a994272793"


def bits(count: int) -> int:
    return (1 << count) - 1


def entered(header: str | None, arn: str = ARN, **options: object) -> str:
    return trace.entering(header, arn, now_s=0x6500_0000, bits=bits, **options)  # type: ignore[arg-type]  # as given


def test_every_member_is_understood() -> None:
    header = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=7:a87bd80c:1|68fd508a:5"
    expected = Trace(
        root=ROOT,
        parent="53995c3f42cd8ad8",
        sampled=True,
        requests=7,
        lineage=(("a87bd80c", 1), ("68fd508a", 5)),
    )
    assert trace.parse(header) == expected
    assert str(expected) == header


def test_members_may_come_in_any_order_and_with_spaces() -> None:
    assert trace.parse(f"sampled=0; Self=1-2-3; Root={ROOT}") == Trace(root=ROOT, sampled=False)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "Root=1-5759e988",
        "Parent=53995c3f42cd8ad8;Sampled=1",
        f"Root={ROOT}\r\nEvil: 1",
        f"Root={ROOT};" + "x" * trace.HEADER_MAX,
    ],
)
def test_what_is_no_trace_is_ignored_and_a_new_one_begins(header: str | None) -> None:
    assert trace.parse(header) is None
    assert entered(header) == (
        f"Root=1-65000000-{'f' * 24};Parent={'f' * 16};Sampled=0;Lineage=1:{trace.fingerprint(ARN)}:0"
    )


@pytest.mark.parametrize("lineage", ["x", "1:a87bd80c", "a87bd80c:1|", "1:a87bd80c:0|a87bd80c:4", "a87bd80c:1234"])
def test_a_malformed_lineage_is_as_none(lineage: str) -> None:
    assert trace.parse(f"Root={ROOT};Lineage={lineage}") == Trace(root=ROOT)


def test_malformed_parents_and_open_decisions_are_left_out() -> None:
    assert trace.parse(f"Root={ROOT};Parent=1;Sampled=?") == Trace(root=ROOT)


def test_a_function_gets_the_root_of_its_caller_and_a_parent_of_its_own() -> None:
    header = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"
    assert entered(header) == f"Root={ROOT};Parent={'f' * 16};Sampled=1;Lineage=1:{trace.fingerprint(ARN)}:0"


def test_the_lineage_counts_every_request_and_every_function() -> None:
    header: str | None = None
    for arn in (ARN, OTHER, ARN, ARN):
        header = entered(header, arn)
    assert header is not None
    assert header.endswith(f";Lineage=4:{trace.fingerprint(ARN)}:2|{trace.fingerprint(OTHER)}:0")


@pytest.mark.parametrize(
    ("said", "active", "expected"),
    [("1", False, 1), ("0", False, 0), ("?", False, 0), ("1", True, 1), ("0", True, 0), ("?", True, 1)],
)
def test_the_callers_decision_to_sample_counts_before_the_functions_own(said: str, active: bool, expected: int) -> None:
    header = entered(f"Root={ROOT};Sampled={said}", sample=(lambda: True) if active else None)
    assert f";Sampled={expected};" in header


def test_a_new_trace_of_an_active_function_asks_the_sampler() -> None:
    assert ";Sampled=1;" in entered(None, sample=lambda: True)
    assert ";Sampled=0;" in entered(None, sample=lambda: False)


def test_the_seventeenth_invocation_in_a_chain_is_a_loop() -> None:
    header: str | None = None
    for _ in range(16):
        assert not trace.is_loop(header, ARN)
        header = entered(header)
    assert trace.is_loop(header, ARN)
    assert not trace.is_loop(header, OTHER)


def test_functions_that_call_each_other_are_counted_each_for_itself() -> None:
    header: str | None = None
    for _ in range(16):
        for arn in (ARN, OTHER):
            assert not trace.is_loop(header, arn)
            header = entered(header, arn)
    assert trace.is_loop(header, ARN)
    assert trace.is_loop(header, OTHER)


def test_the_limit_is_a_parameter() -> None:
    header = entered(entered(None))
    assert trace.is_loop(header, ARN, limit=2)
    assert not trace.is_loop(header, ARN, limit=3)


def test_counters_and_functions_stop_at_their_bounds() -> None:
    header = entered(f"Root={ROOT};Lineage=32767:{trace.fingerprint(ARN)}:255")
    assert header.endswith(f";Lineage=32767:{trace.fingerprint(ARN)}:255")
    for number in range(40):
        header = entered(header, f"{OTHER}{number}")
    parsed = trace.parse(header)
    assert parsed is not None
    assert len(parsed.lineage) == trace.FUNCTIONS_MAX
    assert parsed.lineage[-1] == (trace.fingerprint(f"{OTHER}39"), 0)
    assert len(header) < trace.HEADER_MAX


def test_a_sampler_takes_the_first_request_of_a_second_and_five_percent_of_the_others() -> None:
    sampler, source = Sampler(), random.Random(1)
    assert [sampler.decide(10.0 + part / 10, 0.05) for part in range(3)] == [True, False, False]
    assert [sampler.decide(second, 0.99) for second in (11.0, 11.9, 12.0)] == [True, False, True]
    taken = sum(sampler.decide(20.0, source.random()) for _ in range(10_001))
    assert 400 < taken - 1 < 600


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    parsed = trace.parse(text)
    assert parsed is None or trace.parse(str(parsed)) == parsed
    again = trace.parse(f"Root={ROOT};Lineage={text};Parent={text}")
    assert again is None or trace.parse(str(again)) == again


@given(st.lists(st.sampled_from([ARN, OTHER, ARN + "2"]), max_size=60))
def test_what_is_counted_is_what_was_entered(chain: list[str]) -> None:
    header: str | None = None
    for arn in chain:
        header = entered(header, arn)
    parsed = trace.parse(header) or Trace(root=ROOT)
    assert parsed.requests == len(chain)
    for arn in set(chain):
        assert parsed.visits(trace.fingerprint(arn)) == chain.count(arn)
