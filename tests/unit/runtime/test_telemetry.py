"""Telemetry: what may be subscribed to, what is told, and subscribers that do as they like."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramuda.kernel.clock import SystemClock
from ramuda.kernel.ports.sandbox import Exit, Program
from ramuda.runtime.extensions.roster import Refused
from ramuda.runtime.options import Options
from ramuda.runtime.telemetry import records
from ramuda.runtime.telemetry.backlog import FRAMING_BYTES, Backlog
from ramuda.runtime.telemetry.delivery import Subscriber
from ramuda.runtime.telemetry.subscriptions import Api, Subscription, parse
from ramuda.runtime.telemetry.telemetry import SUBSCRIPTIONS_MAX, Telemetry
from tests.unit.runtime.extension_client import ExtensionClient, folder_with
from tests.unit.runtime.fakes import FakeSandbox, echo, invocation
from tests.unit.runtime.test_environment import REQUEST, stage  # noqa: F401 - a fixture

VALID = {
    "schemaVersion": "2022-12-13",
    "types": ["platform", "function"],
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/path?a=1"},
    "buffering": {"maxBytes": 300_000, "maxItems": 2_000, "timeoutMs": 25},
}


def parsed(api: Api = Api.TELEMETRY, **changes: Any) -> Subscription:
    content = {name: value for name, value in {**VALID, **changes}.items() if value is not None}
    return parse(json.dumps(content).encode(), api)


def test_a_subscription_is_what_was_asked_for() -> None:
    assert parsed() == Subscription(
        api=Api.TELEMETRY,
        schema_version="2022-12-13",
        types=("platform", "function"),
        protocol="HTTP",
        port=8080,
        path="/path?a=1",
        max_bytes=300_000,
        max_items=2_000,
        timeout_ms=25,
    )


def test_buffering_that_is_not_given_is_the_documented_default() -> None:
    made = parsed(buffering=None)
    assert (made.max_bytes, made.max_items, made.timeout_ms) == (262_144, 10_000, 1_000)


@pytest.mark.parametrize(
    "destination",
    [
        {"protocol": "TCP", "URI": "tcp://sandbox.localdomain:7000"},
        {"protocol": "TCP", "URI": "sandbox.localdomain:7000"},
        {"protocol": "TCP", "port": 7000},
    ],
)
def test_a_tcp_destination_is_a_port(destination: Any) -> None:
    made = parsed(Api.LOGS, schemaVersion="2021-03-18", destination=destination)
    assert (made.protocol, made.port, made.path, made.api) == ("TCP", 7000, "", Api.LOGS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain"}, "types": []},
            "URI port is not provided; types should not be empty",
        ),
        ({"destination": None}, "destination is not provided"),
        ({"destination": {"protocol": "UDP", "URI": "http://sandbox:1"}}, "protocol should be HTTP or TCP"),
        ({"destination": {"protocol": "HTTP"}}, "URI is not provided"),
        ({"destination": {"protocol": "HTTP", "URI": "https://sandbox:1"}}, "URI scheme should be http"),
        ({"destination": {"protocol": "HTTP", "URI": "http://aws.com:80"}}, "URI host should be sandbox.localdomain"),
        ({"destination": {"protocol": "HTTP", "URI": "http://sandbox:9001"}}, "URI port 9001 is reserved"),
        ({"destination": {"protocol": "HTTP", "URI": "http://sandbox:99999"}}, "URI is not valid"),
        ({"destination": {"protocol": "HTTP", "URI": "http://sandbox:80/a\r\nb: c"}}, "URI is not valid"),
        ({"types": ["platform", "weather"]}, "types should be of platform, function, extension"),
        ({"schemaVersion": "1999-01-01"}, "schemaVersion should be one of 2022-07-01, 2022-12-13, 2025-01-29"),
        ({"buffering": {"maxItems": 999}}, "maxItems should be between 1000 and 10000"),
        ({"buffering": {"maxBytes": 1_048_577}}, "maxBytes should be between 262144 and 1048576"),
        ({"buffering": {"timeoutMs": 24}}, "timeoutMs should be between 25 and 30000"),
        ({"buffering": []}, "buffering should be an object"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_all_at_once(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused) as refused:
        parsed(**changes)
    assert (refused.value.status, refused.value.error_type, refused.value.message) == (400, "ValidationError", message)


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(Refused, match="The body of the request is not a JSON object"):
        parse(b"[", Api.TELEMETRY)


@given(st.lists(st.integers(0, 400_000), max_size=40), st.lists(st.booleans(), max_size=40))
def test_a_backlog_stays_within_its_bounds_and_counts_what_it_drops(sizes: list[int], takes: list[bool]) -> None:
    backlog = Backlog(max_items=10, max_bytes=262_144)
    given_, taken = 0, 0
    for size, take in zip(sizes, [*takes, *[False] * len(sizes)], strict=False):
        backlog.add(bytes(size))
        given_ += 1
        if take:
            batch = backlog.take()
            taken += len(batch)
            assert len(batch) <= 10
            assert len(batch) == 1 or sum(len(e) + FRAMING_BYTES for e in batch) <= 262_144
    assert len(backlog) <= 20
    assert given_ == taken + len(backlog) + backlog.take_dropped()[0]
    assert backlog.take_dropped() == (0, 0)


# Delivery to subscribers of every kind


class Listener:
    """A server that does with each connection what the test says."""

    def __init__(self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._serve = serve
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)

    async def stop(self) -> None:
        for writer in self.writers:
            writer.close()
        self.server.close()


async def make_socket() -> socket.socket:
    made = socket.socket()
    made.setblocking(False)
    return made


class Delivery:
    def __init__(self, port: int, protocol: str = "HTTP", limit_s: float = 0.2) -> None:
        destination = {"protocol": protocol, "URI": f"http://sandbox.localdomain:{port}"}
        subscription = parsed(destination=destination, buffering={"timeoutMs": 25})
        self.subscriber = Subscriber(subscription, make_socket, SystemClock(), limit_s)


@pytest.fixture
async def deliver() -> AsyncIterator[Callable[..., Any]]:
    made: list[Any] = []

    async def start(serve: Any, **options: Any) -> Subscriber:
        listener = Listener(serve)
        delivery = Delivery(await listener.start(), **options)
        made.append((listener, delivery))
        return delivery.subscriber

    yield start
    for listener, delivery in made:
        delivery.subscriber.close()
        await listener.stop()


async def read_post(reader: asyncio.StreamReader) -> tuple[bytes, Any]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
    return head, json.loads(await reader.readexactly(length))


async def test_a_batch_is_posted_as_a_list(deliver: Callable[..., Any]) -> None:
    got: asyncio.Queue[Any] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.put_nowait(await read_post(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    subscriber = await deliver(serve)
    for number in range(3):
        subscriber.offer(b'{"n":%d}' % number)
    await subscriber.flush()
    head, events = await got.get()
    assert events == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert head.startswith(b"POST / HTTP/1.1\r\nHost: sandbox.localdomain:")
    assert b"Content-Type: application/json\r\n" in head


async def test_tcp_carries_a_line_for_each_event(deliver: Callable[..., Any]) -> None:
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            got.put_nowait(line)

    subscriber = await deliver(serve, protocol="TCP")
    subscriber.offer(b'{"n":1}')
    await subscriber.flush()
    subscriber.offer(b'{"n":2}')
    await subscriber.flush()
    assert [await got.get(), await got.get()] == [b'{"n":1}\n', b'{"n":2}\n']


async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_post(reader)
    writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")


async def closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def never_answers(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def never_reads(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_post(reader)
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


@pytest.mark.parametrize("hostile", [refuses, closes, never_answers, floods], ids=lambda each: each.__name__)
async def test_what_a_subscriber_does_not_take_is_dropped_and_told_when_it_takes_again(
    deliver: Callable[..., Any], hostile: Any
) -> None:
    got: asyncio.Queue[Any] = asyncio.Queue()
    is_hostile = True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if is_hostile:
            await hostile(reader, writer)
            return
        got.put_nowait(await read_post(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    subscriber = await deliver(serve, limit_s=0.03)
    lost = b'{"n":1}'
    subscriber.offer(lost)
    while subscriber.waiting_bytes:
        await asyncio.sleep(0)  # until the batch is on its way
    while not subscriber.waiting_bytes:
        await asyncio.sleep(0)  # until it was given up: then the subscriber is to be told
    is_hostile = False
    (_, (told,)) = await got.get()
    assert (told["type"], told["record"]) == ("platform.logsDropped", records.dropped(1, len(lost)))


async def test_a_subscriber_that_never_reads_costs_no_more_than_its_backlog(deliver: Callable[..., Any]) -> None:
    subscriber = await deliver(never_reads, protocol="TCP", limit_s=0.05)
    event = b"x" * 100_000
    for _ in range(1000):
        subscriber.offer(event)
        await asyncio.sleep(0)
    assert subscriber.waiting_bytes <= 2 * 262_144


async def test_nothing_is_begun_while_the_environment_is_frozen(deliver: Callable[..., Any]) -> None:
    got: asyncio.Queue[Any] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.put_nowait(await read_post(reader))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    subscriber = await deliver(serve)
    subscriber.freeze()
    subscriber.offer(b"{}")
    flushing = asyncio.ensure_future(subscriber.flush())
    for _ in range(50):
        await asyncio.sleep(0)
    assert got.empty()
    subscriber.thaw()
    await flushing
    assert (await got.get())[1] == [{}]


# In an environment


def subscribing(port: int, answers: list[Any], path: str = "/2022-07-01/telemetry", **changes: Any) -> Any:
    async def program(sandbox: FakeSandbox, _: Program) -> Exit:
        client = ExtensionClient(sandbox)
        await client.register("ext")
        destination = {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{port}"}
        content = {**VALID, "types": ["platform", "function"], "destination": destination, **changes}
        content["buffering"] = {"timeoutMs": 25}
        answers.append(await client.subscribe(content, path))
        while (await client.next())["eventType"] != "SHUTDOWN":
            pass
        return Exit(code=0)

    return program


class Collector:
    def __init__(self) -> None:
        self.events: list[Any] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.events += (await read_post(reader))[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def without_times(events: list[Any]) -> list[Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: 0 if k.endswith("Ms") or k == "start" else plain(v) for k, v in value.items()}
        return [plain(each) for each in value] if isinstance(value, list) else value

    return [(event["type"], plain(event["record"])) for event in events]


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
async def test_a_subscriber_is_told_of_all_phases(stage: Any, tmp_path: Path, log_format: str) -> None:  # noqa: F811
    collector, answers = Collector(), []  # type: ignore[var-annotated]
    listener = Listener(collector.serve)
    port = await listener.start()

    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, _ = await client.next()
        sandbox.prints("hello\n")
        await client.call("POST", f"invocation/{request_id}/response", b'"four"')
        await client.next()
        return Exit(code=0)

    from ramuda.kernel.function import LoggingConfig

    is_json = log_format == "JSON"
    levels = {"application_level": "INFO", "system_level": "WARN"} if is_json else {}
    logging = LoggingConfig(group="/g", json_format=is_json, **levels)
    options = Options(shutdown_s=1.0, shutdown_runtime_s=0.05)
    s = stage(runtime, opt_dir=folder_with(tmp_path, "ext"), options=options, logging=logging)
    s.sandbox.programs["/opt/extensions/ext"] = subscribing(port, answers)
    await s.open()
    await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    await s.environment.close()
    await listener.stop()
    assert [(a.status, a.body) for a in answers] == [(200, b'"OK"')]
    kind = {"initializationType": "on-demand", "phase": "init"}
    init_start = without_times(collector.events)[0][1]
    assert init_start.pop("runtimeVersionArn").startswith("arn:aws:lambda:us-east-1::runtime:")
    assert init_start == {
        **kind,
        "runtimeVersion": "python:3.11.v1",
        "functionName": "f",
        "functionVersion": "$LATEST",
        "instanceId": s.stream.name,
        "instanceMaxMemory": 128 * 1024 * 1024,
    }
    subscribed = {"name": "ext", "state": "Subscribed", "types": ["platform", "function"]}
    (hello,) = (event["record"] for event in collector.events if event["type"] == "function")
    said = hello if is_json else "hello\n"
    spans = [{"name": name, "start": 0, "durationMs": 0} for name in ("responseLatency", "responseDuration")]
    metrics = {"durationMs": 0, "billedDurationMs": 0, "memorySizeMB": 128, "maxMemoryUsedMB": 42, "initDurationMs": 0}
    assert without_times(collector.events)[1:] == [
        ("platform.telemetrySubscription", subscribed),
        ("platform.initRuntimeDone", {**kind, "status": "success"}),
        ("platform.extension", {"name": "ext", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}),
        ("platform.initReport", {**kind, "status": "success", "metrics": {"durationMs": 0}}),
        ("platform.start", {"requestId": REQUEST, "version": "$LATEST"}),
        ("function", said),
        (
            "platform.runtimeDone",
            {
                "requestId": REQUEST,
                "status": "success",
                "metrics": {"durationMs": 0, "producedBytes": 6},
                "spans": spans,
            },
        ),
        ("platform.report", {"requestId": REQUEST, "status": "success", "metrics": metrics}),
    ]
    if is_json:
        assert (hello.pop("timestamp")[10], hello) == ("T", {"level": "INFO", "message": "hello", "requestId": REQUEST})
    times = [event["time"] for event in collector.events]
    assert times == sorted(times)
    assert all(len(time) == len("2026-11-21T05:24:00.123Z") and time.endswith("Z") for time in times)


async def test_a_streamed_answer_is_measured_from_its_first_piece_to_its_end(stage: Any) -> None:  # noqa: F811
    from ramuda.kernel.function import LoggingConfig, Streamed

    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = sandbox.client()
        request_id, _ = await client.next()
        headers = {"Lambda_Runtime_Function_Response_Mode": "streaming"}
        await client.call("POST", f"invocation/{request_id}/response", b"12345", **headers)
        await client.next()
        return Exit(code=0)

    logging = LoggingConfig(group="/g", json_format=True, application_level="INFO", system_level="DEBUG")
    s = await stage(runtime, logging=logging).open()
    answer = await s.environment.invoke(invocation(s.function, wants_stream=True))
    assert isinstance(answer, Streamed)
    assert b"".join([chunk async for chunk in answer.chunks]) == b"12345"
    await s.until_idle()
    told = [json.loads(event) for event in s.stream.events]
    (done,) = (event["record"] for event in told if event["type"] == "platform.runtimeDone")
    assert done["metrics"]["producedBytes"] == 5
    assert [span["name"] for span in done["spans"]] == ["responseLatency", "responseDuration"]
    assert sum(span["durationMs"] for span in done["spans"]) == pytest.approx(done["metrics"]["durationMs"], abs=0.01)


async def test_the_logs_api_tells_in_its_own_words(stage: Any, tmp_path: Path) -> None:  # noqa: F811
    collector, answers = Collector(), []  # type: ignore[var-annotated]
    listener = Listener(collector.serve)
    port = await listener.start()
    options = Options(shutdown_s=1.0, shutdown_runtime_s=0.05)
    s = stage(echo, opt_dir=folder_with(tmp_path, "ext"), options=options)
    program = subscribing(port, answers, "/2020-08-15/logs", schemaVersion="2021-03-18")
    s.sandbox.programs["/opt/extensions/ext"] = program
    await s.open()
    await s.environment.invoke(invocation(s.function))
    await s.until_idle()
    await s.environment.close()
    await listener.stop()
    assert [(a.status, a.body) for a in answers] == [(200, b'"OK"')]
    metrics = {"durationMs": 0, "billedDurationMs": 0, "memorySizeMB": 128, "maxMemoryUsedMB": 42, "initDurationMs": 0}
    assert without_times(collector.events) == [
        ("platform.logsSubscription", {"name": "ext", "state": "Subscribed", "types": ["platform", "function"]}),
        ("platform.extension", {"name": "ext", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}),
        ("platform.start", {"requestId": REQUEST, "version": "$LATEST"}),
        ("platform.runtimeDone", {"requestId": REQUEST, "status": "success"}),
        ("platform.end", {"requestId": REQUEST}),
        ("platform.report", {"requestId": REQUEST, "metrics": metrics}),
    ]
    assert "LOGS\tName: ext\tState: Subscribed\tTypes: [Platform, Function]\n" in s.log


async def test_who_may_subscribe_and_when(stage: Any) -> None:  # noqa: F811
    answers: list[tuple[int, str, str]] = []

    def note(answer: Any) -> None:
        told = json.loads(answer.body)
        answers.append((answer.status, told["errorType"], told["errorMessage"]))

    clients: list[ExtensionClient] = []

    async def runtime(sandbox: FakeSandbox) -> Exit:
        client = ExtensionClient(sandbox)
        clients.append(client)
        note(await client.subscribe(VALID))
        await client.register("internal", ["INVOKE"])
        note(await client.subscribe({**VALID, "types": []}))
        assert (await client.subscribe(VALID)).status == 200
        note(await client.subscribe({**VALID, "schemaVersion": "2021-03-18"}, "/2020-08-15/logs"))
        waiting = asyncio.ensure_future(client.next())
        try:
            return await echo(sandbox)
        finally:
            waiting.cancel()

    s = await stage(runtime, options=Options(shutdown_internal_s=0.05)).open()
    assert await s.environment.initialize() is None
    late = ExtensionClient(s.sandbox)
    late.identifier = clients[0].identifier
    note(await late.subscribe(VALID))
    note(await late.subscribe(VALID, "/2020-08-15/logs"))
    assert answers == [
        (403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"),
        (400, "ValidationError", "types should not be empty"),
        (400, "ValidationError", "An extension can subscribe to one of the Telemetry API and the Logs API"),
        (403, "Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already"),
        (403, "Logs.SubscriptionClosed", "Logs API subscription is closed already"),
    ]


async def test_who_subscribes_again_and_again_is_refused() -> None:
    """Each time the whole history is told: that is little to ask for, and much to do."""
    sandbox: Any = SimpleNamespace(socket=make_socket)
    telemetry = Telemetry(sandbox, SystemClock(), Options())
    try:
        for _ in range(SUBSCRIPTIONS_MAX):
            telemetry.subscribe("ext", parsed())
        with pytest.raises(Refused, match="More than 100 subscriptions in one environment"):
            telemetry.subscribe("ext", parsed())
    finally:
        telemetry.close()
