"""The way out of a sandbox: relays its TCP connections and DNS questions, after asking the policy.

An isolated sandbox has no network interface. Every TCP connection it opens to an address that is not its own
loopback arrives, redirected by the kernel, at a listening socket that this process owns; the address it wanted is
in SO_ORIGINAL_DST. What the policy allows is connected from here and relayed; what it refuses is reset, so that the
function sees the end at once and not a time-out. UDP goes nowhere but to DNS. Nothing is changed on the host, and
it works the same without root.

Refused: port 25 (as on AWS), this host's own addresses, loopback, link-local with the cloud's metadata service,
multicast and unspecified addresses, and clouds' metadata services elsewhere; `Options.network_allow` makes exceptions.
"""

import asyncio
import contextlib
import ipaddress
import logging
import resource
import socket
import struct
from pathlib import Path

from ramuda.kernel.ports.sandbox import Sockets
from ramuda.sandbox.options import Options

log = logging.getLogger("ramuda.sandbox")

SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h
SMTP_PORT, DNS_PORT = 25, 53
SANDBOX_RESOLVER = ipaddress.IPv4Address("169.254.78.1")
"""The name server in a sandbox's resolv.conf, the address AWS uses; it exists only as something the kernel
redirects."""
METADATA = frozenset(map(ipaddress.IPv4Address, ("168.63.129.16", "100.100.100.200", "192.0.0.192")))
"""Services of the host's own cloud that are not link-local: Azure's WireServer, Alibaba's and Oracle's metadata."""
CONNECT_LIMIT_S, DNS_LIMIT_S = 30.0, 5.0
RELAY_BYTES = 32 * 1024
CONNECTIONS_MAX = 1024
DESCRIPTORS_A_RELAY = 4
"""All relays together may have half of this process's descriptors, and each takes two."""
DNS_QUESTIONS_MAX = 64
DATAGRAM_BYTES = 64 * 1024
FALLBACK_RESOLVERS = ("127.0.0.1",)  # as the C library does without a resolv.conf


class Policy:
    """Decides where a function may connect to."""

    def __init__(self, options: Options) -> None:
        self._allowed = tuple(ipaddress.IPv4Network(text) for text in options.network_allow)
        self._is_open = options.network == "open"

    def allows(self, host: str, port: int) -> bool:
        """Whether a TCP connection to this IPv4 address may be made."""
        address = ipaddress.IPv4Address(host)
        if not self._is_open or port == SMTP_PORT:
            return False
        if any(address in network for network in self._allowed):
            return True
        if (
            address in METADATA
            or address.is_loopback
            or address.is_link_local
            or address.is_multicast
            or address.is_unspecified
        ):
            return False
        return not address.is_reserved and not is_own_address(host)


def is_own_address(host: str) -> bool:
    """Whether the address is one of this machine's, a secondary one included: no other can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
        return True


def host_resolvers(resolv_conf: Path = Path("/etc/resolv.conf")) -> list[str]:
    """The host's name servers with an IPv4 or IPv6 address, in order."""
    with contextlib.suppress(OSError):
        words = [line.split() for line in resolv_conf.read_text(errors="replace").splitlines()]
        found = [w[1].split("%")[0] for w in words if len(w) > 1 and w[0] == "nameserver"]
        if found:
            return found
    return list(FALLBACK_RESOLVERS)


class Outbound:
    """Serves the `outbound` and `dns` sockets of any number of sandboxes, on the running event loop."""

    def __init__(self, options: Options) -> None:
        self._policy = Policy(options)
        self._relays: set[asyncio.Task[None]] = set()

    def attach(self, sockets: Sockets) -> "WayOut":
        """Serves a sandbox until its way out is stopped, which also ends its connections. Both sockets may be None."""
        service = _Service(self._policy, self._relays)
        loop = asyncio.get_running_loop()
        if sockets.outbound is not None:
            sockets.outbound.setblocking(False)
            loop.add_reader(sockets.outbound, service.accept, sockets.outbound)
        if sockets.dns is not None:
            sockets.dns.setblocking(False)
            loop.add_reader(sockets.dns, service.answer, sockets.dns)

        return WayOut(sockets, service)


