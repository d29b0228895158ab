"""The JSON log format: what the platform says, at which level."""

import asyncio
import json
from typing import Any

import pytest

from ramuda.kernel.function import LoggingConfig
from ramuda.kernel.ports.sandbox import Exit
from ramuda.runtime.options import Options
from ramuda.runtime.telemetry import records
from tests.unit.runtime.fakes import FakeSandbox, echo, invocation
from tests.unit.runtime.test_environment import REQUEST, stage  # noqa: F401 - a fixture


def logging(system: str, application: str = "INFO") -> LoggingConfig:
    return LoggingConfig(group="/custom", json_format=True, application_level=application, system_level=system)


def told(s: Any) -> list[tuple[str, Any]]:
    return [(json.loads(event)["type"], json.loads(event)["record"]) for event in s.stream.events]


@pytest.mark.parametrize(
    ("level", "kinds"),
    [
        (
            "DEBUG",
            ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"],
        ),
        ("INFO", ["initStart", "start", "report"]),
        ("WARN", []),
    ],
)
async def test_the_system_level_decides_what_the_platform_says(stage: Any, level: str, kinds: list[str]) -> None:  # noqa: F811
    s = await stage(echo, logging=logging(level)).open()
    await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    assert [kind for kind, _ in told(s)] == [f"platform.{kind}" for kind in kinds]
    assert all(event.endswith("}\n") for event in s.stream.events)


async def test_a_failure_is_a_warning(stage: Any) -> None:  # noqa: F811
    async def ends(_: FakeSandbox) -> Exit:
        return Exit(code=3)

    async def ends_later(sandbox: FakeSandbox) -> Exit:
        await sandbox.client().next()
        return Exit(code=4)

    s = await stage(ends, ends_later, logging=logging("WARN")).open()
    await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    kind = {"initializationType": "on-demand", "phase": "init", "status": "error", "errorType": "Runtime.ExitError"}
    failed = {"requestId": REQUEST, "status": "failure", "errorType": "Runtime.ExitError"}
    got = told(s)
    for _, record in got:
        record.pop("metrics", None)
    assert got == [
        ("platform.initRuntimeDone", kind),
        ("platform.initReport", kind),
        ("platform.runtimeDone", failed),
        ("platform.report", failed),
    ]


async def test_a_time_out_and_an_error_have_their_status(stage: Any) -> None:  # noqa: F811
    async def fails_then_hangs(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, _ = await client.next()
        error = b'{"errorType":"ValueError","errorMessage":"no"}'
        headers = {"Lambda_Runtime_Function_Error_Type": "ValueError"}
        await client.call("POST", f"invocation/{request_id}/error", error, **headers)
        await client.next()
        await asyncio.Event().wait()
        return Exit(code=0)

    s = await stage(fails_then_hangs, logging=logging("WARN"), timeout_s=0.05).open()
    await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    await s.environment.invoke(invocation(s.function))
    got = [(kind, record["status"], record.get("errorType")) for kind, record in told(s)]
    assert got == [
        ("platform.runtimeDone", "error", "ValueError"),
        ("platform.report", "error", "ValueError"),
        ("platform.runtimeDone", "timeout", "Sandbox.Timedout"),
        ("platform.report", "timeout", "Sandbox.Timedout"),
    ]


async def test_the_application_level_holds_for_json_lines_that_are_printed(stage: Any) -> None:  # noqa: F811
    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        sandbox.prints('{"level":"DEBUG","timestamp":"2026-11-21T05:24:00Z"}\nplain\n')
        sandbox.prints('{"level":"ERROR","timestamp":"2026-11-21T05:24:00Z"}\n')
        await client.next()
        return Exit(code=0)

    s = await stage(runtime, logging=logging("WARN", "ERROR")).open()
    await s.environment.initialize()
    await s.environment.close()
    assert s.stream.events == ['{"level":"ERROR","timestamp":"2026-11-21T05:24:00Z"}\n']


async def test_an_init_ahead_of_invocations_is_reported_also_when_it_succeeds(stage: Any) -> None:  # noqa: F811
    from ramuda.runtime.states import Initialization

    s = stage(echo, initialization=Initialization.PROVISIONED)
    await s.open()
    await s.environment.initialize()
    assert s.log[-1] == "INIT_REPORT Init Duration: N ms\tPhase: init\t\n"


@pytest.mark.parametrize(
    ("kind", "record", "level"),
    [
        ("platform.initReport", {"initializationType": "on-demand", "status": "success"}, "DEBUG"),
        ("platform.initReport", {"initializationType": "provisioned-concurrency", "status": "success"}, "INFO"),
        ("platform.extension", {"name": "e", "state": "Ready", "events": []}, "INFO"),
        ("platform.extension", {"name": "e", "state": "ExitError", "events": [], "errorType": "x"}, "WARN"),
        ("platform.telemetrySubscription", {"name": "e"}, "INFO"),
        ("platform.logsDropped", {"droppedRecords": 1}, "WARN"),
        ("platform.restoreRuntimeDone", {"status": "success"}, "DEBUG"),
        ("platform.restoreReport", {"status": "timeout"}, "WARN"),
    ],
)
def test_the_level_of_a_record(kind: str, record: dict[str, Any], level: str) -> None:
    assert records.level(kind, record) == level


def test_the_options_have_lambdas_own_times_to_shut_down() -> None:
    options = Options()
    assert (options.shutdown_s, options.shutdown_runtime_s, options.shutdown_internal_s) == (2.0, 0.3, 0.5)
