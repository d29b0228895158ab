"""The server's end of a control socket, on the event loop: never waits, hands every message to its owner."""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ramuda.sandbox.isolated.inside import wire

Message = dict[str, Any]


class Channel:
    """`received` is called with each message, its file descriptors (the callee closes them) and the sender's pid as the
    server sees it; `ended` once, when the other side is gone."""

    def __init__(
        self, end: socket.socket, received: Callable[[Message, list[int], int], None], ended: Callable[[], None]
    ) -> None:
        end.setblocking(False)
        self._socket = end
        self._received = received
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Message, list[int]]] = deque()
        self._loop.add_reader(end, self._read)

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Sends, or queues what the socket has no room for. Whatever is sent to a side that is gone is lost:
        `ended` says so. The file descriptors may be closed as soon as this returns."""
        if self._socket.fileno() < 0:
            return
        if not self._waiting:
            try:
                wire.send(self._socket, message, list(fds))
            except BlockingIOError:
                self._loop.add_writer(self._socket, self._write)
            except OSError:
                return
            else:
                return
        self._waiting.append((message, [os.dup(fd) for fd in fds]))

    def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        for _, fds in self._waiting:
            close_all(fds)
        self._waiting.clear()

    def _read(self) -> None:
        try:
            message, fds, pid = wire.receive(self._socket)
        except BlockingIOError:
            return
        except OSError:
            message, fds, pid = None, [], 0
        if message is None:
            self.close()
            self._ended()
        else:
            self._received(message, fds, pid)

    def _write(self) -> None:
        while self._waiting:
            message, fds = self._waiting[0]
            try:
                wire.send(self._socket, message, fds)
            except BlockingIOError:
                return
            except OSError:
                self._waiting.clear()
            else:
                self._waiting.popleft()
            close_all(fds)
        self._loop.remove_writer(self._socket)


def close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)
