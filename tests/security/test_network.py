"""Where a function's connections can go, and who can reach a function."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ramuda.kernel.ports.sandbox import Sandbox, SandboxBackend
from ramuda.sandbox import isolated, outbound
from ramuda.sandbox.guarded import guarded
from ramuda.sandbox.options import Options
from tests.sandboxes import CodeStore, Reader, run
from tests.security.conftest import ATTEMPT, Attack

Start = Callable[..., Awaitable[tuple[Sandbox, Reader]]]
CONNECT = """
def connect(host, port, text=b"hello"):
    with socket.create_connection((host, port), timeout=5) as connection:
        connection.sendall(text)
        return connection.recv(99).decode()
"""


def own_addresses() -> list[str]:
    """Every IPv4 address of this host that a function might try."""
    found = {"127.0.0.1", "127.0.0.2", "0.0.0.0"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            found.add(probe.getsockname()[0])
        except OSError:
            pass
    return sorted(found)


async def test_services_of_the_host_cannot_be_reached_through_any_address(attack: Attack) -> None:
    connections = []
    with socket.create_server(("0.0.0.0", 0)) as service:
        port = service.getsockname()[1]
        service.setblocking(False)
        asyncio.get_running_loop().add_reader(service, lambda: connections.append(service.accept()))
        seen = await attack(f"{CONNECT}tell([attempt(lambda: connect(host, {port})) for host in {own_addresses()!r}])")
        asyncio.get_running_loop().remove_reader(service)
    assert set(seen) <= {"ECONNRESET", "ECONNREFUSED", ""}
    assert connections == []


@pytest.mark.parametrize("host", ["169.254.169.254", "169.254.170.2", "168.63.129.16", "224.0.0.1", "255.255.255.255"])
async def test_metadata_and_special_addresses_are_refused(attack: Attack, host: str) -> None:
    seen = await attack(f"{CONNECT}tell(attempt(lambda: connect({host!r}, 80)))")
    assert seen in ("ECONNRESET", "ENETUNREACH", "EACCES", "")


async def test_mail_cannot_be_sent(attack: Attack) -> None:
    assert await attack(f"{CONNECT}tell(attempt(lambda: connect('192.0.2.1', 25)))") in ("ECONNRESET", "")


async def test_ipv6_and_datagrams_fail_at_once(attack: Attack) -> None:
    seen = await attack(f"""{CONNECT}
