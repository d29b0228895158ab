"""A bug at one event or one read holds up nothing else."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ramuda.invoke.queue import Options, rows
from ramuda.invoke.queue import attempt as attempts
from ramuda.kernel.errors import PortError
from ramuda.kernel.function import Invocation, Outcome, Success
from tests.unit.invoke.queues import ON_SUCCESS, Bench


def failing_once(real: Any) -> Any:
    failed: list[bool] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        if not failed:
            failed.append(True)
            raise KeyError("a bug")
        return real(*args, **kwargs)

    return call


async def test_an_event_whose_end_cannot_be_worked_out_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await Bench(tmp_path, Options(in_flight=1, in_flight_first=1)).open()
    bench.functions["f"].on_success = ON_SUCCESS
    record = attempts.record
    monkeypatch.setattr(record, "invocation_record", failing_once(record.invocation_record))
    gate = asyncio.Event()

    async def answer(_: Invocation) -> Outcome:
        await gate.wait()
        return Success(payload=b"null")

    bench.functions["f"].answer = answer
    await asyncio.gather(*(bench.send(id_=str(i)) for i in range(3)))
    gate.set()
    await bench.go(1)
    assert [run.request_id for run in bench.runs.invocations] == ["0", "1", "2"]
    assert len(bench.sink.taken) == 2
    assert len(await bench.stored()) == 1
    assert bench.queue._held_bytes == 0
    await bench.close()


async def test_a_read_of_events_that_fails_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await Bench(tmp_path, Options(memory_events=1)).open()
    monkeypatch.setattr(rows, "take_events", failing_once(rows.take_events))
    await asyncio.gather(*(bench.send(id_=str(i)) for i in range(20)))
    await bench.go(30)
    assert len(bench.runs.invocations) == 20
    assert await bench.stored() == []
    await bench.close()


async def test_a_read_of_deliveries_that_fails_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await Bench(tmp_path).open()
    bench.functions["f"].on_success = ON_SUCCESS
    bench.sink.troubles.append(PortError("not now"))
    monkeypatch.setattr(rows, "take_deliveries", failing_once(rows.take_deliveries))
    await bench.send()
    await bench.go(30)
    assert len(bench.sink.taken) == 1
    await bench.close()
