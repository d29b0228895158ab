"""The Runtime API of one environment: `next`, `response`, `error` and `init/error`.

What the runtime may do depends on where it is: every request is refused (403) unless the state allows it. The
environment (`runtime.environment`) hears of what happened through `Listener` and says what to do next with `deliver`.

    STARTING --next--> WAITING --deliver--> RUNNING --response|error--> ANSWERED --next--> WAITING
        `--init/error--> FAILED

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from ramuda.kernel import limits
from ramuda.kernel.codec import decode_json, encode_json
from ramuda.runtime.api.bodies import Buffered, Ignored, ResponseStream, StreamLimits, error_in_trailers
from ramuda.runtime.api.connection import ApiConnection, Body, Exchange

PREFIX = b"/2018-06-01/runtime/"
NEXT = PREFIX + b"invocation/next"
INIT_ERROR = PREFIX + b"init/error"
INVOCATION = PREFIX + b"invocation/"
ERROR_TYPE_HEADER = b"lambda-runtime-function-error-type"
MODE_HEADER = b"lambda-runtime-function-response-mode"
CONNECTIONS_MAX = 64
PATH_BYTES_SHOWN = 200


class Listener(Protocol):
    """The environment's side."""

    def on_ready(self) -> None:
        """The runtime asks for the next event: it is initialised, or done with the last."""
        ...

    def on_init_error(self, error_type: str, payload: bytes) -> None: ...

    def on_response(self, payload: bytes, content_type: str) -> None: ...

    def on_stream(self, stream: ResponseStream) -> None: ...

    def on_error(self, error_type: str, payload: bytes) -> None: ...

    def on_response_too_large(self) -> None: ...


class OtherApi(Protocol):
    """Further routes on the same address."""

    def open_body(self, exchange: Exchange) -> Body | None:
        """None for a path that is not of this API."""
        ...


class State(Enum):
    STARTING = "Starting"
    WAITING = "Ready"
    RUNNING = "Running"
    ANSWERED = "InvocationResponse"
    FAILED = "InitError"


