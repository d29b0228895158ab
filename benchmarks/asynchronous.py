"""Asynchronous invocation: how fast events are accepted for good, how soon they run, and that a crash loses none.

Which events ran is told by the functions themselves, to a small server in this process that outlives the platform's
crash: the platform believes it to be S3.
"""

import io
import json
import statistics
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import load, platform_under_test
from benchmarks.client import connect, exchange
from benchmarks.platform_under_test import PAYLOAD, Platform
from benchmarks.report import Bound, Row
from ramuda.testing import RunningServer

FUNCTION = "bench-events"
HANDLER = Path(__file__).with_name("handler") / "recording" / "app.py"
CONNECTIONS = 16
SECONDS_A_ROUND = 3.0
IDLE_EVENTS = 100
IDLE_PAUSE_S = 0.05  # longer than an environment stays thawed (runtime.Options.freeze_after_s)
EVENTS = 10_000
STALLED_S = 60.0


class Witness:
    """Which events ran, how often, and when first; safe to use from threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._started_s: dict[str, float] = {}
        self._runs: Counter[str] = Counter()

    def saw(self, event: str, started_s: float) -> None:
        with self._changed:
            self._started_s.setdefault(event, started_s)
            self._runs[event] += 1
            self._changed.notify_all()

    def wait_for(self, events: set[str], stalled_s: float = STALLED_S) -> set[str]:
        """Until all of them ran, or none did for `stalled_s`; those that did not."""
        with self._changed:
            while missing := events - self._started_s.keys():
                before = len(self._started_s)
                if not self._changed.wait(stalled_s) and len(self._started_s) == before:
                    return missing
            return set()

    def started_s(self, event: str) -> float:
        return self._started_s[event]

    @property
    def seen(self) -> int:
        return len(self._started_s)

    @property
    def repeated(self) -> int:
        """Runs beyond the first of each event."""
        return sum(self._runs.values()) - len(self._runs)


def accept(rounds: int) -> list[Row]:
    """16 connections hand events over as fast as they can: while the function is run beside it, and while it may not
    run at all (no reserved concurrency), so that accepting and dropping is all there is to do."""
    with platform_under_test.running() as ours:
        ours.deploy(FUNCTION)
        target = load.Target(host="127.0.0.1", port=ours.port, requests=[_event(ours, PAYLOAD)])
        client = ours.client("lambda")
        alone, beside = [], []
        for _ in range(rounds):
            client.put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=0)
            alone.append(_crowd(target))
            client.delete_function_concurrency(FunctionName=FUNCTION)
            beside.append(_crowd(target))
    bound = Bound(limit=3000.0, text="3,000/s", at_least=True)
    return [
        Row(measure=measure, ours=f"{per_second:,.0f}/s", judged=per_second, target=bound)
        for measure, per_second in (
            (f"events accepted for good, {CONNECTIONS} connections", load.typical(beside).per_second),
            ("  of a function that may not run", load.typical(alone).per_second),
        )
    ]


def start(rounds: int) -> list[Row]:
    """An idle server: from the moment the client sends the event to the handler's first line. That is more than from
    its acceptance."""
    with _witnessed() as (ours, witness):
        times = [_idle_ms(ours, witness, number) for number in range(-10, IDLE_EVENTS * rounds)]
    typical = statistics.median(times[10:])
    return [
        Row(
            measure="event sent to handler started, idle, p50",
            ours=f"{typical:.2f} ms",
            judged=typical,
            target=Bound(limit=5.0, text="5 ms"),
        )
    ]


def crash(_: int) -> list[Row]:
    """10,000 events; the server is killed while it accepts and runs them, and again while it works off the rest."""
    with _witnessed() as (ours, witness):
        accepted: set[str] = set()
        numbers = iter(range(10 * EVENTS))
        _send(ours, accepted, numbers, until=EVENTS // 2)
        sender = threading.Thread(target=_send, args=(ours, accepted, numbers), kwargs={"until": EVENTS})
        sender.start()
        _kill_and_start(ours)
        sender.join()
        _send(ours, accepted, numbers, until=EVENTS)
        waiting = len(accepted) - witness.seen
        _kill_and_start(ours)
        lost = witness.wait_for(accepted)
    return [
        Row(
            measure=f"events lost of {len(accepted):,}, killed twice ({witness.repeated} ran again)",
            ours=f"{len(lost)}",
            peer=f"{waiting:,} waiting at the second",
            judged=float(len(lost)),
            target=Bound(limit=0.0, text="0"),
        )
    ]


def _crowd(target: load.Target) -> load.Measured:
    return load.run(target, connections=CONNECTIONS, duration_s=SECONDS_A_ROUND)


def _idle_ms(ours: Platform, witness: Witness, number: int) -> float:
    event = f"idle{number}"
    connection = connect("127.0.0.1", ours.port)
    request = _event(ours, json.dumps({"id": event}).encode())
    time.sleep(IDLE_PAUSE_S)
    sent_s = time.time()
    exchange(connection, request)
    connection.close()
    if witness.wait_for({event}):
        raise RuntimeError(f"{event} did not run")
    return (witness.started_s(event) - sent_s) * 1e3


def _send(ours: Platform, accepted: set[str], numbers: Iterator[int], *, until: int) -> None:
    """Hands events over until that many were accepted, or the server is gone."""
    lock = threading.Lock()

    def send() -> None:
        connection = HTTPConnection("127.0.0.1", ours.port, timeout=30)
        while True:
            with lock:
                if len(accepted) >= until:
                    return
                event = f"event{next(numbers)}"
            try:
                connection.request(
                    "POST",
                    f"/2015-03-31/functions/{FUNCTION}/invocations",
                    body=json.dumps({"id": event}),
                    headers={"X-Amz-Invocation-Type": "Event"},
                )
                answer = connection.getresponse()
                answer.read()
            except (OSError, HTTPException):
                return
            if answer.status == 202:
                with lock:
                    accepted.add(event)

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _kill_and_start(ours: Platform) -> None:
    port = ours.port
    ours.server.kill()
    ours.server.start(port)


def _event(ours: Platform, payload: bytes) -> bytes:
    """The HTTP message of an asynchronous invocation."""
    return ours.signed_invoke(FUNCTION, payload).replace(b"\r\n", b"\r\nX-Amz-Invocation-Type: Event\r\n", 1)


@contextmanager
def _witnessed() -> Iterator[tuple[Platform, Witness]]:
    """A server with the function that tells of its runs, and who is told."""
    witness = Witness()
    with _told(witness) as url, TemporaryDirectory(prefix="ramuda-bench-") as scratch:
        server = RunningServer(Path(scratch) / "data", ("--endpoint", f"s3={url}"))
        server.start()
        try:
            ours = Platform(server=server)
            _deploy(ours)
            yield ours, witness
        finally:
            server.stop()


@contextmanager
def _told(witness: Witness) -> Iterator[str]:
    class Told(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:  # the name that http.server wants
            _, _, event, started_s = self.path.split("/")
            witness.saw(event, float(started_s))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """The platform was killed in the middle of a request, as it was to be."""

    server = Server(("127.0.0.1", 0), Told)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _deploy(ours: Platform) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(HANDLER, HANDLER.name)
    client = ours.client("lambda")
    client.create_function(
        FunctionName=FUNCTION,
        Runtime=platform_under_test.PYTHON_RUNTIME,
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/bench",
        MemorySize=platform_under_test.MEMORY_MIB,
        Timeout=30,
        Code={"ZipFile": packed.getvalue()},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
