"""What is left after a crash, and after a database that could not be written."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ramuda.invoke.queue import Options
from ramuda.kernel.errors import PortError
from ramuda.kernel.function import Success
from ramuda.kernel.ports.database import Transaction
from tests.unit.invoke.queues import FAILED, ON_FAILURE, ON_SUCCESS, Bench, Function

T = TypeVar("T")


async def test_events_in_flight_and_waiting_run_again_after_a_crash(tmp_path: Path) -> None:
    bench = await Bench(tmp_path, Options(in_flight_first=2, in_flight=2, memory_events=3)).open()
    never = asyncio.get_running_loop().create_future()
    bench.functions["f"].answer = lambda _: never
    await asyncio.gather(*(bench.send(id_=str(i)) for i in range(20)))
    begun = {run.request_id for run in bench.runs.invocations}
    assert begun
    await bench.close()
    bench.runs.invocations.clear()
    bench.functions["f"].answer = lambda _: Success(payload=b"null")
    await bench.open()
    await bench.rest()
    assert sorted(int(run.request_id) for run in bench.runs.invocations) == list(range(20))
    assert await bench.stored() == []
    await bench.close()


async def test_a_retry_comes_when_it_is_due_although_the_server_was_started_anew(tmp_path: Path) -> None:
    bench = await Bench(tmp_path).open()
    bench.functions["f"].answer = lambda _: FAILED
    await bench.send()
    await bench.go(10)
    await bench.close()
    await bench.open()
    await bench.go(49)
    assert len(bench.runs.at_s) == 1
    await bench.go(1000)
    assert bench.waits() == [60, 120]
    assert {run.request_id for run in bench.runs.invocations} == {"1"}
    await bench.close()


async def test_a_delivery_that_was_under_way_is_made_after_a_crash(tmp_path: Path) -> None:
    bench = await Bench(tmp_path).open()
    bench.functions["f"] = Function(on_success=ON_SUCCESS)
    bench.sink.gate = asyncio.Event()
    await bench.send()
    while not bench.sink.tried_at_s:
        await asyncio.sleep(0)
    assert await bench.stored() == []  # the event is finished, its delivery is stored
    await bench.close()
    bench.sink.gate = None
    await bench.open()
    await bench.go(1)
    assert [arn for arn, _ in bench.sink.taken] == [ON_SUCCESS]
    await bench.close()
    await bench.open()
    await bench.go(1)
    assert len(bench.sink.taken) == 1
    await bench.close()


class Failing:
    """The database of a bench, which fails to write as long as `is_broken`."""

    def __init__(self, database: Any) -> None:
        self._write = database.write
        self.is_broken = False

    async def write(self, work: Callable[[Transaction], T]) -> T:
        if self.is_broken:
            raise PortError("disk full")
        written: T = await self._write(work)
        return written


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Callable[[Bench], Failing]:
    def make(bench: Bench) -> Failing:
        failing = Failing(bench.database)
        monkeypatch.setattr(bench.database, "write", failing.write, raising=False)
        return failing

    return make


async def test_an_event_that_cannot_be_stored_is_not_accepted(
    tmp_path: Path, breaking: Callable[[Bench], Failing]
) -> None:
    bench = await Bench(tmp_path).open()
    failing = breaking(bench)
    failing.is_broken = True
    with pytest.raises(PortError, match="disk full"):
        await bench.send()
    failing.is_broken = False
    await bench.send(id_="2")
    await bench.rest()
    assert [run.request_id for run in bench.runs.invocations] == ["2"]
    await bench.close()


async def test_a_client_that_went_away_does_not_keep_its_event_from_running(tmp_path: Path) -> None:
    bench = await Bench(tmp_path).open()
    sending = asyncio.create_task(bench.send())
    await asyncio.sleep(0)
    sending.cancel()
    await bench.rest()
    assert len(bench.runs.at_s) == 1
    await bench.close()


async def test_an_end_that_cannot_be_written_is_written_later(
    tmp_path: Path, breaking: Callable[[Bench], Failing]
) -> None:
    bench = await Bench(tmp_path).open()
    failing = breaking(bench)
    waiting = asyncio.get_running_loop().create_future()
    bench.functions["f"] = Function(answer=lambda _: waiting, on_failure=ON_FAILURE, retries=0)
    await bench.send()
    failing.is_broken = True
    waiting.set_result(FAILED)
    for _ in range(20):
        await asyncio.sleep(0)
    assert bench.sink.taken == []  # nothing is delivered that was not decided for good
    failing.is_broken = False
    while not bench.sink.taken:
        await bench.clock.advance(1)
    await bench.rest()
    assert await bench.stored() == []
    await bench.close()
