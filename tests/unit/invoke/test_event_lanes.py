"""Many events: functions do not hold up one another, memory is bounded, a throttled function is asked now and then."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from ramuda.invoke.queue import Options
from ramuda.kernel.function import Invocation, Outcome, Success, Throttled
from tests.unit.invoke.queues import FAILED, Bench, Function


class Limited:
    """A function with room for `limit` at once; each run takes until `free` is called."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running: list[asyncio.Future[Outcome]] = []
        self.throttles = 0

    def __call__(self, _: Invocation) -> "asyncio.Future[Outcome]":
        if len(self.running) >= self.limit:
            self.throttles += 1
            raise Throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.running.append(future)
        return future

    def free(self) -> None:
        for future in self.running:
            future.set_result(Success(payload=b"null"))
        self.running = []


async def test_a_throttled_function_holds_up_no_other(tmp_path: Path) -> None:
    bench = await Bench(tmp_path, Options(memory_events=8)).open()

    def throttle(_: Invocation) -> Outcome:
        raise Throttled("r")

    bench.functions["f"].answer = throttle
    bench.functions["other"] = Function()
    await asyncio.gather(*(bench.send(id_=f"f{i}") for i in range(200)))
    await bench.rest()
    await asyncio.gather(*(bench.send("other", id_=f"o{i}") for i in range(50)))
    await bench.go(0.5)
    ran = Counter(run.function.ref.name for run in bench.runs.invocations)
    assert ran["other"] == 50
    assert ran["f"] <= 16  # the first of them found out that there is no room; the others wait
    assert len(await bench.stored()) == 200
    await bench.close()


async def test_a_storm_of_throttles_ends_with_every_event_run_once_and_few_attempts_wasted(tmp_path: Path) -> None:
    bench = await Bench(tmp_path).open()
    limited = bench.functions["f"].answer = Limited(3)
    await asyncio.gather(*(bench.send(id_=str(i)) for i in range(300)))
    rounds = 0
    while await bench.stored():
        for _ in range(20):
            await asyncio.sleep(0)
        limited.free()
        await bench.clock.advance(0.2)
        rounds += 1
        await bench.queue._journal.settle()
        assert rounds < 1000
    succeeded = len(bench.runs.invocations) - limited.throttles
    assert succeeded == 300
    assert limited.throttles < 300
    await bench.close()


async def test_what_does_not_fit_into_memory_waits_in_the_database(tmp_path: Path) -> None:
    bench = await Bench(tmp_path, Options(memory_events=4, in_flight_first=2, in_flight=2)).open()
    limited = bench.functions["f"].answer = Limited(2)
    await asyncio.gather(*(bench.send(id_=str(i)) for i in range(40)))
    stored = await bench.stored()
    assert len(stored) == 40
    in_memory = [row for row in stored if row["due_at"] is None]
    assert len(in_memory) <= 7
    seen = 0
    while await bench.stored():
        await bench.clock.advance(0.06)
        seen += len(limited.running)
        limited.free()
    assert {run.request_id for run in bench.runs.invocations} == {str(i) for i in range(40)}
    assert len(bench.runs.invocations) == 40
    assert seen == 40
    await bench.close()


async def test_payloads_in_memory_are_bounded_in_bytes(tmp_path: Path) -> None:
    bench = await Bench(tmp_path, Options(memory_bytes=100, in_flight_first=1, ramp_s=1000)).open()
    limited = bench.functions["f"].answer = Limited(1)
    for i in range(5):
        await bench.send(id_=str(i), payload=b'"' + b"x" * 60 + b'"')
    assert sum(row["due_at"] is None for row in await bench.stored()) <= 2  # the one that runs, and one above
    while await bench.stored():
        limited.free()
        await bench.clock.advance(0.06)
    assert [run.request_id for run in bench.runs.invocations] == [str(i) for i in range(5)]
    await bench.close()


async def test_what_waits_on_the_disk_is_bounded_also_over_a_start(tmp_path: Path) -> None:
    bench = await Bench(tmp_path, Options(backlog_bytes=2500)).open()
    limited = bench.functions["f"].answer = Limited(10)
    for i in range(2):
        await bench.send(id_=str(i), payload=b'"' + b"x" * 598 + b'"')
    with pytest.raises(Throttled):
        await bench.send(payload=b'"' + b"x" * 598 + b'"')
    await bench.close()
    limited.running = []
    await bench.open()
    while len(limited.running) < 2:
        await bench.clock.advance(0)
    with pytest.raises(Throttled):
        await bench.send(payload=b'"' + b"x" * 598 + b'"')
    limited.free()
    await bench.rest()
    await bench.send(id_="2", payload=b'"' + b"x" * 598 + b'"')
    while not limited.running:
        await bench.clock.advance(0)
    assert {run.request_id for run in bench.runs.invocations} == {"0", "1", "2"}
    limited.free()
    await bench.close()


async def test_more_events_run_at_once_while_none_ends(tmp_path: Path) -> None:
    bench = await Bench(tmp_path, Options(in_flight_first=4, ramp_s=0.1, crowd=1000)).open()
    limited = bench.functions["f"].answer = Limited(1000)
    await asyncio.gather(*(bench.send(id_=str(i)) for i in range(60)))
    widths = []
    for _ in range(10):
        widths.append(len(limited.running))
        await bench.clock.advance(0.1)
    assert widths == [4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
    limited.free()
    await bench.close()


async def test_a_function_that_gets_no_more_done_by_running_more_at_once_keeps_its_width(tmp_path: Path) -> None:
    bench = await Bench(tmp_path, Options(in_flight_first=4, ramp_s=0.1, crowd=1000)).open()
    limited = bench.functions["f"].answer = Limited(1000)
    await asyncio.gather(*(bench.send(id_=str(i)) for i in range(200)))
    for _ in range(20):
        for future in limited.running[:2]:  # two in a turn, however many run
            future.set_result(Success(payload=b"null"))
        del limited.running[:2]
        await bench.clock.advance(0.1)
        for _ in range(5):
            await asyncio.sleep(0)
    assert len(limited.running) <= 8
    limited.free()
    await bench.close()


async def test_accepting_a_crowd_goes_before_running_it(tmp_path: Path) -> None:
    bench = await Bench(tmp_path, Options(crowd=8, in_flight_first=100)).open()
    bench.functions["other"] = Function()
    limited = bench.functions["f"].answer = bench.functions["other"].answer = Limited(1000)
    for commit in range(1, 4):
        await asyncio.gather(*(bench.send("f" if i % 2 else "other", id_=f"{commit}-{i}") for i in range(20)))
        assert len(limited.running) == commit
    assert {run.function.ref.name for run in bench.runs.invocations} == {"f", "other"}
    await bench.clock.advance(0.02)
    assert len(limited.running) == 60
    limited.free()
    await bench.close()


async def test_a_poisoned_event_does_not_stop_those_behind_it(tmp_path: Path) -> None:
    bench = await Bench(tmp_path).open()

    def answer(invocation: Invocation) -> Outcome:
        if invocation.payload == b'"poison"':
            raise ValueError("a bug of ours")
        return FAILED if invocation.payload == b'"bad"' else Success(payload=b"null")

    bench.functions["f"].answer = answer
    for payload in (b'"poison"', b'"bad"', b'"good"'):
        await bench.send(payload=payload, id_=payload.decode())
    await bench.rest()
    assert [row["payload"] for row in await bench.stored()] == [b'"poison"', b'"bad"']
    await bench.go(30_000)
    assert await bench.stored() == []
    await bench.close()