class RuntimeApi:
    """State of the protocol for one environment. `factory` is given to the event loop for each listening socket."""

    def __init__(
        self,
        listener: Listener,
        stream_limits: StreamLimits | None = None,
        others: Sequence[OtherApi] = (),
    ) -> None:
        self._listener = listener
        self._others = others
        self._stream_limits = stream_limits or StreamLimits()
        self._state = State.STARTING
        self._request_id = b""
        self._wants_stream = False
        self._waiting: Exchange | None = None
        self._is_buffering = False
        self._connections: set[ApiConnection] = set()

    def factory(self) -> ApiConnection:
        is_welcome = len(self._connections) < CONNECTIONS_MAX
        connection = ApiConnection(self._open_body, self._connections.discard, is_welcome=is_welcome)
        if is_welcome:
            self._connections.add(connection)
        return connection

    def restart(self) -> None:
        """The runtime's process is gone; a new one will start from the beginning."""
        self._state = State.STARTING
        self._waiting = None
        for connection in list(self._connections):
            connection.close()

    def deliver(self, request_id: str, head: bytes, payload: bytes, *, wants_stream: bool) -> None:
        """Hands the runtime an event; `head` are its header lines. Only after `on_ready`."""
        exchange, self._waiting = self._waiting, None
        if exchange is None:
            raise RuntimeError("no runtime waits for an event")
        self._state = State.RUNNING
        self._request_id = request_id.encode()
        self._wants_stream = wants_stream
        exchange.reply(200, payload, head)

    # routes

    def _open_body(self, exchange: Exchange) -> Body:
        path = exchange.path
        if path == NEXT and exchange.method == b"GET":
            return Ignored(lambda: self._next(exchange))
        if exchange.method == b"POST":
            if path.startswith(INVOCATION):
                request_id, _, action = path[len(INVOCATION) :].partition(b"/")
                if action == b"response":
                    return self._open_response(exchange, request_id)
                if action == b"error":
                    return self._buffer(exchange, lambda body: self._error(exchange, request_id, body))
            if path == INIT_ERROR:
                return self._buffer(exchange, lambda body: self._init_error(exchange, body))
        for api in self._others:
            body = api.open_body(exchange)
            if body is not None:
                return body
        shown = path[:PATH_BYTES_SHOWN].decode("ascii", "replace")
        return Ignored(lambda: _refuse(exchange, 404, "InvalidPath", f"no such call: {shown}"))

    def _buffer(
        self,
        exchange: Exchange,
        then: Callable[[bytes | None], None],
        intercept: Callable[[dict[bytes, bytes]], bool] | None = None,
    ) -> Body:
        """Takes a body into memory: one at a time, however many connections a hostile runtime opens."""
        if self._is_buffering:
            return Ignored(lambda: self._refuse_transition(exchange, self._state.value))
        self._is_buffering = True
        return Buffered(limits.RESPONSE_PAYLOAD_BYTES, then, intercept, over=self._buffered)

    def _buffered(self) -> None:
        self._is_buffering = False

    def _next(self, exchange: Exchange) -> None:
        if self._state is State.RUNNING or self._state is State.FAILED:
            self._refuse_transition(exchange, "Ready")
            return
        self._waiting = exchange
        self._state = State.WAITING
        self._listener.on_ready()

    def _open_response(self, exchange: Exchange, request_id: bytes) -> Body:
        if not self._may_answer(exchange, request_id, "InvocationResponse"):
            return Ignored(lambda: None)
        content_type = exchange.headers.get(b"content-type", b"application/json").decode("latin-1")
        if self._wants_stream and exchange.headers.get(MODE_HEADER) == b"streaming":
            self._state = State.ANSWERED
            stream = ResponseStream(exchange, content_type, self._stream_limits)
            self._listener.on_stream(stream)
            return stream
        return self._buffer(
            exchange, lambda body: self._response(exchange, request_id, body, content_type), self._trailing_error
        )

    def _response(self, exchange: Exchange, request_id: bytes, body: bytes | None, content_type: str) -> None:
        if not self._may_answer(exchange, request_id, "InvocationResponse"):
            return
        self._state = State.ANSWERED
        if body is None:
            self._listener.on_response_too_large()
            _refuse(
                exchange,
                413,
                "RequestEntityTooLarge",
                f"Exceeded maximum allowed payload size ({limits.RESPONSE_PAYLOAD_BYTES} bytes).",
            )
            return
        self._listener.on_response(body, content_type)
        exchange.reply(202, b'{"status":"OK"}\n')

    def _trailing_error(self, trailers: dict[bytes, bytes]) -> bool:
        """A function that failed after it began a streamed response says so in trailers."""
        failure = error_in_trailers(trailers)
        if failure is None or self._state is not State.RUNNING:
            return False
        self._state = State.ANSWERED
        self._listener.on_error(failure[0], failure[1].encode())
        return True

    def _error(self, exchange: Exchange, request_id: bytes, body: bytes | None) -> None:
        if not self._may_answer(exchange, request_id, "InvocationErrorResponse"):
            return
        self._state = State.ANSWERED
        self._listener.on_error(*_described(exchange, body))
        exchange.reply(202, b'{"status":"OK"}\n')

    def _init_error(self, exchange: Exchange, body: bytes | None) -> None:
        if self._state is not State.STARTING:
            self._refuse_transition(exchange, "InitError")
            return
        self._state = State.FAILED
        self._listener.on_init_error(*_described(exchange, body))
        exchange.reply(202, b'{"status":"OK"}\n')

    def _may_answer(self, exchange: Exchange, request_id: bytes, target: str) -> bool:
        if self._state is not State.RUNNING:
            self._refuse_transition(exchange, target)
            return False
        if request_id != self._request_id:
            _refuse(exchange, 400, "InvalidRequestID", "Invalid request ID")
            return False
        return True

    def _refuse_transition(self, exchange: Exchange, target: str) -> None:
        message = f"State transition from {self._state.value} to {target} failed for runtime."
        _refuse(exchange, 403, "InvalidStateTransition", f"{message} Error: State transition is not allowed")


def _refuse(exchange: Exchange, status: int, error_type: str, message: str) -> None:
    exchange.reply(status, encode_json({"errorMessage": message, "errorType": error_type}))


def _described(exchange: Exchange, body: bytes | None) -> tuple[str, bytes]:
    """The error type and payload that a runtime reported; what is missing or unreadable is said in AWS's words."""
    error_type = exchange.headers.get(ERROR_TYPE_HEADER, b"").decode("latin-1")
    try:
        told = decode_json(body or b"")
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        error_type = error_type or "Runtime.Unknown"
        return error_type, encode_json(
            {"errorType": error_type, "errorMessage": (body or b"").decode("utf-8", "replace")}
        )
    return error_type or str(told.get("errorType") or "Runtime.Unknown"), body or b""
