"""Functions as their owner sees them: whole answers, as recorded from AWS."""

import asyncio
import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.errors import ApiError, PortError
from tests.unit.lambda_.harness import ACCOUNT, ENDPOINT, REGION, ROLE, Lambda, arn, zipped


def recorded_configuration(code: bytes, **changed: Any) -> dict[str, Any]:
    """FunctionConfiguration of a function made with defaults, as AWS shows it."""
    runtime_hash = hashlib.sha256(b"python3.12").hexdigest()
    shape = {
        "Architectures": ["x86_64"],
        "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
        "CodeSize": len(code),
        "Description": "",
        "EphemeralStorage": {"Size": 512},
        "FunctionArn": arn("f"),
        "FunctionName": "f",
        "Handler": "index.handler",
        "LastModified": "2023-11-14T22:13:20.000+0000",
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
        "MemorySize": 128,
        "PackageType": "Zip",
        "Role": ROLE,
        "Runtime": "python3.12",
        "RuntimeVersionConfig": {"RuntimeVersionArn": f"arn:aws:lambda:{REGION}::runtime:{runtime_hash}"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "Timeout": 3,
        "TracingConfig": {"Mode": "PassThrough"},
        "Version": "$LATEST",
    }
    return {**shape, **changed}


PENDING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
ACTIVE = {"State": "Active", "LastUpdateStatus": "Successful"}
UPDATING = {
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}


def without(shape: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if name not in names}


async def test_a_new_function_is_pending_and_then_active_under_a_new_revision(lambda_: Lambda) -> None:
    code = zipped()
    created = await lambda_.create(settle=False, Code={"ZipFile": code})
    assert without(created, "RevisionId") == recorded_configuration(code, **PENDING)

    await lambda_.settled()
    got = await lambda_("GetFunction", FunctionName="f")
    assert without(got["Configuration"], "RevisionId") == recorded_configuration(code, **ACTIVE)
    assert got["Configuration"]["RevisionId"] != created["RevisionId"]
    assert without(got, "Configuration", "Code") == {}
    assert got["Code"]["RepositoryType"] == "S3"
    assert await lambda_("GetFunctionConfiguration", FunctionName="f") == got["Configuration"]


async def test_every_setting_is_shown_again(lambda_: Lambda) -> None:
    given: dict[str, Any] = {
        "Description": "d",
        "Timeout": 900,
        "MemorySize": 10_240,
        "EphemeralStorage": {"Size": 10_240},
        "Environment": {"Variables": {"A": "1"}},
        "TracingConfig": {"Mode": "Active"},
        "Architectures": ["arm64"],
        "KMSKeyArn": "arn:aws:kms:us-east-1:111111111111:key/k",
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111111111111:q"},
    }
    created = await lambda_.create(
        **given,
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        FileSystemConfigs=[{"Arn": "arn:aws:elasticfilesystem:...", "LocalMountPath": "/mnt/x"}],
    )
    assert created == created | given
    assert created["VpcConfig"] == {
        "SubnetIds": ["subnet-1"],
        "SecurityGroupIds": ["sg-1"],
        "VpcId": "",
        "Ipv6AllowedForDualStack": False,
    }
    assert created["FileSystemConfigs"] == [{"Arn": "arn:aws:elasticfilesystem:...", "LocalMountPath": "/mnt/x"}]


async def test_an_update_is_in_progress_while_the_old_code_runs(lambda_: Lambda) -> None:
    old, new = zipped(), zipped({"index.py": "new"})
    await lambda_.create(Code={"ZipFile": old})
    before = await lambda_("GetFunctionConfiguration", FunctionName="f")
    lambda_.catalogue.gate = asyncio.Event()

    updated = await lambda_("UpdateFunctionCode", FunctionName="f", ZipFile=new)
    assert without(updated, "RevisionId") == recorded_configuration(new, **UPDATING)
    await lambda_("Invoke", FunctionName="f")

    lambda_.catalogue.gate.set()
    await lambda_.settled()
    after = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert without(after, "RevisionId") == recorded_configuration(new, **ACTIVE)
    await lambda_("Invoke", FunctionName="f")

    assert len({before["RevisionId"], updated["RevisionId"], after["RevisionId"]}) == 3
    ran = [(asked.function.task_dir / "index.py").read_text() for asked in lambda_.invoker.asked]
    assert ran == ["def handler(event, context): return event", "new"]
    assert lambda_.invoker.forgotten == [arn("f")]


async def test_a_dry_run_shows_the_new_code_and_changes_nothing(lambda_: Lambda) -> None:
    await lambda_.create()
    before = await lambda_("GetFunctionConfiguration", FunctionName="f")
    code = zipped({"index.py": "other"})
    shown = await lambda_("UpdateFunctionCode", FunctionName="f", ZipFile=code, DryRun=True)
    assert shown["CodeSize"] == len(code)
    assert await lambda_("GetFunctionConfiguration", FunctionName="f") == before
    refused = await lambda_.refusal("UpdateFunctionCode", FunctionName="f", ZipFile=b"no zip", DryRun=True)
    assert refused.message == "Could not unzip uploaded file. Please check your file, then try to upload again."


async def test_an_update_changes_only_what_it_names(lambda_: Lambda) -> None:
    await lambda_.create(Environment={"Variables": {"A": "1"}}, Timeout=7, Description="d")
    updated = await lambda_("UpdateFunctionConfiguration", FunctionName="f", MemorySize=256)
    assert updated["Environment"] == {"Variables": {"A": "1"}}
    assert (updated["Timeout"], updated["MemorySize"], updated["Description"]) == (7, 256, "d")
    await lambda_.settled()
    updated = await lambda_("UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {}})
    assert updated["Environment"] == {"Variables": {}}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (
            {"LogFormat": "JSON"},
            {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": "/aws/lambda/f"},
        ),
        (
            {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"},
            {
                "LogFormat": "JSON",
                "ApplicationLogLevel": "DEBUG",
                "SystemLogLevel": "INFO",
                "LogGroup": "/aws/lambda/f",
            },
        ),
        (
            {"LogFormat": "JSON", "SystemLogLevel": "DEBUG"},
            {
                "LogFormat": "JSON",
                "ApplicationLogLevel": "INFO",
                "SystemLogLevel": "DEBUG",
                "LogGroup": "/aws/lambda/f",
            },
        ),
        ({"LogGroup": "cool_lambda"}, {"LogFormat": "Text", "LogGroup": "cool_lambda"}),
    ],
)
async def test_logging_settings_are_completed(lambda_: Lambda, given: dict[str, str], shown: dict[str, str]) -> None:
    await lambda_.create()
    updated = await lambda_("UpdateFunctionConfiguration", FunctionName="f", LoggingConfig=given)
    assert updated["LoggingConfig"] == shown
    await lambda_.settled()
    back = await lambda_("UpdateFunctionConfiguration", FunctionName="f", LoggingConfig={"LogFormat": "Text"})
    assert back["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": shown["LogGroup"]}


async def test_code_comes_from_s3_with_the_callers_identity(lambda_: Lambda) -> None:
    code = zipped()
    lambda_.api.answers["s3", "GetObject"] = {"Body": code}
    created = await lambda_.create(Code={"S3Bucket": "b", "S3Key": "k", "S3ObjectVersion": "v"})
    assert created["CodeSize"] == len(code)
    assert lambda_.api.asked == [
        ("s3", "GetObject", {"Bucket": "b", "Key": "k", "VersionId": "v"}, ACCOUNT, REGION),
    ]
    lambda_.api.answers["s3", "GetObject"] = ApiError("NoSuchKey", "The specified key does not exist.")
    refused = await lambda_.refusal("UpdateFunctionCode", FunctionName="f", S3Bucket="b", S3Key="no")
    assert (refused.code, refused.message) == (
        "InvalidParameterValueException",
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.",
    )
    lambda_.api.answers["s3", "GetObject"] = PortError("nothing listens")
    refused = await lambda_.refusal("UpdateFunctionCode", FunctionName="f", S3Bucket="b", S3Key="k")
    assert (refused.code, refused.fault) == ("ServiceException", "Server")


async def test_a_runtime_that_is_not_here_makes_the_function_fail(lambda_: Lambda) -> None:
    lambda_.catalogue.missing = {"python3.14"}
    await lambda_.create(Runtime="python3.14")
    got = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert {name: got[name] for name in got if name.startswith(("State", "LastUpdate"))} == {
        "State": "Failed",
        "StateReason": "python3.14 is not installed: install it",
        "StateReasonCode": "InvalidRuntime",
    }
    assert "in the following state: Failed" in str((await lambda_.refusal("Invoke", FunctionName="f")).message)

    await lambda_("UpdateFunctionConfiguration", FunctionName="f", Runtime="python3.12")
    await lambda_.settled()
    got = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert got == got | ACTIVE
    await lambda_("UpdateFunctionConfiguration", FunctionName="f", Runtime="python3.14")
    await lambda_.settled()
    got = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert (got["State"], got["LastUpdateStatus"], got["LastUpdateStatusReasonCode"]) == (
        "Active",
        "Failed",
        "InvalidRuntime",
    )
    await lambda_("Invoke", FunctionName="f")
    assert lambda_.invoker.asked[-1].function.runtime == "python3.12"


async def test_a_transition_outlives_the_process(tmp_path: Path) -> None:
    first = await Lambda(tmp_path).start()
    first.catalogue.gate = asyncio.Event()
    await first.create(settle=False)
    await first.stop()

    second = await Lambda(tmp_path).start()
    await second.settled()
    got = await second("GetFunctionConfiguration", FunctionName="f")
    assert got == got | ACTIVE
    await second("Invoke", FunctionName="f")
    await second.stop()


async def test_a_transition_is_written_as_soon_as_the_disk_can_be_written_again(
    lambda_: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    lambda_.catalogue.gate = asyncio.Event()
    await lambda_.create(settle=False)
    write = lambda_.database.write

    async def disk_is_full(work: object) -> None:
        raise PortError("database or disk is full")

    monkeypatch.setattr(lambda_.database, "write", disk_is_full)
    lambda_.catalogue.gate.set()
    while await lambda_.clock.slept() != [5.0]:
        pass  # the code is unpacked by a thread
    monkeypatch.setattr(lambda_.database, "write", write)
    await lambda_.clock.advance(5)
    await lambda_.settled()
    got = await lambda_("GetFunctionConfiguration", FunctionName="f")
    assert got == got | ACTIVE


async def test_deleting_ends_the_function_and_its_environments(lambda_: Lambda) -> None:
    await lambda_.create()
    await lambda_("Invoke", FunctionName="f")
    lambda_.invoker.forgotten.clear()
    assert await lambda_("DeleteFunction", FunctionName="f") == {"StatusCode": 204}
    assert lambda_.invoker.forgotten == [arn("f")]
    for operation in ("GetFunction", "GetFunctionConfiguration", "DeleteFunction", "GetFunctionCodeSigningConfig"):
        refused = await lambda_.refusal(operation, FunctionName="f")
        assert (refused.code, refused.message) == ("ResourceNotFoundException", f"Function not found: {arn('f')}")
    refused = await lambda_.refusal("Invoke", FunctionName="f")
    assert refused.message == f"Function not found: {arn('f')}:$LATEST"
    await lambda_.create()


async def test_lists_come_in_pages_without_states(lambda_: Lambda) -> None:
    for i in range(3):
        await lambda_.create(f"f{i}", Publish=i == 1)
    page = await lambda_("ListFunctions", MaxItems=2)
    assert [shape["FunctionName"] for shape in page["Functions"]] == ["f0", "f1"]
    assert page["Functions"][0].keys() & {"State", "LastUpdateStatus", "RuntimeVersionConfig"} == set()
    rest = await lambda_("ListFunctions", Marker=page["NextMarker"])
    assert [shape["FunctionName"] for shape in rest["Functions"]] == ["f2"]
    assert "NextMarker" not in rest

    everything = await lambda_("ListFunctions", FunctionVersion="ALL")
    assert [(shape["FunctionArn"], shape["Version"]) for shape in everything["Functions"]] == [
        (arn("f0", "$LATEST"), "$LATEST"),
        (arn("f1", "$LATEST"), "$LATEST"),
        (arn("f1", "1"), "1"),
        (arn("f2", "$LATEST"), "$LATEST"),
    ]
    assert await lambda_("ListFunctions", FunctionVersion="ALL", MasterRegion="ALL") == {"Functions": []}
    assert (await lambda_("ListFunctions", account="222222222222")) == {"Functions": []}
    for marker in ("!", "bm8=", "WzFd"):
        assert (await lambda_.refusal("ListFunctions", Marker=marker)).code == "InvalidParameterValueException"


async def test_the_code_can_be_downloaded_for_ten_minutes(lambda_: Lambda) -> None:
    code = zipped()
    await lambda_.create(Code={"ZipFile": code})
    location = (await lambda_("GetFunction", FunctionName="f"))["Code"]["Location"]
    assert location.startswith(f"{ENDPOINT}/_ramuda/code/")
    path = location.removeprefix(ENDPOINT)
    downloads = lambda_.service.downloads
    assert await downloads.read(path) == code
    assert await downloads.read(path[:-1] + ("A" if path[-1] != "A" else "B")) is None
    assert await downloads.read("/_ramuda/code/") is None
    assert await downloads.read("/_ramuda/code/é.9999999999.x") is None
    await lambda_.clock.advance(600)
    assert await downloads.read(path) == code
    await lambda_.clock.advance(1)
    assert await downloads.read(path) is None


async def test_account_settings_add_up(lambda_: Lambda) -> None:
    size = len(zipped())
    await lambda_.create("a", Publish=True)
    await lambda_.create("b")
    await lambda_("PublishLayerVersion", LayerName="l", Content={"ZipFile": zipped()})
    await lambda_("PutFunctionConcurrency", FunctionName="a", ReservedConcurrentExecutions=100)
    assert await lambda_("GetAccountSettings") == {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": 1000,
            "UnreservedConcurrentExecutions": 900,
        },
        "AccountUsage": {"TotalCodeSize": 4 * size, "FunctionCount": 2},
    }
