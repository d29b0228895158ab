"""SnapStart in the Lambda API: who may have it, and what becomes of a published version."""

import asyncio
from typing import Any

import pytest

from ramuda.kernel.errors import ApiError, PortError
from ramuda.kernel.function import FunctionSnapshot, Invocation, Outcome, RestoreFailed
from ramuda.kernel.ports.snapshots import Snapshotted
from tests.unit.lambda_.harness import Lambda, arn

WANTED = {"Runtime": "python3.13", "SnapStart": {"ApplyOn": "PublishedVersions"}}


class Snapshotter:
    """Answers `answer` once `gate` is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.answer: Snapshotted | Exception = Snapshotted(is_optimized=True)
        self.asked: list[FunctionSnapshot] = []
        self.forgotten: list[tuple[str, str | None]] = []

    async def snapshot(self, function: FunctionSnapshot) -> Snapshotted:
        self.asked.append(function)
        await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def forget(self, function_arn: str, version: str | None = None) -> None:
        self.forgotten.append((function_arn, version))


@pytest.fixture
async def snapshotter(lambda_: Lambda) -> Snapshotter:
    made = Snapshotter()
    room = lambda_.service.room
    room.snapshots = room.transitions._snapshots = made
    return made


async def published(lambda_: Lambda, snapshotter: Snapshotter) -> dict[str, Any]:
    """Version 1 of a new function, when it is settled."""
    await lambda_.create(**WANTED)
    await lambda_("PublishVersion", FunctionName="f")
    snapshotter.gate.set()
    await lambda_.settled()
    return await lambda_("GetFunctionConfiguration", FunctionName="f", Qualifier="1")


async def refused(lambda_: Lambda, operation: str, **params: Any) -> tuple[str, str | None, dict[str, Any]]:
    with pytest.raises(ApiError) as error:
        await lambda_(operation, **params)
    return error.value.code, error.value.message, dict(error.value.members)


async def test_a_version_is_pending_until_its_snapshot_is_there(lambda_: Lambda, snapshotter: Snapshotter) -> None:
    await lambda_.create(**WANTED)
    version = await lambda_("PublishVersion", FunctionName="f")
    assert (version["State"], version["StateReason"], version["StateReasonCode"]) == (
        "Pending",
        "The function is being created.",
        "Creating",
    )
    assert version["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    sentence = (
        "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE."
    )
    answer = await refused(lambda_, "Invoke", FunctionName="f", Qualifier="1")
    assert answer == ("SnapStartNotReadyException", sentence, {"Type": "User"})
    await lambda_("Invoke", FunctionName="f")
    snapshotter.gate.set()
    await lambda_.settled()
    await lambda_("Invoke", FunctionName="f", Qualifier="1")
    assert [asked.function.snap_start for asked in lambda_.invoker.asked] == [False, True]
    (asked,) = snapshotter.asked
    assert (asked.version, asked.runtime) == ("1", "python3.13")


async def test_on_is_shown_of_the_version_and_nothing_is_published_twice(
    lambda_: Lambda, snapshotter: Snapshotter
) -> None:
    version = await published(lambda_, snapshotter)
    assert version["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    listed = await lambda_("ListVersionsByFunction", FunctionName="f")
    assert [each["SnapStart"]["OptimizationStatus"] for each in listed["Versions"]] == ["Off", "On"]
    again = await lambda_("PublishVersion", FunctionName="f")
    assert again["Version"] == "1"


@pytest.mark.parametrize("answer", [Snapshotted(), PortError("no room for a sandbox")])
async def test_without_a_snapshot_a_version_is_active_and_off(
    lambda_: Lambda, snapshotter: Snapshotter, answer: Snapshotted | Exception
) -> None:
    snapshotter.answer = answer
    version = await published(lambda_, snapshotter)
    assert (version["State"], version["SnapStart"]["OptimizationStatus"]) == ("Active", "Off")
    await lambda_("Invoke", FunctionName="f", Qualifier="1")
    assert not lambda_.invoker.asked[0].function.snap_start


@pytest.mark.parametrize(
    ("error_type", "code"),
    [
        ("Runtime.ImportModuleError", "FunctionError.RuntimeInitError"),
        ("Sandbox.Timedout", "FunctionError.InitTimeout"),
    ],
)
async def test_a_version_whose_init_fails_is_failed(
    lambda_: Lambda, snapshotter: Snapshotter, error_type: str, code: str
) -> None:
    snapshotter.answer = Snapshotted(failure=(error_type, "It went wrong."))
    version = await published(lambda_, snapshotter)
    assert (version["State"], version["StateReason"], version["StateReasonCode"]) == ("Failed", "It went wrong.", code)
    answer = await refused(lambda_, "Invoke", FunctionName="f", Qualifier="1")
    assert answer[0] == "ResourceConflictException"


@pytest.mark.parametrize(
    ("stage", "code", "message"),
    [
        (
            "timeout",
            "SnapStartTimeoutException",
            "Lambda couldn't restore the snapshot within the timeout limit.",
        ),
        (
            "error",
            "SnapStartException",
            "The afterRestore() runtime hook encountered an error. "
            "For more information, check the Amazon CloudWatch logs.",
        ),
        (
            "snapshot",
            "SnapStartRegenerationFailureException",
            "Lambda couldn't regenerate the SnapStart snapshot for the function. Wait for Lambda to retry, or update "
            "the function's configuration to trigger a new snapshot.",
        ),
    ],
)
async def test_a_restore_that_fails_is_answered_in_aws_s_words(
    lambda_: Lambda, snapshotter: Snapshotter, stage: Any, code: str, message: str
) -> None:
    await published(lambda_, snapshotter)

    def fail(_: Invocation) -> Outcome:
        raise RestoreFailed(stage, "Runtime.AfterRestoreError")

    lambda_.invoker.answer = fail
    assert await refused(lambda_, "Invoke", FunctionName="f", Qualifier="1") == (code, message, {"Type": "User"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"Runtime": "python3.11"}, "python3.11 is not supported for SnapStart enabled functions."),
        (
            {"EphemeralStorage": {"Size": 513}},
            "EphemeralStorage above 512 MB is not supported for SnapStart enabled functions.",
        ),
        (
            {
                "FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:...", "LocalMountPath": "/mnt/x"}],
                "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
            },
            "FileSystemConfigs is not supported for SnapStart enabled functions.",
        ),
    ],
)
async def test_settings_that_snap_start_excludes_are_refused_both_ways(
    lambda_: Lambda, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ApiError) as error:
        await lambda_.create(**{**WANTED, **settings})
    assert (error.value.code, error.value.message) == ("InvalidParameterValueException", message)
    await lambda_.create(**{"Runtime": "python3.13", **settings})
    answer = await refused(
        lambda_, "UpdateFunctionConfiguration", FunctionName="f", SnapStart={"ApplyOn": "PublishedVersions"}
    )
    assert answer == ("InvalidParameterValueException", message, {"Type": "User"})


@pytest.mark.parametrize("runtime", ["java11", "java25", "dotnet8", "dotnet10", "python3.12", "python3.14"])
async def test_every_runtime_that_aws_restores_is_taken(lambda_: Lambda, runtime: str) -> None:
    created = await lambda_.create(**{**WANTED, "Runtime": runtime})
    assert created["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}


async def test_deleting_drops_the_snapshots(lambda_: Lambda, snapshotter: Snapshotter) -> None:
    await published(lambda_, snapshotter)
    await lambda_("DeleteFunction", FunctionName="f", Qualifier="1")
    await lambda_("DeleteFunction", FunctionName="f")
    assert snapshotter.forgotten == [(arn("f"), "1"), (arn("f"), None)]
