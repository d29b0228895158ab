"""The Runtime API against well-behaved, confused and hostile runtimes."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from ramuda.runtime.api import ResponseStream, RuntimeApi
from tests.unit.runtime.fakes import Answer, Client

HEAD = b"Lambda-Runtime-Aws-Request-Id: r1\r\n"


class Heard:
    """Implements Listener by writing down."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []
        self.ready = asyncio.Event()

    def on_ready(self) -> None:
        self.events.append(("ready",))
        self.ready.set()

    def on_init_error(self, error_type: str, payload: bytes) -> None:
        self.events.append(("init_error", error_type, payload))

    def on_response(self, payload: bytes, content_type: str) -> None:
        self.events.append(("response", payload, content_type))

    def on_stream(self, stream: ResponseStream) -> None:
        self.events.append(("stream",))

    def on_error(self, error_type: str, payload: bytes) -> None:
        self.events.append(("error", error_type, payload))

    def on_response_too_large(self) -> None:
        self.events.append(("too_large",))


class Bench:
    def __init__(self) -> None:
        self.heard = Heard()
        self.api = RuntimeApi(self.heard)

    async def start(self) -> None:
        self.server = await asyncio.get_running_loop().create_server(self.api.factory, "127.0.0.1", 0)
        self.address = self.server.sockets[0].getsockname()
        self.client = Client(self.address)

    async def running(self) -> Answer:
        """An event was delivered."""
        waiting = asyncio.ensure_future(self.client.call("GET", "invocation/next"))
        await self.heard.ready.wait()
        self.api.deliver("r1", HEAD, b'{"a":1}', wants_stream=False)
        return await waiting

    async def is_cut_off(self, data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(data)
        try:
            return await reader.read()
        except ConnectionResetError:  # the end came before all was sent
            return b""
        finally:
            writer.close()
            await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    b = Bench()
    await b.start()
    yield b
    await b.client.close()
    b.api.restart()
    b.server.close()


async def test_an_event_is_delivered_with_its_headers(bench: Bench) -> None:
    answer = await bench.running()
    assert (answer.status, answer.body) == (200, b'{"a":1}')
    assert answer.headers == {
        "content-type": "application/json",
        "lambda-runtime-aws-request-id": "r1",
        "content-length": "7",
    }


async def test_a_response_is_accepted_once(bench: Bench) -> None:
    await bench.running()
    first = await bench.client.call("POST", "invocation/r1/response", b"[1]", Content_Type="text/plain")
    second = await bench.client.call("POST", "invocation/r1/response", b"[2]")
    assert (first.status, json.loads(first.body)) == (202, {"status": "OK"})
    assert second.status == 403
    assert json.loads(second.body) == {
        "errorMessage": "State transition from InvocationResponse to InvocationResponse failed for runtime. "
        "Error: State transition is not allowed",
        "errorType": "InvalidStateTransition",
    }
    assert bench.heard.events == [("ready",), ("response", b"[1]", "text/plain")]


async def test_another_requests_id_is_refused_and_changes_nothing(bench: Bench) -> None:
    await bench.running()
    answer = await bench.client.call("POST", "invocation/r2/response", b"[1]")
    assert (answer.status, json.loads(answer.body)) == (
        400,
        {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"},
    )
    assert (await bench.client.call("POST", "invocation/r1/response", b"[1]")).status == 202


async def test_next_is_refused_while_an_event_is_unanswered(bench: Bench) -> None:
    await bench.running()
    assert (await bench.client.call("GET", "invocation/next")).status == 403


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b'{"errorType":"E","errorMessage":"m"}', {}, ("error", "E", b'{"errorType":"E","errorMessage":"m"}')),
        (
            b'{"errorMessage":"m"}',
            {"Lambda_Runtime_Function_Error_Type": "Runtime.X"},
            ("error", "Runtime.X", b'{"errorMessage":"m"}'),
        ),
        (b"oops", {}, ("error", "Runtime.Unknown", b'{"errorType":"Runtime.Unknown","errorMessage":"oops"}')),
        (b"[]", {}, ("error", "Runtime.Unknown", b'{"errorType":"Runtime.Unknown","errorMessage":"[]"}')),
    ],
)
async def test_an_error_is_told_with_its_type(
    bench: Bench, body: bytes, headers: dict[str, str], expected: tuple[object, ...]
) -> None:
    await bench.running()
    assert (await bench.client.call("POST", "invocation/r1/error", body, **headers)).status == 202
    assert bench.heard.events == [("ready",), expected]


async def test_an_init_error_is_possible_only_before_the_first_next(bench: Bench) -> None:
    first = await bench.client.call("POST", "init/error", b'{"errorType":"E"}')
    second = await bench.client.call("POST", "init/error", b'{"errorType":"E"}')
    assert (first.status, second.status) == (202, 403)
    assert bench.heard.events == [("init_error", "E", b'{"errorType":"E"}')]


