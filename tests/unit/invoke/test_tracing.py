from pathlib import Path

import pytest

from ramuda.invoke.tracing import Tracing
from ramuda.kernel import trace
from ramuda.kernel.function import FunctionRef, FunctionSnapshot, Invocation, LoggingConfig, RecursiveLoop
from ramuda.testing import ManualClock

from .fakes import MemoryRecorder

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


def invocation(
    header: str | None = None, *, version: str = "$LATEST", active: bool = False, loop: str = "Terminate"
) -> Invocation:
    ref = FunctionRef(account="111111111111", region="us-east-1", name="f")
    function = FunctionSnapshot(
        ref=ref,
        version=version,
        revision_id="r",
        runtime="python3.12",
        handler="h",
        role="r",
        memory_mib=128,
        timeout_s=3,
        tmp_mib=512,
        task_dir=Path("/task"),
        logging=LoggingConfig(group="g"),
        tracing_active=active,
        recursive_loop=loop,
    )
    return Invocation(request_id="i", function=function, payload=b"", invoked_arn=function.arn, trace=header)


class Room:
    def __init__(self, *, limit: int = 16, uniform: float = 0.5) -> None:
        self.recorder, self.clock = MemoryRecorder(), ManualClock()
        self.tracing = Tracing(self.recorder, self.clock, limit, bits=lambda _: 0xAB, uniform=lambda: uniform)

    def enter(
        self, header: str | None = None, *, version: str = "$LATEST", active: bool = False, loop: str = "Terminate"
    ) -> str:
        entering = invocation(header, version=version, active=active, loop=loop)
        self.tracing.enter(entering)
        assert entering.trace is not None
        return entering.trace

    @property
    def dropped(self) -> list[float]:
        return self.recorder.values("RecursiveInvocationsDropped", (("FunctionName", "f"),))


def test_an_invocation_without_a_trace_gets_one_of_the_clocks_time() -> None:
    room = Room()
    lineage = f"Lineage=1:{trace.fingerprint('arn:aws:lambda:us-east-1:111111111111:function:f')}:0"
    started = f"{int(room.clock.time()):08x}"
    assert room.enter() == f"Root=1-{started}-{0:024x};Parent={0xAB:016x};Sampled=0;{lineage}"


def test_a_function_is_stopped_when_its_chain_has_reached_the_limit_whatever_its_version() -> None:
    room, header = Room(), None
    for number in range(16):
        header = room.enter(header, version=str(number + 1))
    assert room.dropped == []
    with pytest.raises(RecursiveLoop) as stopped:
        room.enter(header)
    assert stopped.value.function_arn == "arn:aws:lambda:us-east-1:111111111111:function:f"
    assert room.dropped == [1.0]


def test_a_function_that_may_loop_is_counted_and_not_stopped() -> None:
    room, header = Room(limit=2), None
    for _ in range(5):
        header = room.enter(header, loop="Allow")
    with pytest.raises(RecursiveLoop):
        room.enter(header)


async def test_active_tracing_samples_one_request_a_second() -> None:
    room = Room()

    def sampled(header: str | None = None) -> bool:
        return ";Sampled=1;" in room.enter(header, active=True)

    assert [sampled(), sampled(), sampled(f"Root={ROOT};Sampled=1"), sampled()] == [True, False, True, False]
    await room.clock.advance(1.0)
    assert [sampled(), sampled(f"Root={ROOT};Sampled=0")] == [True, False]


def test_active_tracing_samples_five_percent_of_the_rest() -> None:
    room = Room(uniform=0.049)
    assert all(";Sampled=1;" in room.enter(active=True) for _ in range(3))


def test_a_function_that_changed_is_sampled_anew() -> None:
    room = Room()
    room.enter(active=True)
    room.tracing.forget("arn:aws:lambda:us-east-1:111111111111:function:f")
    assert ";Sampled=1;" in room.enter(active=True)


def test_without_active_tracing_the_callers_word_is_passed_on() -> None:
    room = Room()
    assert ";Sampled=0;" in room.enter()
    assert ";Sampled=1;" in room.enter(f"Root={ROOT};Sampled=1")
