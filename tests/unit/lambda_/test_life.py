"""What begins and ends with the server, and in which order."""

import asyncio
from pathlib import Path

import pytest

from ramuda.kernel.errors import ApiError
from ramuda.kernel.function import Invocation, Outcome, Success
from ramuda.services.lambda_ import LambdaService
from ramuda.services.lambda_.catalog import Catalog, Target
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, arn


async def test_nothing_of_a_function_is_made_ready_before_the_server_can_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_yet(self: LambdaService) -> None:
        pass

    first = await Lambda(tmp_path).start()
    first.catalogue.gate = asyncio.Event()
    await first.create(settle=False)
    await first.stop()
    second = Lambda(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(LambdaService, "listening", not_yet)
        await second.start()
    await second.settled()
    assert (await second("GetFunctionConfiguration", FunctionName="f"))["State"] == "Pending"
    await second.service.listening()
    await second.settled()
    assert (await second("GetFunctionConfiguration", FunctionName="f"))["State"] == "Active"
    await second.stop()


async def test_events_under_way_and_accepted_while_the_server_stops_run_at_the_next_start(tmp_path: Path) -> None:
    first = await Lambda(tmp_path).start()
    await first.create()
    await first("PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=0)
    begun = asyncio.Event()

    async def hangs(invocation: Invocation) -> Outcome:
        begun.set()
        return await asyncio.get_running_loop().create_future()

    first.invoker.answer = hangs
    await first("Invoke", FunctionName="f", InvocationType="Event", Payload=b'"under way"')
    await begun.wait()
    await first.service.quiet()
    await first("Invoke", FunctionName="f", InvocationType="Event", Payload=b'"late"')
    await first.stop()
    second = await Lambda(tmp_path).start()
    await second.service.resume_events()
    await second.service.room.events.drained()
    assert sorted(each.payload for each in second.invoker.asked) == [b'"late"', b'"under way"']
    await second.stop()
    third = await Lambda(tmp_path).start()
    third.invoker.answer = lambda _: Success(payload=b"1")
    await third.service.resume_events()
    await third.service.room.events.drained()
    assert third.invoker.asked == []
    await third.stop()


async def test_what_changes_while_the_server_stops_starts_nothing(tmp_path: Path) -> None:
    lambda_ = await Lambda(tmp_path).start()
    await lambda_.create()
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_.settled()
    await lambda_("PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1)
    await lambda_.service.room.provisioning.settled()
    assert lambda_.invoker.provisions[arn("f")]
    lambda_.invoker.provisions.clear()
    await lambda_.service.quiet()
    lambda_.service.room.catalog.forget(ACCOUNT, REGION, "f")
    await lambda_.service.room.provisioning.settled()
    assert lambda_.invoker.provisions == {}
    await lambda_.stop()


async def test_what_is_provisioned_starts_when_the_key_of_its_variables_can_be_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lambda_ = await Lambda(tmp_path).start()
    await lambda_.create()
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_.settled()

    async def refuses(self: Catalog, *_: object) -> Target:
        raise ApiError("KMSDisabledException", "the KMS key used is disabled")

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "resolve", refuses)
        await lambda_(
            "PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1
        )
        while lambda_.invoker.provisions.get(arn("f")) is None:
            await asyncio.sleep(0)
    assert lambda_.invoker.provisions[arn("f")] == []
    while not await lambda_.clock.slept():
        await asyncio.sleep(0)
    await lambda_.clock.advance(5)
    await lambda_.service.room.provisioning.settled()
    assert len(lambda_.invoker.provisions[arn("f")]) == 1
    await lambda_.stop()