@pytest.mark.parametrize("path", ["", "invocation/", "invocation/r1/nonsense", "../etc", "restore/next"])
async def test_an_unknown_path_is_not_found(bench: Bench, path: str) -> None:
    await bench.running()
    answer = await bench.client.call("POST", path, b"x")
    assert answer.status == 404
    assert json.loads(answer.body)["errorType"] == "InvalidPath"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: -4\r\n\r\n",
        b"GET /" + b"x" * 70_000,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000,
    ],
    ids=["tls", "no target", "version", "length", "long target", "many headers"],
)
async def test_garbage_is_cut_off_and_changes_nothing(bench: Bench, garbage: bytes) -> None:
    assert await bench.is_cut_off(garbage) == b""
    assert bench.heard.events == []
    assert (await bench.running()).status == 200


async def test_a_body_that_stops_half_way_is_no_answer(bench: Bench) -> None:
    await bench.running()
    reader, writer = await asyncio.open_connection(*bench.address)
    writer.write(b"POST /2018-06-01/runtime/invocation/r1/response HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])
    assert bench.heard.events == [("ready",)]
    assert (await bench.client.call("POST", "invocation/r1/response", b"1")).status == 202


async def test_connections_beyond_the_limit_are_cut_off(bench: Bench) -> None:
    pairs = [await asyncio.open_connection(*bench.address) for _ in range(64)]
    assert await bench.is_cut_off(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n") == b""
    for _, writer in pairs:
        writer.close()
    await asyncio.wait([asyncio.ensure_future(writer.wait_closed()) for _, writer in pairs])


RESPONSE = b"POST /2018-06-01/runtime/invocation/r1/response HTTP/1.1\r\n"


class UnreadTransport(asyncio.Transport):
    """Of a connection whose other end reads nothing: says so at the second write."""

    def __init__(self, connection: asyncio.Protocol) -> None:
        super().__init__()
        self.calls: list[str] = []
        self._connection = connection
        connection.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data).split(b"\r\n")[0].decode())
        if len(self.calls) == 2:
            self._connection.pause_writing()

    def pause_reading(self) -> None:
        self.calls.append("pause reading")

    def resume_reading(self) -> None:
        self.calls.append("resume reading")

    def abort(self) -> None:
        self.calls.append("abort")

    def close(self) -> None:
        self.calls.append("close")


@pytest.mark.parametrize(
    ("sent", "then"),
    [(2, ["resume reading", "HTTP/1.1 404 Not Found"]), (5, ["abort", "close"])],
    ids=["read", "unread"],
)
async def test_answers_that_nobody_reads_do_not_pile_up(sent: int, then: list[str]) -> None:
    connection = RuntimeApi(Heard()).factory()
    transport = UnreadTransport(connection)
    request = b"GET /nonsense HTTP/1.1\r\n\r\n"
    connection.data_received(request * sent)
    if sent == 2:  # and reads them after all
        connection.resume_writing()
        connection.data_received(request)
    assert transport.calls == [*["HTTP/1.1 404 Not Found"] * 2, "pause reading", *then]


async def test_endless_trailers_are_cut_off(bench: Bench) -> None:
    await bench.running()
    body = b"Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n" + b"A: b\r\n" * 100_000
    assert await bench.is_cut_off(RESPONSE + body) == b""
    assert bench.heard.events == [("ready",)]


async def test_a_body_of_many_small_chunks_arrives_whole(bench: Bench) -> None:
    await bench.running()
    reader, writer = await asyncio.open_connection(*bench.address)
    writer.write(RESPONSE + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n7\r\n" * 100_000 + b"0\r\n\r\n")
    assert (await reader.readuntil(b"\r\n")) == b"HTTP/1.1 202 Accepted\r\n"
    writer.close()
    await writer.wait_closed()
    assert bench.heard.events[1:] == [("response", b"7" * 100_000, "application/json")]


async def test_only_one_body_at_a_time_is_kept_in_memory(bench: Bench) -> None:
    await bench.running()
    reader, writer = await asyncio.open_connection(*bench.address)
    writer.write(RESPONSE + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")  # its body is awaited
    refused = await bench.client.call("POST", "invocation/r1/response", b"second")
    assert (refused.status, json.loads(refused.body)["errorType"]) == (403, "InvalidStateTransition")
    writer.close()
    await writer.wait_closed()
    while (answer := await bench.client.call("POST", "invocation/r1/response", b"third")).status == 403:
        pass  # until the server, too, has seen the end of the first
    assert answer.status == 202
    assert bench.heard.events == [("ready",), ("response", b"third", "application/json")]


async def test_an_error_too_deep_to_read_is_told_as_it_is(bench: Bench) -> None:
    await bench.running()
    assert (await bench.client.call("POST", "invocation/r1/error", b"[" * 100_000)).status == 202
    (_, error_type, payload) = bench.heard.events[1]
    assert (error_type, json.loads(payload)) == (
        "Runtime.Unknown",
        {"errorType": "Runtime.Unknown", "errorMessage": "[" * 100_000},
    )
