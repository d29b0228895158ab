"""Event source mappings: what becomes of one, of its queue and of its function."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ramuda.kernel.function import FunctionError, Invocation, Outcome, Success
from ramuda.services.lambda_.model import MappingState
from tests.unit.lambda_.harness import Lambda, arn
from tests.unit.lambda_.mapped import (
    DYNAMODB,
    KINESIS,
    QUEUE,
    invoked,
    kept,
    mapped,
    mapping,
    queue_of,
    settled,
    started,
)


@pytest.fixture
async def lambda_(tmp_path: Path) -> AsyncIterator[Lambda]:
    """With a function `f` and a queue that is empty."""
    made = await started(tmp_path)
    await made.create()
    yield made
    await made.stop()


@pytest.mark.parametrize("state", ["Creating", "Enabling", "Disabling", "Updating", "Deleting"])
async def test_a_mapping_that_is_changing_is_in_use(lambda_: Lambda, state: MappingState) -> None:
    changing = mapping(state)
    await kept(lambda_, changing)
    assert (await lambda_("GetEventSourceMapping", UUID=changing.uuid))["State"] == state
    for operation, verb in (("UpdateEventSourceMapping", "update"), ("DeleteEventSourceMapping", "delete")):
        refused = await lambda_.refusal(operation, UUID=changing.uuid)
        assert (refused.code, refused.message, refused.members) == (
            "ResourceInUseException",
            f"Cannot {verb} the event source mapping because it is in use.",
            {"Type": "User"},
        )


async def test_a_restart_finishes_what_had_begun(tmp_path: Path) -> None:
    before = await started(tmp_path)
    await before.create()
    await kept(
        before,
        mapping("Creating", 1),
        mapping("Creating", 2, is_enabled=False),
        mapping("Enabling", 3),
        mapping("Disabling", 4, is_enabled=False),
        mapping("Updating", 5, is_enabled=False),
        mapping("Deleting", 6),
        mapping("Disabled", 7, is_enabled=False),
    )
    await before.stop()
    after = await started(tmp_path)
    for _ in range(1000):
        shown = (await after("ListEventSourceMappings"))["EventSourceMappings"]
        states = {each["UUID"][-1]: each["State"] for each in shown}
        if set(states.values()) == {"Enabled", "Disabled"}:
            break
    assert states == {
        "1": "Enabled",
        "2": "Disabled",
        "3": "Enabled",
        "4": "Disabled",
        "5": "Disabled",
        "7": "Disabled",
    }
    await after.stop()


async def test_an_enabled_queue_is_read_again_after_a_restart(tmp_path: Path) -> None:
    before = await started(tmp_path)
    await before.create()
    await mapped(before)
    await before.stop()
    after = await started(tmp_path)
    queue_of(after).send("a")
    assert await invoked(after) == [arn("f")]
    await after.stop()


async def test_a_message_invokes_the_function_as_it_was_named(lambda_: Lambda) -> None:
    await lambda_("PublishVersion", FunctionName="f")
    created = await mapped(lambda_, FunctionName="f:1")
    lambda_.invoker.answer = lambda _: Success(payload=b"null")
    queue_of(lambda_).send("a")
    assert await invoked(lambda_) == [arn("f", "1")]
    (asked,) = lambda_.invoker.asked
    assert (asked.function.version, asked.is_async, asked.qualifier) == ("1", True, "1")
    while (shown := await lambda_("GetEventSourceMapping", UUID=created["UUID"])).get("LastProcessingResult") is None:
        await lambda_.clock.advance(0.25)
    assert shown["LastProcessingResult"] == "OK"
    assert queue_of(lambda_).left == []


async def test_a_change_lets_the_batch_under_way_end(lambda_: Lambda) -> None:
    gate = asyncio.Event()

    async def answer(_: Invocation) -> Outcome:
        await gate.wait()
        return Success(payload=b"null")

    lambda_.invoker.answer = answer
    created = await mapped(lambda_)
    queue_of(lambda_).send("a")
    await invoked(lambda_)
    await lambda_("UpdateEventSourceMapping", UUID=created["UUID"], Enabled=False)
    assert (await settled(lambda_, created["UUID"]))["State"] == "Disabled"
    await lambda_("DeleteEventSourceMapping", UUID=created["UUID"])
    while (await lambda_("ListEventSourceMappings"))["EventSourceMappings"]:
        pass
    assert queue_of(lambda_).left == ["a"]
    gate.set()
    while queue_of(lambda_).left:
        await lambda_.clock.advance(0.25)
    assert len(lambda_.invoker.asked) == 1


async def test_the_last_of_many_results_is_kept(lambda_: Lambda) -> None:
    created = await mapped(lambda_, BatchSize=1)
    bad = FunctionError(error_type="ValueError", payload=b"{}")
    lambda_.invoker.answer = lambda asked: bad if b'"last"' in asked.payload else Success(payload=b"null")
    queue_of(lambda_).send("a", "b", "c", "d", "last")
    await invoked(lambda_)
    while len(lambda_.invoker.asked) < 5:
        await lambda_.clock.advance(0.25)
    for _ in range(1000):
        shown = await lambda_("GetEventSourceMapping", UUID=created["UUID"])
        if shown.get("LastProcessingResult", "OK") != "OK":
            break
    assert shown["LastProcessingResult"] == "PROBLEM: Function call failed"


async def test_a_poller_that_broke_is_started_again(lambda_: Lambda) -> None:
    await mapped(lambda_)
    queue_of(lambda_).failures = [ValueError("a bug")]
    await lambda_.clock.advance(30)
    queue_of(lambda_).send("a")
    assert await invoked(lambda_) == [arn("f")]


async def test_a_disabled_mapping_reads_nothing(lambda_: Lambda) -> None:
    created = await mapped(lambda_)
    await lambda_("UpdateEventSourceMapping", UUID=created["UUID"], Enabled=False)
    await settled(lambda_, created["UUID"])
    queue = queue_of(lambda_)
    queue.asked.clear()
    queue.send("a")
    await lambda_.clock.advance(60)
    assert (queue.asked, lambda_.invoker.asked) == ([], [])


async def test_a_source_that_nobody_reads_yet_says_so(lambda_: Lambda) -> None:
    created = await mapped(lambda_, EventSourceArn=KINESIS, StartingPosition="LATEST")
    for _ in range(1000):
        shown = await lambda_("GetEventSourceMapping", UUID=created["UUID"])
        if shown["LastProcessingResult"] != "No records processed":
            break
    assert shown["LastProcessingResult"] == "PROBLEM: Reading kinesis is not supported here yet."


async def test_a_deleted_mapping_is_gone_with_its_tags(lambda_: Lambda) -> None:
    created = await mapped(lambda_, Tags={"a": "b"}, Enabled=False)
    resource = created["EventSourceMappingArn"]
    assert await lambda_("ListTags", Resource=resource) == {"Tags": {"a": "b"}}
    await lambda_("TagResource", Resource=resource, Tags={"c": "d"})
    assert await lambda_("ListTags", Resource=resource) == {"Tags": {"a": "b", "c": "d"}}
    await lambda_("UntagResource", Resource=resource, TagKeys=["a"])
    assert await lambda_("ListTags", Resource=resource) == {"Tags": {"c": "d"}}
    before = await lambda_("GetEventSourceMapping", UUID=created["UUID"])
    assert await lambda_("DeleteEventSourceMapping", UUID=created["UUID"]) == {**before, "State": "Deleting"}
    while (await lambda_("ListEventSourceMappings"))["EventSourceMappings"]:
        pass
    assert (await lambda_.refusal("ListTags", Resource=resource)).code == "ResourceNotFoundException"
    await mapped(lambda_)


async def test_too_many_tags_are_refused_and_nothing_is_mapped(lambda_: Lambda) -> None:
    tags = {str(number): "" for number in range(51)}
    refused = await lambda_.refusal("CreateEventSourceMapping", FunctionName="f", EventSourceArn=QUEUE, Tags=tags)
    assert refused.message == "Number of tags exceeds resource tag limit."
    assert await lambda_("ListEventSourceMappings") == {"EventSourceMappings": []}


async def test_a_mapping_outlives_its_function(lambda_: Lambda) -> None:
    """Recorded: event_source_mapping_lifecycle_delete_function."""
    created = await mapped(lambda_, EventSourceArn=DYNAMODB, StartingPosition="TRIM_HORIZON", Enabled=False)
    before = await lambda_("GetEventSourceMapping", UUID=created["UUID"])
    await lambda_("DeleteFunction", FunctionName="f")
    assert await lambda_("GetEventSourceMapping", UUID=created["UUID"]) == before
    assert await lambda_("DeleteEventSourceMapping", UUID=created["UUID"]) == {**before, "State": "Deleting"}


async def test_messages_stay_in_the_queue_while_the_function_is_gone(lambda_: Lambda) -> None:
    created = await mapped(lambda_)
    await lambda_("DeleteFunction", FunctionName="f")
    await lambda_.clock.advance(21)  # longer than the queue was being asked when the function went
    queue_of(lambda_).send("a")
    while not (shown := await lambda_("GetEventSourceMapping", UUID=created["UUID"])).get("LastProcessingResult"):
        await lambda_.clock.advance(1)
    assert (
        shown["LastProcessingResult"]
        == f"PROBLEM: ResourceNotFoundException: Function not found: {arn('f', '$LATEST')}"
    )
    assert [each.received for each in queue_of(lambda_).messages] == [0]
    await lambda_.create()
    assert await invoked(lambda_) == [arn("f")]
