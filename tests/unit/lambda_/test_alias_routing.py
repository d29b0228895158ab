"""Which version an invocation of an alias runs."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from ramuda.services.lambda_.rules import names
from tests.unit.lambda_.harness import Lambda, arn


async def two_versions(lambda_: Lambda, weight: float | None) -> None:
    """Alias `live` of version 1, and of version 2 by `weight`."""
    await lambda_.create()
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await lambda_.settled()
    await lambda_("PublishVersion", FunctionName="f")
    routing: dict[str, Any] = {}
    if weight is not None:
        routing["RoutingConfig"] = {"AdditionalVersionWeights": {"2": weight}}
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", **routing)


async def executed(lambda_: Lambda) -> str:
    result = await lambda_("Invoke", FunctionName="f", Qualifier="live")
    ran = lambda_.invoker.asked[-1]
    assert (ran.function.version, ran.invoked_arn, ran.qualifier) == (
        result["ExecutedVersion"],
        arn("f", "live"),
        "live",
    )
    assert ran.function.timeout_s == (9 if ran.function.version == "2" else 3)
    return str(result["ExecutedVersion"])


def uniform_is(lambda_: Lambda, *values: float) -> None:
    source = iter(values)
    lambda_.service.room.catalog._uniform = lambda: next(source)


async def test_the_second_version_gets_what_lies_below_its_weight(lambda_: Lambda) -> None:
    await two_versions(lambda_, 0.25)
    uniform_is(lambda_, 0.0, 0.2499, 0.25, 0.9999)
    assert [await executed(lambda_) for _ in range(4)] == ["2", "2", "1", "1"]
    assert all(asked.is_weighted for asked in lambda_.invoker.asked)


async def test_weights_split_traffic_as_they_say(lambda_: Lambda) -> None:
    await two_versions(lambda_, 0.2)
    lambda_.service.room.catalog._uniform = random.Random(7).random
    target = await lambda_.service.room.catalog.resolve("111111111111", "us-east-1", "f", "live")
    counted: Counter[str] = Counter()
    for _ in range(20_000):
        known = lambda_.service.room.catalog.known("111111111111", "us-east-1", "f", "live")
        assert known is not None
        counted[known.snapshot.version] += 1
    assert target.is_weighted
    # Twenty thousand draws at 0.2: a standard deviation is 57.
    assert abs(counted["2"] - 4_000) < 5 * 57
    assert counted["1"] + counted["2"] == 20_000


async def test_an_alias_of_one_version_asks_no_dice(lambda_: Lambda) -> None:
    await two_versions(lambda_, None)
    uniform_is(lambda_)
    assert [await executed(lambda_) for _ in range(2)] == ["1", "1"]
    assert not any(asked.is_weighted for asked in lambda_.invoker.asked)


async def test_weights_of_nothing_and_of_all(lambda_: Lambda) -> None:
    await two_versions(lambda_, 0.0)
    uniform_is(lambda_, 0.0, 0.0)
    assert [await executed(lambda_) for _ in range(2)] == ["1", "1"]
    await lambda_("UpdateAlias", FunctionName="f", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    uniform_is(lambda_, 0.999999, 0.999999)
    assert [await executed(lambda_) for _ in range(2)] == ["2", "2"]


async def test_an_alias_that_moved_leads_to_its_new_version_at_once(lambda_: Lambda) -> None:
    await two_versions(lambda_, None)
    assert await executed(lambda_) == "1"
    await lambda_("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    assert await executed(lambda_) == "2"
    await lambda_("DeleteAlias", FunctionName="f", Name="live")
    refused = await lambda_.refusal("Invoke", FunctionName="f", Qualifier="live")
    assert refused.message == f"Function not found: {arn('f', 'live')}"
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert await executed(lambda_) == "1"


async def test_versions_and_aliases_share_what_is_in_memory(lambda_: Lambda) -> None:
    await two_versions(lambda_, 1.0)
    catalog = lambda_.service.room.catalog
    by_alias = await catalog.resolve("111111111111", "us-east-1", "f", "live")
    by_number = await catalog.resolve("111111111111", "us-east-1", "f:2", None)
    assert by_alias.snapshot is by_number.snapshot
    assert (by_number.is_weighted, by_number.invoked_arn) == (False, arn("f", "2"))


async def test_what_was_read_before_a_change_is_not_kept_after_it(lambda_: Lambda) -> None:
    await two_versions(lambda_, None)
    catalog = lambda_.service.room.catalog
    resolving = asyncio.create_task(catalog.resolve("111111111111", "us-east-1", "f", "live"))
    await asyncio.sleep(0)
    assert not resolving.done()
    catalog.forget("111111111111", "us-east-1", "f")
    assert (await resolving).snapshot.version == "1"
    assert catalog.known("111111111111", "us-east-1", "f", "live") is None
    await catalog.resolve("111111111111", "us-east-1", "f", "live")
    assert catalog.known("111111111111", "us-east-1", "f", "live") is not None


async def test_an_alias_that_moves_while_it_is_read_is_read_again(
    lambda_: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_versions(lambda_, None)
    catalog = lambda_.service.room.catalog
    read, moved = catalog._versions, False

    async def read_and_move(named: names.Named) -> tuple[str, str | None, float]:
        nonlocal moved
        found = await read(named)
        if not moved:
            moved = True
            await lambda_("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
            await lambda_("DeleteFunction", FunctionName="f", Qualifier="1")
        return found

    monkeypatch.setattr(catalog, "_versions", read_and_move)
    assert await executed(lambda_) == "2"
