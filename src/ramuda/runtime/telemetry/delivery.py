"""Brings one subscriber its events: in batches, by HTTP or TCP, to a port that listens inside the sandbox.

The subscriber is the function's own code and may do anything: not listen, not read, close, answer without end. It has
a time-out per batch, some attempts, and a backlog within bounds; what it loses is counted and told it as
`platform.logsDropped`. While the environment is frozen nothing is begun, and what was under way is tried again."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from ramuda.kernel.clock import Clock
from ramuda.kernel.errors import RamudaError
from ramuda.runtime.telemetry import records
from ramuda.runtime.telemetry.backlog import Backlog
from ramuda.runtime.telemetry.subscriptions import Subscription

ATTEMPTS = 3
PAUSE_S = 0.1
HEAD_BYTES_MAX = 4096

Connect = Callable[[], Awaitable[socket.socket]]
"""A socket of the sandbox's network, not connected."""


class Subscriber:
    """Owns a task from its making to `close`."""

    def __init__(self, subscription: Subscription, make_socket: Connect, clock: Clock, limit_s: float) -> None:
        self.subscription = subscription
        self._make_socket = make_socket
        self._clock = clock
        self._limit_s = limit_s
        self._backlog = Backlog(max_items=subscription.max_items, max_bytes=subscription.max_bytes)
        self._has_some = asyncio.Event()
        self._is_due = asyncio.Event()
        self._is_thawed = asyncio.Event()
        self._is_thawed.set()
        self._was_frozen = False
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._connection: socket.socket | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def waiting_bytes(self) -> int:
        return self._backlog.size_bytes

    def offer(self, event: bytes) -> None:
        self._backlog.add(event)
        self._is_empty.clear()
        self._has_some.set()
        if self._backlog.is_batch:
            self._is_due.set()

    def freeze(self) -> None:
        self._was_frozen = True
        self._is_thawed.clear()

    def thaw(self) -> None:
        self._is_thawed.set()

    async def flush(self) -> None:
        """Delivers what waits without waiting for more."""
        self._is_due.set()
        await self._is_empty.wait()

    def close(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                await self._has_some.wait()
                await self._wait_due()
                await self._deliver_some()
                self._look()
        finally:
            self._disconnect()

    async def _deliver_some(self) -> None:
        batch = self._backlog.take()
        if not await self._delivered(batch):
            self._backlog.lost(batch)
        dropped, size_bytes = self._backlog.take_dropped()
        if dropped:
            record = records.dropped(dropped, size_bytes)
            self._backlog.add(records.event(self._clock.time(), "platform.logsDropped", record))

    def _look(self) -> None:
        if not self._backlog.is_batch:
            self._is_due.clear()
        if not len(self._backlog):
            self._has_some.clear()
            self._is_empty.set()

    async def _wait_due(self) -> None:
        try:
            async with asyncio.timeout(self.subscription.timeout_ms / 1000):
                await self._is_due.wait()
        except TimeoutError:
            pass

    async def _delivered(self, batch: list[bytes]) -> bool:
        attempts = 0
        while attempts < ATTEMPTS:
            await self._is_thawed.wait()
            self._was_frozen = False
            try:
                async with asyncio.timeout(self._limit_s):
                    await self._deliver(batch)
                return True
            except (TimeoutError, OSError, RamudaError):
                self._disconnect()
            if not self._was_frozen:
                attempts += 1
                await self._clock.sleep(PAUSE_S)
        return False

    async def _deliver(self, batch: list[bytes]) -> None:
        """Raises OSError, PortError."""
        loop = asyncio.get_running_loop()
        connection = await self._connected()
        if self.subscription.protocol == "TCP":
            await loop.sock_sendall(connection, b"\n".join(batch) + b"\n")
            return
        body = b"[" + b",".join(batch) + b"]"
        await loop.sock_sendall(connection, self._head(len(body)) + body)
        await self._read_status(connection)
        self._disconnect()

    def _head(self, length: int) -> bytes:
        path, port = self.subscription.path, self.subscription.port
        return (
            f"POST {path} HTTP/1.1\r\nHost: sandbox.localdomain:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
        ).encode()

    async def _read_status(self, connection: socket.socket) -> None:
        """Raises OSError unless the answer begins as that of a success; the rest of it is not read."""
        loop = asyncio.get_running_loop()
        answer = b""
        while b"\r\n" not in answer and len(answer) < HEAD_BYTES_MAX:
            data = await loop.sock_recv(connection, HEAD_BYTES_MAX)
            if not data:
                break
            answer += data
        status = answer.split(None, 2)[1:2]
        if not answer.startswith(b"HTTP/1.") or not status or not status[0].startswith(b"2"):
            raise ConnectionError("the subscriber did not accept the events")

    async def _connected(self) -> socket.socket:
        if self._connection is None:
            self._connection = await self._make_socket()
            address = ("127.0.0.1", self.subscription.port)
            await asyncio.get_running_loop().sock_connect(self._connection, address)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
