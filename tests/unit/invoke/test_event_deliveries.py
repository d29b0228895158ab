"""Deliveries to destinations: made at least once, tried again for a bounded time, counted when they fail."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.ports.target import Undeliverable
from tests.unit.invoke.queues import DEAD_LETTER, FAILED, ON_FAILURE, ON_SUCCESS, Bench, Function


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    opened = await Bench(tmp_path).open()
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    "trouble",
    [
        PortError("out of reach"),
        ApiError("ServiceUnavailable", "later", status=503),
        ApiError("ThrottlingException", "slower", status=400),
        ValueError("a bug of ours"),
    ],
)
async def test_a_delivery_that_fails_is_tried_again(bench: Bench, trouble: Exception) -> None:
    bench.functions["f"].on_success = ON_SUCCESS
    bench.sink.troubles = [trouble] * 3
    await bench.send()
    await bench.go(100)
    assert [round(at_s - bench.begun_at_s) for at_s in bench.sink.tried_at_s] == [0, 1, 3, 7]
    assert [arn for arn, _ in bench.sink.taken] == [ON_SUCCESS]
    assert bench.values("DestinationDeliveryFailures") == []
    assert len(bench.runs.at_s) == 1


async def test_it_is_given_up_after_five_minutes(bench: Bench) -> None:
    bench.functions["f"].on_success = ON_SUCCESS
    bench.sink.troubles = [PortError("out of reach")] * 100
    await bench.send()
    await bench.go(10_000)
    assert [round(at_s - bench.begun_at_s) for at_s in bench.sink.tried_at_s] == [0, 1, 3, 7, 15, 31, 63, 127, 255]
    assert bench.values("DestinationDeliveryFailures") == [1]
    assert bench.values("DeadLetterErrors") == []


@pytest.mark.parametrize(
    "trouble", [Undeliverable("a FIFO queue"), ApiError("AWS.SimpleQueueService.NonExistentQueue", "gone", status=400)]
)
async def test_what_can_never_be_delivered_is_counted_at_once(bench: Bench, trouble: Exception) -> None:
    bench.functions["f"] = Function(answer=lambda _: FAILED, retries=0, dead_letter=DEAD_LETTER)
    bench.sink.troubles = [trouble]
    await bench.send()
    await bench.go(1000)
    assert len(bench.sink.tried_at_s) == 1
    assert bench.values("DeadLetterErrors") == [1]
    assert bench.values("DestinationDeliveryFailures") == []


async def test_a_destination_of_no_known_kind_is_a_failure(bench: Bench) -> None:
    bench.functions["f"] = Function(answer=lambda _: FAILED, retries=0, on_failure="arn:aws:firehose:r:1:x")
    await bench.send()
    await bench.go(1000)
    assert bench.values("DestinationDeliveryFailures") == [1]


async def test_one_delivery_that_fails_holds_up_no_other(bench: Bench) -> None:
    bench.functions["f"] = Function(answer=lambda _: FAILED, retries=0, on_failure=ON_FAILURE, dead_letter=DEAD_LETTER)
    bench.sink.troubles = [PortError("out of reach")]
    await bench.send()
    await bench.rest()
    assert [arn for arn, _ in bench.sink.taken] == [DEAD_LETTER]
    await bench.go(10)
    assert [arn for arn, _ in bench.sink.taken] == [DEAD_LETTER, ON_FAILURE]


async def test_more_deliveries_than_may_be_under_way_wait_in_the_database(tmp_path: Path) -> None:
    from ramuda.invoke.queue import Options

    bench = await Bench(tmp_path, Options(deliveries_in_flight=2)).open()
    bench.functions["f"].on_success = ON_SUCCESS
    for i in range(12):
        await bench.send(id_=str(i))
    await bench.go(5)
    assert len({delivery.id for _, delivery in bench.sink.taken}) == len(bench.sink.taken) == 12
    await bench.close()
