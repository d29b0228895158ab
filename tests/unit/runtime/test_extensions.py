"""Extensions in the life of an environment, with programs and runtimes that are coroutines of the test."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ramuda.kernel.function import FunctionError, Success
from ramuda.kernel.ports.sandbox import Exit, Program
from ramuda.runtime.options import Options
from ramuda.runtime.states import State
from tests.unit.runtime.extension_client import ExtensionClient, folder_with, loyal
from tests.unit.runtime.fakes import FakeSandbox, echo, invocation
from tests.unit.runtime.test_environment import END, REPORT, REQUEST, START, stage  # noqa: F401 - a fixture

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
QUICK = Options(shutdown_s=0.3, shutdown_runtime_s=0.1, shutdown_internal_s=0.1, init_timeout_s=2.0)
TRANSITION = "State transition from {} to {} failed for extension {}. Error: State transition is not allowed"


async def test_an_extension_registers_is_told_of_events_and_of_the_end(stage: Any, tmp_path: Path) -> None:  # noqa: F811
    heard: list[Any] = []
    s = stage(echo, opt_dir=folder_with(tmp_path, "ext"), options=QUICK)
    s.sandbox.programs["/opt/extensions/ext"] = loyal(heard)
    await s.open()
    asked = invocation(s.function, b"1", trace="Root=1-0-0;Sampled=1")
    assert await s.environment.invoke(asked) == Success(payload=b"1")
    await s.until_idle()
    deadline_ms = heard[0].pop("deadlineMs")
    assert deadline_ms == pytest.approx((s.conclusions[0].started_at_s + 3) * 1000, abs=2)
    tracing = {"type": "X-Amzn-Trace-Id", "value": "Root=1-0-0;Sampled=1"}
    arn = s.function.ref.arn
    assert heard == [{"eventType": "INVOKE", "requestId": REQUEST, "invokedFunctionArn": arn, "tracing": tracing}]
    await s.environment.close()
    assert heard[1].pop("deadlineMs") > deadline_ms - 10_000
    assert heard[1] == {"eventType": "SHUTDOWN", "shutdownReason": "SPINDOWN"}
    assert s.sandbox.calls[:4] == ["assign", "start_beside /opt/extensions/ext", "start", "limit_cpu"]
    assert s.sandbox.calls[4:] == ["signal_runtime 15", "signal_runtime 9", "kill"]
    assert "EXTENSION\tName: ext\tState: Ready\tEvents: [INVOKE,SHUTDOWN]\n" in s.log


async def test_registering_answers_what_the_function_is(stage: Any, tmp_path: Path) -> None:  # noqa: F811
    answers: list[Any] = []

    async def program(sandbox: FakeSandbox, _: Program) -> Exit:
        client = ExtensionClient(sandbox)
        answers.append(await client.register("ext", [], Lambda_Extension_Accept_Feature="accountId"))
        await client.next()
        return Exit(code=0)

    async def runtime(sandbox: FakeSandbox) -> Exit:
        answers.append(await ExtensionClient(sandbox).register("internal", []))
        return await echo(sandbox)

    s = stage(runtime, opt_dir=folder_with(tmp_path, "ext"), options=QUICK)
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    opening = asyncio.ensure_future(s.environment.initialize())
    while len(answers) < 2:
        await asyncio.sleep(0)
    told = {"functionName": "f", "functionVersion": "$LATEST", "handler": "app.handler"}
    assert [(a.status, json.loads(a.body)) for a in answers] == [
        (200, {**told, "accountId": "000000000000"}),
        (200, told),
    ]
    assert all(UUID.fullmatch(a.headers["lambda-extension-identifier"]) for a in answers)
    assert not opening.done(), "the internal extension has not asked for its first event"
    opening.cancel()


async def test_programs_start_in_the_order_of_their_names_with_less_of_the_environment(tmp_path: Path) -> None:
    from ramuda.runtime.extensions import programs
    from tests.unit.runtime.fakes import snapshot

    function = snapshot(opt_dir=folder_with(tmp_path, "b", "a", "c"))
    assert programs.names(function) == ("a", "b", "c")
    hidden = dict.fromkeys(programs.HIDDEN_VARIABLES, "x")
    assert programs.environment({**hidden, "AWS_REGION": "r", "MINE": "m"}) == {"AWS_REGION": "r", "MINE": "m"}
    (tmp_path / "opt" / programs.DISABLED).touch()
    assert programs.names(function) == ()


async def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    from ramuda.runtime.extensions import programs
    from tests.unit.runtime.fakes import snapshot

    (tmp_path / "opt").mkdir()
    (tmp_path / "opt" / "extensions").symlink_to("/etc")
    assert programs.names(snapshot(opt_dir=tmp_path / "opt")) == ()


async def test_the_environment_is_busy_until_the_extension_asks_for_the_next_event(
    stage: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    may_go_on = asyncio.Event()

    async def program(sandbox: FakeSandbox, _: Program) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register("ext", ["INVOKE"])
        await client.next()
        await may_go_on.wait()
        await client.next()
        return Exit(code=0)

    s = stage(echo, opt_dir=folder_with(tmp_path, "ext"), options=QUICK)
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    answer = await s.environment.invoke(invocation(s.function, b"7"))
    assert answer == Success(payload=b"7"), "the caller does not wait for the extension"
    assert s.environment.state in (State.FINISHING, State.RUNNING)
    assert s.conclusions == []
    may_go_on.set()
    await s.until_idle()
    (conclusion,) = s.conclusions
    assert conclusion.extensions_ms is not None
    assert 0 < conclusion.extensions_ms <= conclusion.duration_ms


async def test_a_function_without_extensions_has_no_extension_time(stage: Any) -> None:  # noqa: F811
    s = await stage(echo).open()
    await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    assert s.conclusions[0].extensions_ms is None
    assert "signal_runtime 15" not in s.sandbox.calls


async def test_the_time_out_covers_extensions_and_they_are_told(stage: Any, tmp_path: Path) -> None:  # noqa: F811
    heard: list[Any] = []

    async def program(sandbox: FakeSandbox, _: Program) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register("ext")
        heard.append((await client.next())["eventType"])
        while "signal_runtime 9" not in sandbox.calls:
            await asyncio.sleep(0)
        heard.append((await client.next())["shutdownReason"])
        return Exit(code=0)

    options = Options(shutdown_s=1.0)
    s = stage(echo, echo, opt_dir=folder_with(tmp_path, "ext"), options=options, timeout_s=0.1)
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    assert await s.environment.invoke(invocation(s.function, b"1")) == Success(payload=b"1")
    await s.until_idle()
    assert heard == ["INVOKE", "TIMEOUT"]
    assert s.environment.state is State.BROKEN
    assert s.log[-1] == f"{REPORT}Init Duration: N ms\tStatus: timeout\t\n"


@pytest.mark.parametrize(
    ("exit_", "detail"), [(Exit(code=3), "exit code 3"), (Exit(code=0), "exit code 0"), (Exit(signal=11), "signal 11")]
)
async def test_an_extension_that_ends_during_an_event_takes_the_environment_with_it(
    stage: Any,  # noqa: F811
    tmp_path: Path,
    exit_: Exit,
    detail: str,
) -> None:
    async def never_answers(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        await client.next()
        await asyncio.Event().wait()
        return Exit(code=0)

    async def program(sandbox: FakeSandbox, _: Program) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register("ext")
        await client.next()
        return exit_

    s = stage(never_answers, echo, opt_dir=folder_with(tmp_path, "ext"), options=QUICK)
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    answer = await s.environment.invoke(invocation(s.function))
    assert isinstance(answer, FunctionError)
    message = f"RequestId: {REQUEST} Error: {detail}"
    assert json.loads(answer.payload) == {"errorType": "Extension.Crash", "errorMessage": message}
    await s.until_idle()
    s.sandbox.programs["/opt/extensions/ext"] = loyal([])
    assert await s.environment.invoke(invocation(s.function, b"2")) == Success(payload=b"2"), "all start again"


@pytest.mark.parametrize("call", ["init/error", "exit/error"])
async def test_an_error_that_an_extension_reports_fails_init(stage: Any, tmp_path: Path, call: str) -> None:  # noqa: F811
    answers: list[Any] = []

    async def program(sandbox: FakeSandbox, _: Program) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register("ext")
        path = f"/2020-01-01/extension/{call}"
        answers.append(await client.ask("POST", path))
        answers.append(await client.ask("POST", path, Lambda_Extension_Function_Error_Type="Ext.NoLicence"))
        answers.append(await client.ask("GET", "/2020-01-01/extension/event/next"))
        await asyncio.Event().wait()
        return Exit(code=1)

    s = stage(echo, opt_dir=folder_with(tmp_path, "ext"), options=QUICK)
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    failure = await s.environment.initialize()
    name = "Extension.InitError" if call == "init/error" else "Extension.ExitError"
    state = name.partition(".")[2]
    assert (failure.status, failure.error_type) == ("error", name)
    message = f"RequestId: {REQUEST} Error: Ext.NoLicence"
    assert json.loads(failure.outcome(REQUEST).payload) == {"errorType": name, "errorMessage": message}
    missing = {"errorType": "Extension.MissingHeader", "errorMessage": "Lambda-Extension-Function-Error-Type not found"}
    assert [a.status for a in answers] == [403, 202, 403]
    assert json.loads(answers[0].body) == missing
    assert json.loads(answers[1].body) == {"status": "OK"}
    identifier = json.loads(answers[2].body)["errorMessage"].split()[9].rstrip(".")
    refused = {
        "errorType": "Extension.InvalidExtensionState",
        "errorMessage": TRANSITION.format(state, "Ready", identifier),
    }
    assert json.loads(answers[2].body) == refused
    expected = f"EXTENSION\tName: ext\tState: {state}\tEvents: [INVOKE,SHUTDOWN]\tError Type: Ext.NoLicence\n"
    assert expected in s.log
    assert re.search(rf"INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: error\tError Type: {name}\t\n", s.log[-1])


async def test_a_program_that_cannot_be_started_is_named(stage: Any, tmp_path: Path) -> None:  # noqa: F811
    s = stage(echo, opt_dir=folder_with(tmp_path, "ext"), options=QUICK)
    await s.open()
    failure = await s.environment.initialize()
    assert failure.error_type == "Extension.LaunchError"
    message = f"RequestId: {REQUEST} Error: fork/exec /opt/extensions/ext: EACCES"
    told = {"errorType": "Extension.LaunchError", "errorMessage": message}
    assert json.loads(failure.outcome(REQUEST).payload) == told
    assert "EXTENSION\tName: ext\tState: LaunchError\tEvents: []\tError Type: PermissionDenied\n" in s.log
    assert "start" not in s.sandbox.calls, "the runtime is not started"


async def test_an_extension_that_never_registers_is_bounded_by_the_limit_of_init(
    stage: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    async def program(_: FakeSandbox, __: Program) -> Exit:
        await asyncio.Event().wait()
        return Exit(code=0)

    s = stage(echo, opt_dir=folder_with(tmp_path, "ext"), options=Options(init_timeout_s=0.05, shutdown_s=0.05))
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    failure = await s.environment.initialize()
    assert (failure.status, failure.error_type) == ("timeout", "Sandbox.Timedout")
    assert "start" not in s.sandbox.calls


async def test_a_shutdown_that_is_not_obeyed_is_bounded(stage: Any, tmp_path: Path) -> None:  # noqa: F811
    async def program(sandbox: FakeSandbox, _: Program) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register("ext")
        await client.next()
        await asyncio.Event().wait()
        return Exit(code=0)

    s = stage(echo, opt_dir=folder_with(tmp_path, "ext"), options=Options(shutdown_s=0.05, shutdown_runtime_s=0.01))
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    await s.environment.initialize()
    async with asyncio.timeout(2):
        await s.environment.close()
    assert s.sandbox.calls[-3:] == ["signal_runtime 15", "signal_runtime 9", "kill"]


async def test_what_the_api_refuses(stage: Any, tmp_path: Path) -> None:  # noqa: F811
    answers: dict[str, tuple[int, str, str]] = {}

    async def program(sandbox: FakeSandbox, _: Program) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register("ext", ["INVOKE"])
        await client.next()
        return Exit(code=0)

    def note(what: str, answer: Any) -> None:
        told = json.loads(answer.body)
        answers[what] = (answer.status, told["errorType"], told["errorMessage"])

    async def runtime(sandbox: FakeSandbox) -> Exit:
        path = "/2020-01-01/extension/register"
        client = ExtensionClient(sandbox)
        note("no name", await client.ask("POST", path, b"{}"))
        note("no json", await client.ask("POST", path, b"{", Lambda_Extension_Name="i"))
        note("event", await client.register("i", ["BIRTHDAY"]))
        note("shutdown", await client.register("i", ["SHUTDOWN"]))
        note("again", await client.register("ext", []))
        note("no id", await client.ask("GET", "/2020-01-01/extension/event/next"))
        client.identifier = "x"
        note("bad id", await client.ask("GET", "/2020-01-01/extension/event/next"))
        client.identifier = "11111111-1111-4111-8111-111111111111"
        note("unknown id", await client.ask("GET", "/2020-01-01/extension/event/next"))
        client.identifier = ""
        for number in range(9):
            note_free = ExtensionClient(sandbox)
            assert (await note_free.register(f"i{number}", [])).status == 200
            waiting.append(asyncio.ensure_future(note_free.next()))
            waiting[-1].add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        twin = await client.register("i0", [])
        note("twin", twin)
        note("too many", await client.register("i9", []))
        return await echo(sandbox)

    waiting: list[asyncio.Future[Any]] = []
    s = stage(runtime, opt_dir=folder_with(tmp_path, "ext"), options=QUICK)
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    assert await s.environment.initialize() is None
    late = ExtensionClient(s.sandbox)
    note("late", await late.register("late", []))
    assert answers == {
        "no name": (403, "Extension.InvalidExtensionName", "Empty extension name"),
        "no json": (403, "InvalidRequestFormat", "The body of the request is not a JSON object"),
        "event": (403, "Extension.InvalidEventType", "BIRTHDAY: ErrorInvalidEventType"),
        "shutdown": (403, "Extension.InvalidEventType", "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"),
        "again": (403, "Extension.InvalidExtensionState", answers["again"][2]),
        "no id": (403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"),
        "bad id": (403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"),
        "unknown id": (
            403,
            "Extension.UnknownExtensionIdentifier",
            "Unknown extension 11111111-1111-4111-8111-111111111111",
        ),
        "twin": (403, "Extension.InvalidExtensionState", "Extension with this name already registered"),
        "too many": (403, "Extension.TooManyExtensions", "Extension limit (10) reached"),
        "late": (403, "Extension.RegistrationClosed", "Extension registration closed already"),
    }
    assert answers["again"][2] in (
        TRANSITION.format("Registered", "Registered", "ext"),
        TRANSITION.format("Ready", "Registered", "ext"),
    )
    for future in waiting:
        future.cancel()


async def test_an_internal_extension_alone_gives_the_runtime_half_a_second(stage: Any) -> None:  # noqa: F811
    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register("internal", ["INVOKE"])
        hearing = asyncio.ensure_future(client.next())
        runner = asyncio.ensure_future(echo(sandbox))
        event = await hearing
        assert event["eventType"] == "INVOKE"
        hearing = asyncio.ensure_future(client.next())
        hearing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return await runner

    s = await stage(runtime, options=QUICK).open()
    assert await s.environment.invoke(invocation(s.function, b"5")) == Success(payload=b"5")
    await s.until_idle()
    await s.environment.close()
    assert s.sandbox.calls[-3:] == ["signal_runtime 15", "signal_runtime 9", "kill"]
    assert [line for line in s.log if line in (START, END)] == [START, END]


async def test_an_answer_that_comes_while_the_environment_is_being_ended_changes_nothing(
    stage: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    told, may_end = asyncio.Event(), asyncio.Event()

    async def never_answers(sandbox: FakeSandbox) -> Exit:
        await sandbox.client().next()
        await asyncio.Event().wait()
        return Exit(code=0)

    async def program(sandbox: FakeSandbox, _: Program) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register("ext", ["SHUTDOWN"])
        await client.next()
        told.set()
        await may_end.wait()
        return Exit(code=0)

    s = stage(never_answers, opt_dir=folder_with(tmp_path, "ext"), options=Options(), timeout_s=0.05)
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    answer = await s.environment.invoke(invocation(s.function))
    assert isinstance(answer, FunctionError)
    await told.wait()
    late = await s.sandbox.client().call("POST", f"invocation/{REQUEST}/response", b'"late"')
    assert late.status == 202
    assert s.environment.state is State.RESETTING
    may_end.set()
    await s.until_idle()
    assert s.environment.state is State.BROKEN
    assert len(s.conclusions) == 1
