"""A load client that costs little: plain sockets, requests built beforehand, no parsing beyond what ends an answer.

Run as its own process, so that it shares neither interpreter nor garbage collector with what it measures:

    python -I -S client.py < job.json

The job: {"host", "port", "requests": [base64 ...], "connections", "count" | "duration_s", "warm_up"}. The answer, on
one line: {"nanoseconds": [...], "elapsed_s", "answers"}. One connection blocks in recv; several share an epoll loop,
each with one request under way. An answer that is not 200 or 202, or carries a function error, ends the run.
"""

import base64
import gc
import json
import select
import socket
import sys
import time

RECEIVE_BYTES = 65536
WARM_UP_S = 1.0


class BadAnswerError(Exception):
    """What came back is not a good answer; the text is its beginning."""


def is_whole(data: bytes) -> bool:
    """Whether `data` holds a whole answer. Raises BadAnswerError when it is not a good one."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return False
    at = data.find(b"ontent-", 0, head)
    while data[at + 7 : at + 14].lower() != b"length:":
        at = data.find(b"ontent-", at + 7, head)
        if at < 0:
            raise BadAnswerError(data[:300].decode("latin-1"))
    length = int(data[at + 14 : data.index(b"\r\n", at)])
    if len(data) < head + 4 + length:
        return False
    is_good = data.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202"))
    if not is_good or b"unction-Error" in data[:head] or b'"errorType"' in data[head:]:
        raise BadAnswerError(data[:600].decode("latin-1"))
    return True


def connect(host: str, port: int) -> socket.socket:
    connection = socket.create_connection((host, port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """One request and its whole answer."""
    connection.sendall(request)
    data = _more(connection)
    while not is_whole(data):
        data += _more(connection)
    return data


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(RECEIVE_BYTES)
    if not received:
        raise BadAnswerError("the connection was closed before the answer was whole")
    return received


def one_after_another(connection: socket.socket, requests: list[bytes], count: int) -> list[int]:
    """Nanoseconds of each of `count` exchanges."""
    clock, times = time.perf_counter_ns, []
    for i in range(count):
        request = requests[i % len(requests)]
        begun = clock()
        exchange(connection, request)
        times.append(clock() - begun)
    return times


def all_at_once(connections: list[socket.socket], requests: list[bytes]) -> float:
    """Sends one request over each connection and waits for every answer. Seconds from first byte to last."""
    poller, pending = select.epoll(), {}
    for connection in connections:
        poller.register(connection.fileno(), select.EPOLLIN)
        pending[connection.fileno()] = (connection, b"")
    begun = time.perf_counter()
    for connection, request in zip(connections, requests, strict=True):
        connection.sendall(request)
    while pending:
        for number, _ in poller.poll():
            connection, data = pending[number]
            data += _more(connection)
            if is_whole(data):
                del pending[number]
            else:
                pending[number] = (connection, data)
    return time.perf_counter() - begun


def in_parallel(connections: list[socket.socket], requests: list[bytes], duration_s: float) -> tuple[list[int], float]:
    """Keeps one request under way on every connection for `duration_s`. Their times, and how long it really took."""
    clock, poller, times = time.perf_counter_ns, select.epoll(), []
    state = {}
    for i, connection in enumerate(connections):
        poller.register(connection.fileno(), select.EPOLLIN)
        state[connection.fileno()] = [connection, b"", clock(), requests[i % len(requests)]]
    begun = clock()
    for connection, _, _, request in state.values():
        connection.sendall(request)
    end, under_way = begun + int(duration_s * 1e9), len(state)
    while under_way:
        for number, _ in poller.poll():
            slot = state[number]
            slot[1] += _more(slot[0])
            if not is_whole(slot[1]):
                continue
            now = clock()
            times.append(now - slot[2])
            if now >= end:
                under_way -= 1
                continue
            slot[1], slot[2] = b"", now
            slot[0].sendall(slot[3])
    return times, (clock() - begun) / 1e9


def main() -> None:
    job = json.load(sys.stdin)
    requests = [base64.b64decode(r) for r in job["requests"]]
    connections = [connect(job["host"], job["port"]) for _ in range(job["connections"])]
    gc.disable()
    if len(connections) == 1:
        one_after_another(connections[0], requests, job["warm_up"])
        begun = time.perf_counter()
        times = one_after_another(connections[0], requests, job["count"])
        elapsed_s = time.perf_counter() - begun
    else:
        in_parallel(connections, requests, WARM_UP_S)  # as many environments as connections
        times, elapsed_s = in_parallel(connections, requests, job["duration_s"])
    json.dump({"nanoseconds": times, "elapsed_s": elapsed_s, "answers": len(times)}, sys.stdout)


if __name__ == "__main__":
    main()
