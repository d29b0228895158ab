"""What a copy of a process would share with its original and with other copies, and how it gets its own.

fork(2) copies memory and leaves open files shared: one position in a file, one connection, one pipe for all. Copies are
environments of their own and may share nothing. So a copy opens files again, makes new pipes, counters and polls
in place of the old ones, and finds its network connections closed by the other side, as after any restore on AWS.
What cannot be made anew is a reason not to make copies of a process at all: `obstacle`.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
from typing import Any

STANDARD = frozenset((0, 1, 2))
_UNSHARED_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_SHARED_WRITABLE = re.compile(r"^[0-9a-f]+-[0-9a-f]+ .ws. ?|^[0-9a-f]+-[0-9a-f]+ .w.s ")
_ACCESS = os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK | getattr(os, "O_DIRECTORY", 0)


def obstacle(proc: str, given: tuple[int, ...] = ()) -> str | None:
    """Why the process whose /proc folder this is cannot be copied; None when it can. `given` are files that copies are
    given anew."""
    threads = len(os.listdir(proc + "/task"))
    if threads > 1:
        return f"it runs {threads} threads"
    with open(proc + "/maps") as maps:
        for line in maps:
            if _SHARED_WRITABLE.match(line):
                return "it has writable shared memory"
    links = open_files(proc)
    pipes = [link for link in links.values() if link.startswith("pipe:")]
    for fd, link in links.items():
        if fd not in STANDARD and fd not in given and not _is_renewable(link, pipes):
            return f"its open file {fd} ({link!r}) cannot be copied"
    return None


def open_files(proc: str) -> dict[int, str]:
    """What each file descriptor is of."""
    links = {}
    for name in os.listdir(proc + "/fd"):
        try:
            links[int(name)] = os.readlink(f"{proc}/fd/{name}")
        except FileNotFoundError:
            continue  # the one that listed them
    return links


def _is_renewable(link: str, pipes: list[str]) -> bool:
    if link.startswith("pipe:"):
        return pipes.count(link) == 2
    if link.startswith("socket:"):
        return True
    if link.startswith("/"):
        return not link.endswith(" (deleted)") and not link.startswith("/memfd:")
    return link in ("anon_inode:[eventpoll]", "anon_inode:[eventfd]")


def socket_pairs() -> list[tuple[int, int]]:
    """The pairs of connected sockets of which the calling process has both ends, such as asyncio's loops wake
    themselves with. Found out by sending a byte: the kernel does not tell."""
    ends = {fd: end for fd, end in _unnamed_sockets().items() if not _is_readable(end)}
    found = []
    while ends:
        fd, end = ends.popitem()
        with end:
            end.send(b"?", socket.MSG_DONTWAIT)
            for other_fd, other in ends.items():
                if _is_readable(other):
                    other.recv(1)
                    other.close()
                    found.append((fd, other_fd))
                    del ends[other_fd]
                    break
    return found


def _unnamed_sockets() -> dict[int, socket.socket]:
    """Copies of the descriptors of those Unix sockets that may be one of a pair."""
    result = {}
    for fd, link in open_files("/proc/self").items():
        if fd not in STANDARD and link.startswith("socket:"):
            end = socket.socket(fileno=os.dup(fd))
            try:
                if end.family == socket.AF_UNIX and end.getsockname() in ("", b"") and end.getpeername() in ("", b""):
                    result[fd] = end
                    continue
            except OSError:
                pass  # it is not connected
            end.close()
    return result


def _is_readable(end: socket.socket) -> bool:
    poll = select.poll()
    poll.register(end, select.POLLIN)
    return bool(poll.poll(0))


def renew(pairs: list[tuple[int, int]], given: tuple[int, ...] = ()) -> None:
    """Gives the calling process, a copy, open files of its own. `pairs`: the `socket_pairs` of the original; `given`:
    what it has got already."""
    links = open_files("/proc/self")
    renewed: dict[int, int] = {}
    pipes: dict[str, list[int]] = {}
    polls: list[int] = []
    for fd, link in links.items():
        if fd in STANDARD or fd in given:
            continue
        if link.startswith("pipe:"):
            pipes.setdefault(link, []).append(fd)
        elif link.startswith("socket:"):
            renewed[fd] = _closed_connection()
        elif link == "anon_inode:[eventpoll]":
            polls.append(fd)
        elif link == "anon_inode:[eventfd]":
            renewed[fd] = _counter(fd)
        elif link.startswith("/") and link not in _UNSHARED_DEVICES:
            renewed[fd] = _opened_again(fd)
    for one, other in pairs:
        for fd, end in zip((one, other), socket.socketpair()):  # noqa: B905 - Python 3.8
            end.setblocking(os.get_blocking(fd))
            os.close(renewed[fd])
            renewed[fd] = end.detach()
    for ends in pipes.values():
        renewed.update(_pipe(ends))
    registered = {fd: _registered(fd) for fd in polls}
    for fd, new in renewed.items():
        _replace(fd, new)
    for fd, entries in registered.items():
        _replace(fd, _poll(entries))


def _replace(fd: int, new: int) -> None:
    is_inheritable = os.get_inheritable(fd)
    os.dup2(new, fd, inheritable=is_inheritable)
    os.close(new)


def _opened_again(fd: int) -> int:
    """The same file at the same position, with a position of its own."""
    info = _info(fd)
    new = os.open(f"/proc/self/fd/{fd}" if _is_the_same(fd) else os.readlink(f"/proc/self/fd/{fd}"), info["flags"])
    with contextlib.suppress(OSError):  # not a file that has positions
        os.lseek(new, info["pos"], os.SEEK_SET)
    return new


def _is_the_same(fd: int) -> bool:
    """Whether the file's path leads to it still: not in /tmp, which is a copy's own."""
    try:
        return os.path.samestat(os.stat(os.readlink(f"/proc/self/fd/{fd}")), os.fstat(fd))
    except OSError:
        return True


def _closed_connection() -> int:
    """A connection that the other side has closed."""
    ours, theirs = socket.socketpair()
    theirs.close()
    return ours.detach()


def _pipe(ends: list[int]) -> dict[int, int]:
    """New ends for the old ones. What was in the pipe stays behind."""
    reading, writing = os.pipe()
    result = {}
    for fd in ends:
        is_writing = _info(fd)["flags"] & os.O_ACCMODE == os.O_WRONLY
        result[fd] = writing if is_writing else reading
        os.set_blocking(result[fd], os.get_blocking(fd))
    return result


def _counter(fd: int) -> int:
    flags = (os.EFD_NONBLOCK if not os.get_blocking(fd) else 0) | os.EFD_CLOEXEC  # type: ignore[attr-defined, unused-ignore]
    return int(os.eventfd(int(_text(fd, "eventfd-count"), 16), flags))  # type: ignore[attr-defined, unused-ignore]


def _registered(fd: int) -> list[tuple[int, int]]:
    """File descriptor and events of each entry of an epoll object."""
    with open(f"/proc/self/fdinfo/{fd}") as file:
        found = re.findall(r"tfd:\s*(\d+)\s+events:\s*([0-9a-f]+)", file.read())
    return [(int(target), int(events, 16)) for target, events in found]


def _poll(entries: list[tuple[int, int]]) -> int:
    poll = select.epoll()
    for target, events in entries:
        with contextlib.suppress(OSError):  # it is closed, or is no longer what can be waited for
            poll.register(target, events)
    new = os.dup(poll.fileno())
    poll.close()
    return new


def _info(fd: int) -> dict[str, Any]:
    return {"flags": int(_text(fd, "flags"), 8) & _ACCESS, "pos": int(_text(fd, "pos"))}


def _text(fd: int, key: str) -> str:
    with open(f"/proc/self/fdinfo/{fd}") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name == key:
                return value.strip()
    raise OSError(f"file descriptor {fd} has no {key}")