class WayOut:
    """The way out of one sandbox."""

    def __init__(self, sockets: Sockets, service: "_Service") -> None:
        self._sockets = sockets
        self._service = service

    def shut(self) -> bool:
        """From now on nothing is connected, whatever the policy says. False where the sandbox has the host's network,
        which cannot be shut."""
        self._service.is_shut = True
        return self._sockets.outbound is not None

    def stop(self) -> None:
        """Serves it no more and ends its connections."""
        for listening in (self._sockets.outbound, self._sockets.dns):
            if listening is not None and listening.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(listening)
        self._service.close()


class _Service:
    """One sandbox's traffic."""

    is_shut = False

    def __init__(self, policy: Policy, everybodys_relays: set[asyncio.Task[None]]) -> None:
        self._policy = policy
        self._everybodys_relays = everybodys_relays
        self._relays: set[asyncio.Task[None]] = set()
        self._questions: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        for task in (*self._relays, *self._questions):
            task.cancel()

    def accept(self, listening: socket.socket) -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            return None  # the function gave up before it was accepted
        target = original_destination(connection)
        if target is not None and target == (str(SANDBOX_RESOLVER), DNS_PORT):
            target = (host_resolvers()[0], DNS_PORT)
        elif target is None or self.is_shut or not self._policy.allows(*target):
            return reset(connection)
        if len(self._relays) >= CONNECTIONS_MAX or len(self._everybodys_relays) >= relays_max():
            return reset(connection)
        connection.setblocking(False)
        relay = self._own(self._relays, self._relay(connection, target))
        self._everybodys_relays.add(relay)
        return relay.add_done_callback(self._everybodys_relays.discard)

    async def _relay(self, near: socket.socket, target: tuple[str, int]) -> None:
        """Copies by hand rather than through asyncio's streams: these would hold some 800 KB for an end that does not
        read, and a function may make a thousand."""
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                far = await connect(*target)
        except OSError:
            return reset(near)
        except BaseException:
            near.close()
            raise
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(near, far))
                both.create_task(_pump(far, near))
        except* OSError:  # one side broke off: so does the other
            reset(near)
            reset(far)
        finally:
            near.close()
            far.close()

    def answer(self, dns: socket.socket) -> None:
        try:
            question, asker = dns.recvfrom(DATAGRAM_BYTES)
        except OSError:
            return
        if len(self._questions) < DNS_QUESTIONS_MAX:
            self._own(self._questions, _ask(question, dns, asker))

    def _own(self, owner: "set[asyncio.Task[None]]", work: "asyncio._CoroutineLike[None]") -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        owner.add(task)
        task.add_done_callback(owner.discard)
        return task


def relays_max() -> int:
    """Most relays of all sandboxes: whoever opens thousands must not leave the server without descriptors."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] // DESCRIPTORS_A_RELAY


async def connect(host: str, port: int) -> socket.socket:
    """The far end of a relay."""
    far = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    far.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(far, (host, port))
    except BaseException:
        far.close()
        raise
    return far


async def _pump(source: socket.socket, target: socket.socket) -> None:
    """Copies until the end of the stream, which it hands on. Raises OSError when either connection is broken."""
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, RELAY_BYTES):
        await loop.sock_sendall(target, data)
    target.shutdown(socket.SHUT_WR)


async def _ask(question: bytes, dns: socket.socket, asker: tuple[str, int]) -> None:
    """Asks the host's name servers one after the other; without an answer the function's own resolver times out."""
    loop = asyncio.get_running_loop()
    for resolver in host_resolvers():
        family = socket.AF_INET6 if ":" in resolver else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            try:
                async with asyncio.timeout(DNS_LIMIT_S):
                    await loop.sock_connect(client, (resolver, DNS_PORT))
                    await loop.sock_sendall(client, question)
                    reply = await loop.sock_recv(client, DATAGRAM_BYTES)
            except OSError:
                continue
        if dns.fileno() >= 0:
            with contextlib.suppress(OSError):
                dns.sendto(reply, asker)
        return


def original_destination(connection: socket.socket) -> tuple[str, int] | None:
    """Where a redirected connection wanted to go; None for one that was made to the relay itself."""
    try:
        address = connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    except OSError:
        return None
    (port,) = struct.unpack_from(">H", address, 2)
    return socket.inet_ntoa(address[4:8]), port


def reset(connection: socket.socket) -> None:
    """Ends a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
