"""Provisioned concurrency as its API shows it, letter by letter as recorded; the invoker is a fake."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from ramuda.kernel.ports.invoker import Provisioned
from tests.unit.lambda_.harness import ACCOUNT, REGION, Lambda, arn, zipped

CONFLICT, INVALID, NOT_FOUND = (
    "ResourceConflictException",
    "InvalidParameterValueException",
    "ResourceNotFoundException",
)
RESERVED = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "


async def published(lambda_: Lambda, name: str = "f", *, versions: int = 1, **params: Any) -> None:
    """A function with versions, and the alias `live` of the first."""
    await lambda_.create(name, Publish=True, **params)
    for number in range(2, versions + 1):
        await lambda_(
            "UpdateFunctionCode", FunctionName=name, ZipFile=zipped({"index.py": f"# {number}"}), Publish=True
        )
        await lambda_.settled()
    await lambda_("CreateAlias", FunctionName=name, Name="live", FunctionVersion="1")


async def put(lambda_: Lambda, name: str, qualifier: str, environments: int) -> Any:
    result = await lambda_(
        "PutProvisionedConcurrencyConfig",
        FunctionName=name,
        Qualifier=qualifier,
        ProvisionedConcurrentExecutions=environments,
    )
    await lambda_.service.room.provisioning.settled()
    return result


async def refused(lambda_: Lambda, name: str, qualifier: str, environments: int = 1) -> tuple[str, str | None]:
    error = await lambda_.refusal(
        "PutProvisionedConcurrencyConfig",
        FunctionName=name,
        Qualifier=qualifier,
        ProvisionedConcurrentExecutions=environments,
    )
    return error.code, error.message


def wanted(lambda_: Lambda, name: str = "f") -> list[tuple[str, str, int]]:
    """What the invoker was told to keep: version, qualifier, environments."""
    return [(p.function.version, p.qualifier, p.environments) for p in lambda_.invoker.provisions[arn(name)]]


def started(lambda_: Lambda, name: str = "f", **changes: Any) -> None:
    """The invoker has started what it was told to."""
    lambda_.invoker.states[arn(name)] = [
        replace(
            Provisioned(qualifier=of, version=version, wanted=n, allocated=n, available=n, is_complete=True), **changes
        )
        for version, of, n in wanted(lambda_, name)
    ]


async def test_a_configuration_goes_from_in_progress_to_ready_and_away(lambda_: Lambda) -> None:
    await published(lambda_)
    shown = {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": "2023-11-14T22:13:20+0000",
    }
    assert await put(lambda_, "f", "1", 2) == shown
    assert wanted(lambda_) == [("1", "1", 2)]
    named = {"FunctionName": "f", "Qualifier": "1"}
    assert await lambda_("GetProvisionedConcurrencyConfig", **named) == shown
    started(lambda_)
    ready = {
        **shown,
        "AllocatedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 2,
        "Status": "READY",
    }
    assert await lambda_("GetProvisionedConcurrencyConfig", **named) == ready
    assert await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="f") == {
        "ProvisionedConcurrencyConfigs": [{"FunctionArn": arn("f", "1"), **ready}]
    }
    assert await lambda_("DeleteProvisionedConcurrencyConfig", **named) == {}
    await lambda_.service.room.provisioning.settled()
    assert wanted(lambda_) == []
    gone = await lambda_.refusal("GetProvisionedConcurrencyConfig", **named)
    assert (gone.code, gone.message, gone.members) == (
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
        {"Type": "User"},
    )
    assert await lambda_("DeleteProvisionedConcurrencyConfig", **named) == {}, "deleting what is not there is no error"


async def test_a_failed_init_is_shown_with_its_reason(lambda_: Lambda) -> None:
    await published(lambda_)
    await put(lambda_, "f", "live", 1)
    started(lambda_, available=0, allocated=0, is_complete=False, failure="FUNCTION_ERROR_INIT_FAILURE")
    assert await lambda_("GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live") == {
        "RequestedProvisionedConcurrentExecutions": 1,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "FAILED",
        "StatusReason": "FUNCTION_ERROR_INIT_FAILURE",
        "LastModified": "2023-11-14T22:13:20+0000",
    }
    assert (await put(lambda_, "f", "live", 1))["Status"] == "IN_PROGRESS"


@pytest.mark.parametrize(
    ("name", "qualifier", "said"),
    [
        ("nope", "noalias", f"Cannot find alias arn: {arn('nope', 'noalias')}"),
        ("f", "noalias", f"Cannot find alias arn: {arn('f', 'noalias')}"),
        ("nope", "1", f"Function not found: {arn('nope', '1')}"),
        ("f", "10", f"Function not found: {arn('f', '10')}"),
    ],
)
async def test_what_is_not_there_cannot_be_provisioned(lambda_: Lambda, name: str, qualifier: str, said: str) -> None:
    await published(lambda_)
    assert await refused(lambda_, name, qualifier) == (NOT_FOUND, said)
    for operation in ("GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"):
        error = await lambda_.refusal(operation, FunctionName=name, Qualifier=qualifier)
        assert (error.code, error.message) == (NOT_FOUND, said)


async def test_only_published_versions_can_be_provisioned(lambda_: Lambda) -> None:
    await published(lambda_)
    await lambda_("CreateAlias", FunctionName="f", Name="newest", FunctionVersion="$LATEST")
    for qualifier in ("$LATEST", "newest"):
        assert await refused(lambda_, "f", qualifier) == (
            INVALID,
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
        )
    for operation in ("GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"):
        error = await lambda_.refusal(operation, FunctionName="f", Qualifier="$LATEST")
        assert (error.code, error.message) == (
            INVALID,
            "The function resource provided must be an alias or a published version.",
        )
    error = await lambda_.refusal("ListProvisionedConcurrencyConfigs", FunctionName="nope")
    assert (error.code, error.message) == (NOT_FOUND, f"Function not found: {arn('nope')}")


async def test_no_version_is_provisioned_twice(lambda_: Lambda) -> None:
    await published(lambda_, versions=2)
    await lambda_("CreateAlias", FunctionName="f", Name="other", FunctionVersion="1")
    taken = (
        CONFLICT,
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    )
    await put(lambda_, "f", "1", 1)
    assert await refused(lambda_, "f", "live") == taken
    await lambda_("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1")
    await put(lambda_, "f", "live", 1)
    assert await refused(lambda_, "f", "1") == (CONFLICT, "Version is pointed by a Provisioned Concurrency alias")
    assert await refused(lambda_, "f", "other") == taken
    await put(lambda_, "f", "2", 1)
    moved = await lambda_.refusal("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    assert (moved.code, moved.message) == taken
    moved = await lambda_.refusal("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="$LATEST")
    assert (moved.code, moved.message) == (
        INVALID,
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
    )
    assert (await lambda_("GetAlias", FunctionName="f", Name="live"))["FunctionVersion"] == "1"


async def test_an_alias_takes_its_provisioned_concurrency_along_and_divides_it_by_weight(lambda_: Lambda) -> None:
    await published(lambda_, versions=3)
    await put(lambda_, "f", "live", 10)
    assert wanted(lambda_) == [("1", "live", 10)]
    await lambda_("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    await lambda_.service.room.provisioning.settled()
    assert wanted(lambda_) == [("2", "live", 10)]
    weights = {"AdditionalVersionWeights": {"3": 0.3}}
    await lambda_("UpdateAlias", FunctionName="f", Name="live", RoutingConfig=weights)
    await lambda_.service.room.provisioning.settled()
    assert wanted(lambda_) == [("2", "live", 7), ("3", "live", 3)]
    started(lambda_)
    shown = await lambda_("GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live")
    assert (shown["AvailableProvisionedConcurrentExecutions"], shown["Status"]) == (10, "READY")
    assert await refused(lambda_, "f", "live") == (
        INVALID,
        "Alias with weights can not be used with Provisioned Concurrency",
    )
    await lambda_("DeleteAlias", FunctionName="f", Name="live")
    await lambda_.service.room.provisioning.settled()
    assert wanted(lambda_) == []
    assert await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="f") == {"ProvisionedConcurrencyConfigs": []}


async def test_configurations_go_with_their_version_and_their_function(lambda_: Lambda) -> None:
    await published(lambda_, versions=2)
    await put(lambda_, "f", "2", 1)
    await put(lambda_, "f", "live", 1)
    await lambda_("DeleteFunction", FunctionName="f", Qualifier="2")
    await lambda_.service.room.provisioning.settled()
    assert wanted(lambda_) == [("1", "live", 1)]
    await lambda_("DeleteFunction", FunctionName="f")
    await lambda_.service.room.provisioning.settled()
    assert wanted(lambda_) == []
    await published(lambda_)
    assert await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="f") == {"ProvisionedConcurrencyConfigs": []}


async def test_what_is_provisioned_is_started_again_after_a_restart(lambda_: Lambda) -> None:
    await published(lambda_)
    await put(lambda_, "f", "live", 3)
    await lambda_.stop()
    lambda_.invoker.provisions.clear()
    await lambda_.start()
    await lambda_.service.room.provisioning.settled()
    assert wanted(lambda_) == [("1", "live", 3)]


async def test_a_version_that_is_not_active_yet_is_provisioned_when_it_is(lambda_: Lambda) -> None:
    gate = lambda_.catalogue.gate = asyncio.Event()
    await lambda_.create(Publish=True, settle=False)
    await put(lambda_, "f", "1", 1)
    assert wanted(lambda_) == []
    gate.set()
    await lambda_.settled()
    await lambda_.service.room.provisioning.settled()
    assert wanted(lambda_) == [("1", "1", 1)]


async def test_configurations_are_listed_page_by_page(lambda_: Lambda) -> None:
    await published(lambda_, versions=3)
    for qualifier in ("2", "3", "live"):
        await put(lambda_, "f", qualifier, 1)
    listed, marker = [], ""
    while marker is not None:
        page = await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="f", MaxItems=2, Marker=marker)
        listed.append([item["FunctionArn"] for item in page["ProvisionedConcurrencyConfigs"]])
        marker = page.get("NextMarker")
    assert listed == [[arn("f", "2"), arn("f", "3")], [arn("f", "live")]]


async def test_what_is_provisioned_fits_into_the_reserved_concurrency(lambda_: Lambda) -> None:
    await published(lambda_, versions=2)
    await lambda_("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=3)
    too_much = (
        INVALID,
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function",
    )
    assert await refused(lambda_, "f", "1", 4) == too_much
    await put(lambda_, "f", "1", 2)
    assert await refused(lambda_, "f", "2", 2) == too_much
    await put(lambda_, "f", "1", 3)
    error = await lambda_.refusal("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=1)
    assert (error.code, error.message) == (
        INVALID,
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [3].",
    )


async def test_what_is_provisioned_leaves_the_account_a_hundred(lambda_: Lambda) -> None:
    await published(lambda_)
    await published(lambda_, "g")
    await lambda_("PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=300)
    for environments, said in (
        (701, "is greater than account's unreserved concurrency [700]."),
        (601, "decreases account's UnreservedConcurrentExecution below its minimum value of [100]."),
    ):
        error = await lambda_.refusal(
            "PutProvisionedConcurrencyConfig",
            FunctionName="f",
            Qualifier="1",
            ProvisionedConcurrentExecutions=environments,
        )
        assert (error.code, error.message, error.members) == (
            INVALID,
            f"Specified ConcurrentExecutions for function {said}",
            {"Type": None},
        )
    await put(lambda_, "f", "1", 500)
    error = await lambda_.refusal("PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=401)
    assert error.message == f"{RESERVED}below its minimum value of [100]."
    assert lambda_.reserved == [(ACCOUNT, REGION, "g", 300)]
    await put(lambda_, "g", "1", 300)
    assert wanted(lambda_, "g") == [("1", "1", 300)], "it is taken from the reservation, not from the account again"


async def test_functions_with_snapstart_are_not_provisioned(lambda_: Lambda) -> None:
    await published(lambda_, SnapStart={"ApplyOn": "PublishedVersions"})
    assert await refused(lambda_, "f", "1") == (
        INVALID,
        "Provisioned Concurrency is not supported for functions with SnapStart.",
    )
