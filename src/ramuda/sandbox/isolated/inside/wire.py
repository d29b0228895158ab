"""Messages between the server, the template and the inits: one JSON object a packet, file descriptors beside it.

The sockets are Unix sequenced packets: a message arrives whole or not at all, and the kernel vouches for the
sender's pid.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from typing import Any

MESSAGE_BYTES = 128 * 1024
FDS_MAX = 16
_CLOEXEC = 0x40000000  # MSG_CMSG_CLOEXEC, which Python does not name
_CREDENTIALS = struct.Struct("3i")
_CONTROL_BYTES = socket.CMSG_SPACE(4 * FDS_MAX) + socket.CMSG_SPACE(_CREDENTIALS.size)


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends that tell the sender's pid."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return ends


def send(channel: socket.socket, message: dict[str, Any], fds: tuple[int, ...] | list[int] = ()) -> None:
    """Sends one message. Raises BlockingIOError when the socket is non-blocking and full, BrokenPipeError when it
    is closed."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    channel.sendmsg([json.dumps(message).encode()], rights, socket.MSG_NOSIGNAL)


def sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The pid that the kernel added to a message; 0 when there is none."""
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            return int(_CREDENTIALS.unpack(content)[0])
    return 0


def receive(channel: socket.socket) -> tuple[dict[str, Any] | None, list[int], int]:
    """One message (None at the end), its file descriptors, and the pid of the process that sent it, as seen from
    here."""
    data, ancillary, flags, _ = channel.recvmsg(MESSAGE_BYTES, _CONTROL_BYTES, _CLOEXEC)
    fds, pid = array.array("i"), 0
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
        elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid = _CREDENTIALS.unpack(content)[0]
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        for fd in fds:
            os.close(fd)
        raise OSError("a message was cut off")
    return (json.loads(data) if data else None), list(fds), pid