def datagram(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((host, port)); client.send(b"x"); return client.recv(9)
tell([attempt(lambda: connect("2001:db8::1", 80)), attempt(lambda: datagram("192.0.2.1", 123))])
""")
    assert seen == ["ENETUNREACH", "ECONNREFUSED"]


async def test_an_allowed_connection_is_relayed_both_ways_with_its_ends(
    backend: SandboxBackend, code: CodeStore
) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())  # to the end of the stream
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = "198.51.100.7"  # an address of the world, which stands here for the host's loopback
    sandbox, output = await run(
        backend,
        code,
        f"""
with socket.create_connection(({address!r}, {port}), timeout=5) as connection:
    peer = connection.getpeername()
    connection.sendall(b"x" * 200000)
    connection.shutdown(socket.SHUT_WR)
    received = 0
    while data := connection.recv(65536): received += len(data.replace(b"X", b"X"))
    tell([received, peer])
""",
        prelude=ATTEMPT,
    )
    relay = outbound.Outbound(Options(network_allow=("198.51.100.7/32",)))
    connected = outbound.connect

    async def to_loopback(host: str, port: int) -> socket.socket:
        assert host == address
        return await connected("127.0.0.1", port)

    outbound.connect = to_loopback
    try:
        way_out = relay.attach(sandbox.sockets)
        assert await output.json() == [200000, [address, port]]
        way_out.stop()
    finally:
        outbound.connect = connected
        server.close()


async def test_a_way_out_that_is_shut_lets_nothing_through_whatever_the_policy_says(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def connect(host: str, port: int) -> socket.socket:
        asked.append((host, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(outbound, "connect", connect)
    relay = outbound.Outbound(Options(network_allow=("198.51.100.0/24",)))
    sandbox, output = await start(f"{CONNECT}tell(attempt(lambda: connect('198.51.100.7', 80)))")
    way_out = relay.attach(sandbox.sockets)
    assert way_out.shut()
    assert await output.json() in ("ECONNRESET", "")
    assert asked == []
    way_out.stop()


async def test_a_function_cannot_be_reached_from_the_host_or_another_function(start: Start, attack: Attack) -> None:
    with socket.create_server(("", 0)) as unused:
        port = unused.getsockname()[1]
    listener = f"""
server = socket.create_server(("0.0.0.0", {port}))
tell("listening")
connection, _ = server.accept()
tell("reached")
"""
    _, output = await start(listener)
    assert await output.json() == "listening"
    for host in ("127.0.0.1", "169.254.100.6"):
        with pytest.raises(OSError), socket.create_connection((host, port), timeout=0.2):
            pass
    seen = await attack(
        f"{CONNECT}tell([attempt(lambda: connect(host, {port})) for host in ('127.0.0.1', '169.254.100.6')])"
    )
    assert set(seen) <= {"ECONNREFUSED", "ECONNRESET", ""}


async def test_a_functions_connections_end_at_its_own_runtime_api(start: Start) -> None:
    script = f"{CONNECT}tell(connect('127.0.0.1', 9001, b'who am I'))"
    pairs = [await start(script) for _ in range(2)]
    for name, (sandbox, output) in zip((b"first", b"second"), pairs, strict=True):
        sandbox.sockets.runtime_api.setblocking(False)
        loop = asyncio.get_running_loop()
        connection, _ = await loop.sock_accept(sandbox.sockets.runtime_api)
        await loop.sock_sendall(connection, name)
        connection.close()
        assert await output.json() == name.decode()


async def test_the_redirected_port_itself_leads_nowhere(attack: Attack) -> None:
    assert await attack(f"{CONNECT}tell(attempt(lambda: connect('127.0.0.1', 9002)))") in ("ECONNRESET", "")


async def test_without_a_network_only_the_platform_is_there(
    sandbox_work: Path, tmp_path: Path, code: CodeStore
) -> None:
    code.root.mkdir(exist_ok=True)
    backend = guarded(isolated.Backend(Options(network="none"), sandbox_work, code.root))
    try:
        script = (
            f"{CONNECT}tell([attempt(lambda: connect('192.0.2.1', 80)), attempt(lambda: connect('127.0.0.1', 4566))])"
        )
        sandbox, output = await run(backend, code, script, prelude=ATTEMPT)
        sockets = sandbox.sockets
        assert (sockets.outbound, sockets.dns) == (None, None)
        assert sockets.gateway is not None
        sockets.gateway.setblocking(False)
        connection, _ = await asyncio.get_running_loop().sock_accept(sockets.gateway)
        await asyncio.get_running_loop().sock_sendall(connection, b"welcome")
        connection.close()
        assert await output.json() == ["ENETUNREACH", "welcome"]
    finally:
        await backend.close()


async def test_names_are_asked_of_the_hosts_resolver(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.bind(("127.0.0.1", 0))
        resolver.setblocking(False)
        monkeypatch.setattr(outbound, "host_resolvers", lambda: ["127.0.0.1"])
        monkeypatch.setattr(outbound, "DNS_PORT", resolver.getsockname()[1])
        script = """
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(5)
    client.sendto(b"where is example.com", ("169.254.78.1", 53))
    tell(client.recv(99).decode())
"""
        sandbox, output = await start(script)
        way_out = outbound.Outbound(Options()).attach(sandbox.sockets)
        question, relay = await loop.sock_recvfrom(resolver, 999)
        assert question == b"where is example.com"
        await loop.sock_sendto(resolver, b"over there", relay)
        assert await output.json() == "over there"
        way_out.stop()


@pytest.mark.parametrize(("own_max", "all_max", "expected"), [(3, 99, [3, 3]), (99, 4, [4, 0])], ids=["own", "all"])
async def test_a_function_can_open_so_many_connections_and_no_more(
    start: Start, monkeypatch: pytest.MonkeyPatch, own_max: int, all_max: int, expected: list[int]
) -> None:
    monkeypatch.setattr(outbound, "CONNECTIONS_MAX", own_max)
    monkeypatch.setattr(outbound, "relays_max", lambda: all_max)
    connected = outbound.connect
    accepted: list[asyncio.StreamWriter] = []

    def welcome(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        writer.write(b"welcome")

    server = await asyncio.start_server(welcome, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setattr(outbound, "connect", lambda _host, port: connected("127.0.0.1", port))
    relay = outbound.Outbound(Options(network_allow=("198.51.100.7/32",)))
    script = f"""
def welcome():
    connection = socket.create_connection(("198.51.100.7", {port}), timeout=5)
    return connection.recv(7) and connection
made = [attempt(welcome) for _ in range(6)]
tell(sum(isinstance(each, socket.socket) for each in made))
import signal; signal.pause()
"""
    stops, seen = [], []
    for _ in range(2):
        sandbox, output = await start(script)
        stops.append(relay.attach(sandbox.sockets))
        seen.append(await output.json())
    for way_out in stops:
        way_out.stop()
    for writer in accepted:
        writer.transport.abort()
    server.close()
    await server.wait_closed()
    assert seen == expected
