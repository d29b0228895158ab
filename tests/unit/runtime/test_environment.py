"""The life cycle of an execution environment, with a runtime that is a coroutine of the test."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable

import pytest

from ramuda.kernel.clock import SystemClock
from ramuda.kernel.errors import InternalError
from ramuda.kernel.function import FunctionError, FunctionSnapshot, Streamed, Success
from ramuda.kernel.ports.catalog import ProvidedRuntime
from ramuda.kernel.ports.sandbox import Assignment, Boot, Exit, RuntimeSpec
from ramuda.runtime.environment import Environment, Observer
from ramuda.runtime.options import Options
from ramuda.runtime.progress import Conclusion
from ramuda.runtime.states import Initialization, State
from tests.unit.runtime.fakes import FakeSandbox, MemoryStream, RuntimeBehaviour, echo, invocation, snapshot

REQUEST = "11111111-1111-4111-8111-111111111111"
SPEC = RuntimeSpec(name="python3.11", boot=Boot.EXEC, argv=("/x",))
NUMBERS = re.compile(r"\d+\.\d\d ms")
BILLED = re.compile(r"Billed Duration: \d+ ms")


class Stage:
    """An environment on a fake sandbox, and what its observer heard."""

    def __init__(
        self,
        function: FunctionSnapshot,
        *behaviours: RuntimeBehaviour,
        options: Options | None = None,
        initialization: Initialization = Initialization.ON_DEMAND,
    ) -> None:
        self.function = function
        self.sandbox = FakeSandbox(*behaviours)
        self.stream = MemoryStream()
        self.heard: list[str] = []
        self.conclusions: list[Conclusion] = []
        self.idle = asyncio.Event()
        self.plumbing_stopped = False
        self.environment = Environment(
            function=function,
            runtime=ProvidedRuntime(identifier="python3.11", spec=SPEC, runtime_version="python:3.11.v1"),
            sandbox=self.sandbox,
            stop_plumbing=self._stop_plumbing,
            stream=self.stream,
            clock=SystemClock(),
            options=options or Options(),
            observer=Observer(
                answered=lambda _: self.heard.append("answered"),
                idle=self._on_idle,
                lost=lambda _: self.heard.append("lost"),
                concluded=self.conclusions.append,
            ),
            born_s=SystemClock().monotonic(),
            initialization=initialization,
        )

    def _stop_plumbing(self) -> None:
        self.plumbing_stopped = True

    def _on_idle(self, _: Environment) -> None:
        self.heard.append("idle")
        self.idle.set()

    async def open(self) -> "Stage":
        await self.environment.open(
            Assignment(
                function_arn=self.function.arn,
                task_dir=self.function.task_dir,
                opt_dir=None,
                handler="app.handler",
                env={},
                memory_mib=128,
                tmp_mib=512,
                vcpus=0.07,
            )
        )
        return self

    async def until_idle(self) -> None:
        await self.idle.wait()
        self.idle.clear()

    @property
    def log(self) -> list[str]:
        """The log without its measured numbers."""
        return [BILLED.sub("Billed Duration: N ms", NUMBERS.sub("N ms", event)) for event in self.stream.events]


@pytest.fixture
async def stage() -> AsyncIterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def make(
        *behaviours: RuntimeBehaviour,
        options: Options | None = None,
        initialization: Initialization = Initialization.ON_DEMAND,
        **changes: object,
    ) -> Stage:
        stages.append(Stage(snapshot(**changes), *behaviours, options=options, initialization=initialization))
        return stages[-1]

    yield make
    for made in stages:
        await made.environment.close()


START, END = f"START RequestId: {REQUEST} Version: $LATEST\n", f"END RequestId: {REQUEST}\n"
REPORT = (
    f"REPORT RequestId: {REQUEST}\tDuration: N ms\tBilled Duration: N ms\tMemory Size: 128 MB\tMax Memory Used: 42 MB\t"
)
COLD_REPORT = f"{REPORT}Init Duration: N ms\t\n"


async def test_a_first_and_a_second_event_are_answered_and_logged_as_on_aws(stage: Callable[..., Stage]) -> None:
    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        sandbox.prints("importing\n")
        for _ in range(2):
            request_id, event = await client.next()
            sandbox.prints("hello\nno end of line")
            await client.call("POST", f"invocation/{request_id}/response", b'{"got":%s}' % event.body)
        await client.next()
        return Exit(code=0)

    s = await stage(runtime).open()
    first = await s.environment.invoke(invocation(s.function, b"1"))
    await s.until_idle()
    second = await s.environment.invoke(invocation(s.function, b"2"))
    await s.until_idle()
    assert (first, second) == (Success(payload=b'{"got":1}'), Success(payload=b'{"got":2}'))
    lines = ["hello\n", "no end of line"]
    assert s.log[0].startswith(
        "INIT_START Runtime Version: python:3.11.v1\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:"
    )
    assert s.log[1:] == ["importing\n", START, *lines, END, COLD_REPORT, START, *lines, END, REPORT + "\n"]
    assert [(c.error_type, c.init_ms is not None) for c in s.conclusions] == [(None, True), (None, False)]
    assert s.sandbox.calls == ["assign", "start", "limit_cpu"]


async def test_an_error_that_the_runtime_reports_is_the_outcome_and_the_environment_goes_on(
    stage: Callable[..., Stage],
) -> None:
    error = b'{"errorMessage":"no","errorType":"ValueError","stackTrace":[]}'

    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, _ = await client.next()
        await client.call(
            "POST", f"invocation/{request_id}/error", error, Lambda_Runtime_Function_Error_Type="Runtime.X"
        )
        return await echo(sandbox)

    s = await stage(runtime).open()
    outcome = await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    assert outcome == FunctionError(error_type="Runtime.X", payload=error)
    assert s.log[1:] == [START, END, COLD_REPORT]
    assert s.conclusions[0].error_type == "Runtime.X"
    assert await s.environment.invoke(invocation(s.function, b"7")) == Success(payload=b"7")


async def test_the_log_tail_holds_the_whole_invocation_cut_to_its_last_four_kilobytes(
    stage: Callable[..., Stage],
) -> None:
    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        for text in ("short\n", "x" * 5000 + "\n"):
            request_id, _ = await client.next()
            sandbox.prints(text)
            await client.call("POST", f"invocation/{request_id}/response", b"null")
        await client.next()
        return Exit(code=0)

    s = await stage(runtime).open()
    first = await s.environment.invoke(invocation(s.function, wants_tail=True))
    await s.until_idle()
    second = await s.environment.invoke(invocation(s.function, wants_tail=True))
    assert isinstance(first, Success) and isinstance(second, Success)
    assert first.tail.decode().startswith(START + "short\n" + END + f"REPORT RequestId: {REQUEST}\tDuration: ")
    assert len(second.tail) == 4096
    assert second.tail.startswith(b"x") and second.tail.endswith(b"MB\t\n")


async def test_a_function_out_of_time_is_reset_and_starts_again_within_the_next_invocation(
    stage: Callable[..., Stage],
) -> None:
    async def hangs(sandbox: FakeSandbox) -> Exit:
        await sandbox.client().next()
        return await asyncio.get_running_loop().create_future()

    s = await stage(hangs, echo, timeout_s=0.05).open()
    outcome = await s.environment.invoke(invocation(s.function))
    assert isinstance(outcome, FunctionError)
    assert json.loads(outcome.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {REQUEST} Error: Task timed out after 0.05 seconds",
    }
    await s.until_idle()
    assert s.environment.state is State.BROKEN
    assert s.stream.events[-1].startswith(f"REPORT RequestId: {REQUEST}\tDuration: 50.00 ms\tBilled Duration: ")
    assert s.stream.events[-1].endswith(" ms\tStatus: timeout\t\n")
    assert await s.environment.invoke(invocation(s.function, b"5")) == Success(payload=b"5")
    assert s.sandbox.calls == ["assign", "start", "limit_cpu", "reset", "start", "limit_cpu"]
    await s.until_idle()
    assert s.log[-1] == f"{REPORT}\n", "a suppressed init is not reported as an Init Duration"


@pytest.mark.parametrize(
    ("how", "error_type", "message"),
    [
        (Exit(code=3), "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        (Exit(code=0), "Runtime.ExitError", "Runtime exited without providing a reason"),
        (Exit(signal=11), "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
        (Exit(signal=9, out_of_memory=True), "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
    ],
)
async def test_a_runtime_that_ends_in_an_invocation_is_the_outcome(
    stage: Callable[..., Stage], how: Exit, error_type: str, message: str
) -> None:
    async def dies(sandbox: FakeSandbox) -> Exit:
        await sandbox.client().next()
        return how

    s = await stage(dies, echo).open()
    outcome = await s.environment.invoke(invocation(s.function))
    assert isinstance(outcome, FunctionError)
    assert json.loads(outcome.payload) == {
        "errorType": error_type,
        "errorMessage": f"RequestId: {REQUEST} Error: {message}",
    }
    assert s.log[-1].endswith(f"Status: error\tError Type: {error_type}\t\n")
    assert ("Max Memory Used: 128 MB" in s.log[-1]) == how.out_of_memory
    await s.until_idle()
    assert await s.environment.invoke(invocation(s.function, b"5")) == Success(payload=b"5")


async def test_an_init_that_fails_is_reported_and_tried_again_in_the_invocation(stage: Callable[..., Stage]) -> None:
    error = b'{"errorMessage":"Unable to import module","errorType":"Runtime.ImportModuleError","requestId":""}'

    async def cannot_import(sandbox: FakeSandbox) -> Exit:
        sandbox.prints("[ERROR] no module\n")
        await sandbox.client().call(
            "POST", "init/error", error, Lambda_Runtime_Function_Error_Type="Runtime.ImportModuleError"
        )
        return Exit(code=1)

    s = await stage(cannot_import, cannot_import, echo).open()
    outcome = await s.environment.invoke(invocation(s.function))
    assert outcome == FunctionError(error_type="Runtime.ImportModuleError", payload=error)
    report = "INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError\t\n"
    end = f"{REPORT}Status: error\tError Type: Runtime.ImportModuleError\t\n"
    assert s.log[1:] == ["[ERROR] no module\n", report, START, "[ERROR] no module\n", END, end]
    await s.until_idle()
    assert await s.environment.invoke(invocation(s.function, b"1")) == Success(payload=b"1")


async def test_an_init_over_its_limit_is_run_again_under_the_function_timeout(stage: Callable[..., Stage]) -> None:
    async def never_ready(sandbox: FakeSandbox) -> Exit:
        return await asyncio.get_running_loop().create_future()

    s = await stage(never_ready, never_ready, timeout_s=0.04, options=Options(init_timeout_s=0.03)).open()
    outcome = await s.environment.invoke(invocation(s.function))
    assert isinstance(outcome, FunctionError)
    assert (
        json.loads(outcome.payload)["errorMessage"] == f"RequestId: {REQUEST} Error: Task timed out after 0.04 seconds"
    )
    assert s.log[1] == "INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: timeout\tError Type: Sandbox.Timedout\t\n"
    assert s.log[2:4] == [START, END]


async def test_a_response_over_the_limit_is_refused(stage: Callable[..., Stage]) -> None:
    answers: list[int] = []

    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, _ = await client.next()
        answers.append((await client.call("POST", f"invocation/{request_id}/response", b'"' + b"x" * 6291556)).status)
        await client.next()
        return Exit(code=0)

    s = await stage(runtime).open()
    outcome = await s.environment.invoke(invocation(s.function))
    assert isinstance(outcome, FunctionError)
    assert json.loads(outcome.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }
    await s.until_idle()
    assert answers == [413]


async def test_a_streamed_response_arrives_piece_by_piece_while_the_function_writes(
    stage: Callable[..., Stage],
) -> None:
    go_on = asyncio.Event()

    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, _ = await client.next()
        head = (
            f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\nHost: x\r\nContent-Type: text/x\r\n"
            "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
        )
        reader, writer = await sandbox.client().open()
        writer.write(head.encode())
        await go_on.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await client.next()
        return Exit(code=0)

    s = await stage(runtime).open()
    outcome = await s.environment.invoke(invocation(s.function, wants_stream=True, wants_tail=True))
    assert isinstance(outcome, Streamed)
    assert outcome.content_type == "text/x"
    assert await anext(outcome.chunks) == b"one"
    go_on.set()
    assert [chunk async for chunk in outcome.chunks] == [b"two"]
    assert outcome.error is None
    assert outcome.tail.decode().startswith(START + END)


async def test_a_stream_that_fails_in_the_middle_says_so_after_its_pieces(stage: Callable[..., Stage]) -> None:
    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, _ = await client.next()
        reader, writer = await sandbox.client().open()
        writer.write(
            f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\nHost: x\r\n"
            "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
            "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n3\r\none\r\n0\r\n"
            "Lambda-Runtime-Function-Error-Type: Error\r\n"
            "Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        await client.next()
        return Exit(code=0)

    s = await stage(runtime).open()
    outcome = await s.environment.invoke(invocation(s.function, wants_stream=True))
    assert isinstance(outcome, Streamed)
    assert [chunk async for chunk in outcome.chunks] == [b"one"]
    assert outcome.error == ("Error", '{"a":1}')
    assert s.conclusions[0].error_type == "Error"


async def test_an_idle_environment_is_frozen_and_thawed_for_the_next_event(stage: Callable[..., Stage]) -> None:
    s = await stage(echo).open()
    await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    s.environment.pause()
    s.environment.pause()
    await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    assert s.sandbox.calls == ["assign", "start", "limit_cpu", "pause", "resume"]


async def test_a_runtime_that_ends_while_frozen_starts_again_with_the_next_event(stage: Callable[..., Stage]) -> None:
    end = asyncio.Event()

    async def ends_when_idle(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, event = await client.next()
        await client.call("POST", f"invocation/{request_id}/response", event.body)
        waiting = asyncio.ensure_future(client.next())
        await end.wait()
        waiting.cancel()
        return Exit(signal=9)

    s = await stage(ends_when_idle, echo).open()
    await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    s.environment.pause()
    end.set()
    await s.until_idle()
    assert s.environment.state is State.BROKEN
    assert await s.environment.invoke(invocation(s.function, b"4")) == Success(payload=b"4")
    assert s.sandbox.calls == ["assign", "start", "limit_cpu", "pause", "reset", "start", "limit_cpu"]


async def test_a_busy_environment_takes_no_second_event(stage: Callable[..., Stage]) -> None:
    async def hangs(sandbox: FakeSandbox) -> Exit:
        await sandbox.client().next()
        return await asyncio.get_running_loop().create_future()

    s = await stage(hangs).open()
    first = asyncio.get_running_loop().create_task(s.environment.invoke(invocation(s.function)))
    while s.environment.state is not State.RUNNING:
        await asyncio.sleep(0)
    with pytest.raises(InternalError, match="is running, not idle"):
        await s.environment.invoke(invocation(s.function))
    await s.environment.close()
    outcome = await first
    assert isinstance(outcome, FunctionError)
    assert outcome.error_type == "Runtime.ExitError"
    assert s.sandbox.calls[-1] == "kill"
    assert s.plumbing_stopped
    assert s.stream.closed
